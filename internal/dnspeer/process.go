//go:build unix

package dnspeer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// Program is a server that runs in the foreground and tells on standard output or error when it serves.
type Program struct {
	Dir   string   // where it runs
	Argv  []string // its name or path, and its arguments
	Env   []string // added to the environment, as in "KRB5_CONFIG=/tmp/krb5.conf"
	Up    string   // in the line that says that it serves, lower case; a newline ends the line
	Taken string   // in the line that says that its port is another's, lower case; empty: none says so
}

// process is one life of a server.
type process struct {
	cmd  *exec.Cmd
	up   chan error    // gets one value: nil once it serves
	gone chan struct{} // closed once it has ended and is reaped
}

var (
	errTaken = errors.New("the port is taken")
	errEnded = errors.New("it has ended")
)

func start(prog Program, log *journal) (*process, error) {
	p := &process{cmd: exec.Command(prog.Argv[0], prog.Argv[1:]...), up: make(chan error, 1), gone: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = prog.Dir, append(os.Environ(), prog.Env...)
	p.cmd.SysProcAttr = dieWithParent
	p.cmd.WaitDelay = patience // should somebody else hold its output
	var once sync.Once
	settle := func(err error) { once.Do(func() { p.up <- err }) }
	w := &lineWriter{line: func(line string) {
		log.add(line)
		switch {
		case prog.Taken != "" && contains(line, prog.Taken):
			settle(errTaken)
		case contains(line+"\n", prog.Up):
			settle(nil)
		}
	}}
	p.cmd.Stdout, p.cmd.Stderr = w, w // the same: exec copies it from one pipe, on one goroutine
	started := make(chan error)
	go func() {
		// The thread that starts the server lives as long as it does: see dieWithParent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		defer close(p.gone)
		p.cmd.Wait()
		settle(errEnded)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// await returns when the server serves, or why it does not.
func (p *process) await() error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-p.up:
		return err
	case <-timer.C:
		return fmt.Errorf("it has not started within %v", patience)
	}
}

// wait returns when the server, which was told to end, is gone. One that does not obey is killed.
func (p *process) wait() {
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.gone
}
