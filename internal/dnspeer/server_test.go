//go:build unix

package dnspeer

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/internal/peertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key     = Key{Name: "upd.example.test", Secret: []byte("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")}
	example = Zone{Name: "example.test", Records: []string{"ns1 IN A 127.0.0.1", `host 60 IN TXT "by hand"`}}
	records = []string{`example.test. 300 IN NS ns1.example.test.`, `host.example.test. 60 IN TXT "by hand"`, `ns1.example.test. 300 IN A 127.0.0.1`}
)

func each(t *testing.T, f func(t *testing.T, kind Kind)) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

func nsupdate(t *testing.T, p *Peer, lines ...string) error {
	t.Helper()
	peertest.DNS.Tools(t, "nsupdate")
	cmd := exec.Command("nsupdate", "-y", "hmac-sha256:"+key.Name+":"+key.secret())
	host, port, _ := strings.Cut(p.Address(), ":")
	cmd.Stdin = strings.NewReader("server " + host + " " + port + "\n" + strings.Join(lines, "\n") + "\nsend\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("nsupdate: %s", out)
	}
	return err
}

// A server serves what it was given, takes updates where it may, and has them still after a crash.
func TestServersKeepUpdatesThroughACrash(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		p := Start(t, kind, Config{Keys: []Key{key}, Zones: []Zone{example, {Name: "locked.test", Locked: true}}})
		if got := p.Records("example.test"); !slices.Equal(got, records) || p.Serial("example.test") != 1 {
			t.Errorf("serial %d, records %q; want %q", p.Serial("example.test"), got, records)
		}
		if err := nsupdate(t, p, "update add new.example.test 60 A 192.0.2.1"); err != nil {
			t.Error(err)
		}
		if err := nsupdate(t, p, "zone locked.test", "update add new.locked.test 60 A 192.0.2.1"); err == nil {
			t.Error("a locked zone took an update")
		}
		p.Kill()
		if _, err := p.s.Serial("example.test"); err == nil {
			t.Error("it answers although it is dead")
		}
		p.Restart()
		if err := p.s.Restart(); err == nil {
			t.Error("it was started twice")
		}
		want := slices.Sorted(slices.Values(append([]string{"new.example.test. 60 IN A 192.0.2.1"}, records...)))
		if got := p.Records("example.test"); !slices.Equal(got, want) || p.Serial("example.test") == 1 {
			t.Errorf("after the crash: serial %d, records %q; want %q", p.Serial("example.test"), got, want)
		}
		p.Await("new.example.test", "A", "new.example.test. 60 IN A 192.0.2.1")
		if got := p.Query("none.example.test", "A"); got != nil {
			t.Errorf("a name that does not exist has %q", got)
		}
		p.Pause() // and ends all the same
	})
}

func TestSecondaryFollowsItsPrimary(t *testing.T) {
	primary := Start(t, BIND, Config{Zones: []Zone{example}})
	each(t, func(t *testing.T, kind Kind) {
		p := Start(t, kind, Config{Zones: []Zone{{Name: "example.test", Primary: primary.Address()}}})
		if got := p.Records("example.test"); !slices.Equal(got, records) {
			t.Errorf("records %q; want %q", got, records)
		}
	})
}

// When the port is taken, everything is written anew for another one.
func TestSetupTwice(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		p := Start(t, kind, Config{Zones: []Zone{example}, Keys: []Key{key}})
		p.Kill()
		for range 2 { // the server has left a write-ahead log perhaps
			if err := recipes[kind].setup(p.s.dir, p.s.cfg, p.Address()); err != nil {
				t.Fatal(err)
			}
		}
		p.Restart()
		if got := p.Records("example.test"); !slices.Equal(got, records) {
			t.Errorf("records %q; want %q", got, records)
		}
	})
}

func TestLaunchSaysWhatIsWrong(t *testing.T) {
	if _, err := Launch(t.TempDir(), "NSD", Config{}); err == nil || !strings.Contains(err.Error(), `no server "NSD"`) {
		t.Errorf("an unknown server: %v", err)
	}
	each(t, func(t *testing.T, kind Kind) {
		p := Start(t, kind, Config{Zones: []Zone{example}})
		if _, err := Launch(t.TempDir(), kind, Config{Zones: []Zone{example}, Address: p.Address()}); !errors.Is(err, errTaken) {
			t.Errorf("at a taken port: %v", err)
		}
		broken := Zone{Name: "broken.test", Records: []string{"no record at all"}}
		if s, err := Launch(t.TempDir(), kind, Config{Zones: []Zone{broken}}); err == nil {
			s.Close()
			t.Error("a broken zone is served")
		}
	})
}
