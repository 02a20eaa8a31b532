//go:build unix

package dnspeer

import (
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

// Peer is a Server in a test: what fails ends the test. It is closed when the test ends, and its log is
// printed if that failed.
type Peer struct {
	t testing.TB
	s *Server
}

// Start starts a server for a test, which skips if it is not installed.
func Start(t testing.TB, kind Kind, cfg Config) *Peer {
	t.Helper()
	peertest.DNS.Tools(t, recipes[kind].tools...)
	for _, file := range recipes[kind].files {
		if _, err := os.Stat(file); err != nil {
			peertest.DNS.Missing(t, string(kind), err)
		}
	}
	s, err := Launch(t.TempDir(), kind, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the log of %s:\n%s", kind, s.Log())
		}
	})
	return &Peer{t, s}
}

// StartProgram starts a server of another kind for a test, until end is called or the test ends.
func StartProgram(t testing.TB, p Program) (end func()) {
	t.Helper()
	var log journal
	run, err := start(p, &log)
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		run.cmd.Process.Signal(syscall.SIGTERM)
		run.wait()
		if t.Failed() {
			t.Logf("the log of %s:\n%s", p.Argv[0], &log)
		}
	})
	t.Cleanup(end)
	if err := run.await(); err != nil {
		t.Fatalf("%s: %v", p.Argv[0], err)
	}
	return end
}

// In returns the server for use in a subtest, which is then what ends when something fails.
func (p *Peer) In(t testing.TB) *Peer { return &Peer{t, p.s} }

// Kind returns what kind of server it is.
func (p *Peer) Kind() Kind { return p.s.Kind }

// Address returns where the server listens, as host:port.
func (p *Peer) Address() string { return p.s.Address }

// Records returns the records of a zone as [Reader.Transfer] does.
func (p *Peer) Records(zone string) []string {
	p.t.Helper()
	records, _, err := p.s.Transfer(zone)
	p.must(err)
	return records
}

// Query returns the records of one type at a name as [Reader.Query] does.
func (p *Peer) Query(name, rtype string) []string {
	p.t.Helper()
	records, err := p.s.Query(name, rtype)
	p.must(err)
	return records
}

// Serial returns the serial of a zone.
func (p *Peer) Serial(zone string) uint32 {
	p.t.Helper()
	serial, err := p.s.Serial(zone)
	p.must(err)
	return serial
}

// Await asks for the records of one type at a name until they are these, given as Query returns them.
func (p *Peer) Await(name, rtype string, want ...string) {
	p.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var got []string
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if got = p.Query(name, rtype); slices.Equal(got, want) {
			return
		}
	}
	p.t.Fatalf("%s at %s: %s is %q, want %q", name, p.s.Kind, rtype, got, want)
}

// Kill ends the server with SIGKILL, as a crash does.
func (p *Peer) Kill() { p.t.Helper(); p.must(p.s.Kill()) }

// Restart starts the server again after Kill.
func (p *Peer) Restart() { p.t.Helper(); p.must(p.s.Restart()) }

// Pause stops the server where it is.
func (p *Peer) Pause() { p.t.Helper(); p.must(p.s.Pause()) }

// Resume lets a paused server go on.
func (p *Peer) Resume() { p.t.Helper(); p.must(p.s.Resume()) }

func (p *Peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}
