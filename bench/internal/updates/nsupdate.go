package updates

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// tools are the programs of the peer. What stdbuf starts writes its lines as they come.
var tools = []string{"nsupdate", "stdbuf"}

// A toolbox has what nsupdate needs to know.
type toolbox struct {
	dir     string // has the key
	server  string // the command that names the server
	options []string
}

func newToolbox(s *server) (*toolbox, error) {
	if err := installed(tools...); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hextet-bench-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "key")
	key := fmt.Sprintf("key %q { algorithm hmac-sha256; secret %q; };\n", keyName, base64.StdEncoding.EncodeToString(secret))
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &toolbox{dir, "server " + host + " " + port + "\n", []string{"-k", file}}, nil
}

func (t *toolbox) close() error { return os.RemoveAll(t.dir) }

// once runs a process that is told everything at once.
func (t *toolbox) once(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, "nsupdate", t.options...)
	cmd.Stdin = strings.NewReader(t.server + script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nsupdate: %w\n%s", err, out)
	}
	return nil
}

// replace is the commands that give a name its next address: as many prerequisites, deletions and additions as
// ours sends. Among others that change the zone, ours requires that there is no AAAA record, too.
func replace(name string, at int, among bool) string {
	_, zone, _ := strings.Cut(name, ".")
	if at == 0 {
		return fmt.Sprintf("zone %s\nprereq nxdomain %s\nupdate add %s 1200 A %s\nsend\n", zone, name, name, numbered(1))
	}
	more := ""
	if among {
		more = "prereq nxrrset " + name + " AAAA\n"
	}
	was, is := numbered(at), numbered(at+1)
	return fmt.Sprintf("zone %[1]s\n%[5]sprereq yxrrset %[2]s A %[3]s\nupdate delete %[2]s A %[3]s\nupdate add %[2]s 1200 A %[4]s\nsend\n", zone, name, was, is, more)
}

// each starts a process for every change of the one name that it has.
type each struct {
	ctx   context.Context
	tools *toolbox
	name  string
	at    int
	err   error
}

func (e *each) change(n int) {
	for range n {
		if e.err != nil {
			return
		}
		e.err = e.tools.once(e.ctx, replace(e.name, e.at, false))
		e.at++
	}
}

func (e *each) now() ([]int, error) { return []int{e.at}, e.err }
func (e *each) all() []string       { return []string{e.name} }
func (*each) close() error          { return nil }

// sessions are processes that go on, each with a name of its own.
type sessions struct {
	names []string
	each  []*session
}

// A session is a process that is told one change after the other.
type session struct {
	name   string
	among  bool // others
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	failed bytes.Buffer // stderr; to be read when the process has ended
	at     int
	err    error
}

func newSessions(ctx context.Context, t *toolbox, names []string) (*sessions, error) {
	ss := &sessions{names: names}
	for _, name := range names {
		s, err := newSession(ctx, t, name, len(names) > 1)
		if err != nil {
			return nil, errors.Join(err, ss.close())
		}
		ss.each = append(ss.each, s)
	}
	return ss, nil
}

// newSession returns when the process is ready. Its output has to come line by line, and it would keep it back.
func newSession(ctx context.Context, t *toolbox, name string, among bool) (*session, error) {
	s := &session{name: name, among: among, cmd: exec.CommandContext(ctx, "stdbuf", append([]string{"-oL", "nsupdate"}, t.options...)...)}
	s.cmd.Stderr = &s.failed
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, s.in.Close())
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if s.tell(t.server); s.err != nil {
		return nil, errors.Join(s.err, s.close())
	}
	return s, nil
}

// tell returns when all commands have been carried out: the answer to the last one says so.
func (s *session) tell(commands string) {
	if s.err != nil {
		return
	}
	if _, s.err = io.WriteString(s.in, commands+"version\n"); s.err == nil {
		_, s.err = s.out.ReadString('\n')
	}
}

func (s *session) close() error {
	s.in.Close()
	err := s.cmd.Wait()
	if s.failed.Len() > 0 {
		err = errors.Join(err, errors.New(strings.TrimSpace(s.failed.String())))
	}
	return err
}

func (ss *sessions) change(n int) {
	var all sync.WaitGroup
	for _, s := range ss.each[1:] {
		all.Go(func() { s.change(n) })
	}
	ss.each[0].change(n)
	all.Wait()
}

// change tells all n changes at once, which spares the process the wait for the next.
func (s *session) change(n int) {
	var script strings.Builder
	for range n {
		script.WriteString(replace(s.name, s.at, s.among))
		s.at++
	}
	s.tell(script.String())
}

func (ss *sessions) now() (at []int, err error) {
	for _, s := range ss.each {
		if s.err != nil {
			return nil, s.err
		}
		at = append(at, s.at)
	}
	return at, nil
}

func (ss *sessions) all() []string { return ss.names }

func (ss *sessions) close() error {
	var err error
	for _, s := range ss.each {
		err = errors.Join(err, s.close())
	}
	return err
}
