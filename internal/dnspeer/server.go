//go:build unix

package dnspeer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Server is a running name server. Its methods must not be called at the same time.
type Server struct {
	Reader // at host:port, for UDP too
	Kind   Kind

	dir     string
	cfg     Config
	log     journal
	process *process // nil: none is running
}

// patience bounds every wait for a server.
const patience = 20 * time.Second

// Launch starts a server in dir, which has to be empty and its own, and returns when it answers for every
// zone. Close it.
func Launch(dir string, kind Kind, cfg Config) (*Server, error) {
	r, ok := recipes[kind]
	if !ok {
		return nil, fmt.Errorf("dnspeer: there is no server %q", kind)
	}
	var err error
	for range 3 { // another may be faster at the port
		s := &Server{Reader: Reader{cfg.Address}, Kind: kind, dir: dir, cfg: cfg}
		if s.Address == "" {
			s.Address, err = FreeAddress()
		} else {
			err = probe(s.Address)
		}
		if err != nil {
			return nil, err
		}
		if err = r.setup(dir, cfg, s.Address); err != nil {
			return nil, fmt.Errorf("dnspeer: %s: %w", kind, err)
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
		err = fmt.Errorf("%w\n%s", err, s.Log())
		s.Kill()
		if !errors.Is(err, errTaken) || cfg.Address != "" {
			break
		}
	}
	return nil, err
}

// FreeAddress returns a port of 127.0.0.1 that is free for UDP and TCP. It is none of those that systems hand
// out to clients: a server has to find its port free again after a restart.
func FreeAddress() (address string, err error) {
	for range 64 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(22_000)))
		if err = probe(address); err == nil {
			return address, nil
		}
	}
	return "", err
}

// probe says whether an address is free. BIND would share it with another BIND, by SO_REUSEPORT.
func probe(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("dnspeer: %w: %w", errTaken, err)
	}
	defer l.Close()
	pc, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("dnspeer: %w: %w", errTaken, err)
	}
	return pc.Close()
}

// Restart starts the server again on its data, after Kill or Terminate, and returns when it answers for every
// zone.
func (s *Server) Restart() error {
	if s.process != nil {
		return fmt.Errorf("dnspeer: %s is running", s.Kind)
	}
	r := recipes[s.Kind]
	p, err := start(Program{Dir: s.dir, Argv: r.argv(s.dir), Env: s.cfg.Env, Up: r.up, Taken: r.taken}, &s.log)
	if err == nil {
		s.process = p
		err = p.await()
	}
	if err != nil {
		return fmt.Errorf("dnspeer: %s: %w", s.Kind, err)
	}
	for _, z := range s.cfg.Zones {
		if err := s.serves(z); err != nil {
			return err
		}
	}
	return nil
}

// Kill ends the server with SIGKILL, as a crash does, and waits until it is gone.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// Terminate ends the server in order and waits until it is gone.
func (s *Server) Terminate() error {
	s.Resume() // a stopped process would not hear
	return s.end(syscall.SIGTERM)
}

// Close ends the server. It need not be running.
func (s *Server) Close() error {
	if s.process == nil {
		return nil
	}
	return s.Terminate()
}

// Pause stops the server with SIGSTOP, and returns when that has happened: it neither answers nor is gone. What
// arrives waits for Resume.
func (s *Server) Pause() error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if stopped(s.process.cmd.Process.Pid) {
			return nil
		}
	}
	return fmt.Errorf("dnspeer: %s does not stop", s.Kind)
}

// stopped reports whether all threads of a process are stopped, where the system tells (proc(5)).
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if i := bytes.LastIndexByte(stat, ')'); err == nil && !bytes.HasPrefix(stat[i+1:], []byte(" T ")) {
			return false
		}
	}
	return true
}

// Resume lets a paused server go on.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

// Log returns what the server has printed, its last lines.
func (s *Server) Log() string { return s.log.String() }

func (s *Server) signal(sig syscall.Signal) error {
	if s.process == nil {
		return fmt.Errorf("dnspeer: %s: %v: it is not running", s.Kind, sig)
	}
	return s.process.cmd.Process.Signal(sig)
}

func (s *Server) end(sig syscall.Signal) error {
	if err := s.signal(sig); err != nil {
		return err
	}
	p := s.process
	s.process = nil
	p.wait()
	return nil
}
