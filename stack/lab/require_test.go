package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// judged is a test that is watched: what is said of it is kept. Fatalf ends the goroutine, as in a test.
type judged struct {
	name     string
	failed   bool
	said     []string
	cleanups []func()
}

func (j *judged) Helper()                   {}
func (j *judged) Name() string              { return j.name }
func (j *judged) Failed() bool              { return j.failed }
func (j *judged) Cleanup(f func())          { j.cleanups = append(j.cleanups, f) }
func (j *judged) Logf(f string, a ...any)   { j.said = append(j.said, fmt.Sprintf(f, a...)) }
func (j *judged) Errorf(f string, a ...any) { j.failed = true; j.Logf(f, a...) }
func (j *judged) Fatalf(f string, a ...any) { j.Errorf(f, a...); runtime.Goexit() }

// judge runs f as a test, with its cleanups, and returns what came of it.
func judge(t *testing.T, f func(lab.TB)) *judged {
	j := &judged{name: t.Name()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for i := len(j.cleanups) - 1; i >= 0; i-- {
				j.cleanups[i]()
			}
		}()
		f(j)
	}()
	<-done
	return j
}

func (j *judged) text() string { return strings.Join(j.said, "\n") }

// forge sends a UDP datagram with a wrong checksum.
func forge(t *testing.T, l *lab.Lab, h *lab.Host) {
	raw, err := h.ListenRaw(17, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.SetChecksum(false, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.WriteTo([]byte{0, 7, 0, 9, 0, 8, 1, 2}, nil, &net.IPAddr{IP: net.ParseIP("2001:db8::2")}); err != nil {
		t.Fatal(err)
	}
	l.Sleep(3 * time.Second)
}

func two(l *lab.Lab) (a, b *lab.Host) {
	return l.Host(lab.HostConfig{Name: "a", Addresses: lab.Addresses("2001:db8::1/64")}), l.Host(lab.HostConfig{Name: "b", Addresses: lab.Addresses("2001:db8::2/64")})
}

func TestBadChecksumFailsTheTest(t *testing.T) {
	t.Setenv("LAB_TRACE_DIR", t.TempDir())
	for _, allowed := range []bool{false, true} {
		j := judge(t, func(tb lab.TB) {
			l := lab.New(tb, lab.Config{AllowBadChecksums: allowed})
			a, _ := two(l)
			forge(t, l, a)
		})
		if j.failed == allowed {
			t.Errorf("AllowBadChecksums %v: failed %v\n%s", allowed, j.failed, j.text())
		}
		if !allowed && !strings.Contains(j.text(), "1 packets with bad checksums:\n\t") || !allowed && !strings.Contains(j.text(), "the UDP checksum is wrong") {
			t.Error(j.text())
		}
	}
}

// What the wire corrupts and a router passes on is not the router's fault.
func TestForwardedCorruptionIsNobodysFault(t *testing.T) {
	l := lab.New(t)
	one, two := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Corrupt: 0.5}}), l.Segment(lab.SegmentConfig{})
	a := l.Host(lab.HostConfig{Name: "a", Segment: one, Addresses: lab.Addresses("2001:db8:1::1/64"), Routers: []netip.Addr{netip.MustParseAddr("2001:db8:1::f")}})
	l.Host(lab.HostConfig{Name: "r", Interfaces: []lab.InterfaceConfig{
		{Segment: one, Addresses: lab.Addresses("2001:db8:1::f/64"), Stack: stack.InterfaceConfig{Forward: true}},
		{Segment: two, Addresses: lab.Addresses("2001:db8:2::f/64"), Stack: stack.InterfaceConfig{Forward: true}},
	}})
	l.Host(lab.HostConfig{Name: "b", Segment: two, Addresses: lab.Addresses("2001:db8:2::1/64")})
	l.Sleep(5 * time.Second)
	for range 50 {
		askAt(t, a, "[2001:db8:2::1]:9")
		l.Sleep(time.Second)
	}
	if n := l.Count(lab.Match("from r and badsum and udp")); n < 5 {
		t.Errorf("%d corrupted packets were forwarded: nothing is shown", n)
	}
	l.RequireValidChecksums()
}

func TestRequire(t *testing.T) {
	t.Setenv("LAB_TRACE_DIR", t.TempDir())
	first, second := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	udp := lab.Match("udp")
	for name, c := range map[string]struct {
		check func(*lab.Lab)
		want  string // "" if all is well
	}{
		"source":       {func(l *lab.Lab) { l.RequireSource(udp, first) }, ""},
		"other source": {func(l *lab.Lab) { l.RequireSource(udp, second) }, "lab: a packet is not from 2001:db8::2:\n\t"},
		"why":          {func(l *lab.Lab) { l.RequireSource(udp, second) }, "chosen: "},
		"no packet":    {func(l *lab.Lab) { l.RequireSource(lab.Match("tcp"), first) }, "lab: no packet whose source is to be 2001:db8::1 was sent, of "},
		"none":         {func(l *lab.Lab) { l.RequireNone(lab.Match("tcp")) }, ""},
		"some":         {func(l *lab.Lab) { l.RequireNone(udp) }, "lab: 1 packets that should not be, the first is\n\t"},
		"checksums":    {func(l *lab.Lab) { l.RequireValidChecksums() }, ""},
	} {
		j := judge(t, func(tb lab.TB) {
			l := lab.New(tb)
			a, _ := two(l)
			askAt(t, a, "[2001:db8::2]:9")
			l.Sleep(3 * time.Second)
			c.check(l)
		})
		if j.failed != (c.want != "") || !strings.Contains(j.text(), c.want) {
			t.Errorf("%s: failed %v, %s", name, j.failed, j.text())
		}
	}
}

func TestRequireOutsideOfTests(t *testing.T) {
	l, err := lab.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "no packet") {
			t.Error("no panic, or another:", err)
		}
	}()
	l.RequireSource(lab.Match("tcp"), netip.MustParseAddr("::1"))
}

func TestWaitPacket(t *testing.T) {
	l := lab.New(t)
	a, b := two(l)
	l.Go("later", func(context.Context) error {
		for range 2 {
			l.Sleep(time.Hour)
			askAt(t, a, "[2001:db8::2]:9")
		}
		return nil
	})
	ctx, cancel := l.WithTimeout(t.Context(), 90*time.Minute)
	defer cancel()
	begin := l.Now()
	p, err := l.WaitPacket(ctx, lab.Match("udp from a"))
	if after := l.Now().Sub(begin); err != nil || after < time.Hour || after > time.Hour+time.Second {
		t.Fatalf("%v, %v", after, err)
	}
	if again, err := l.WaitPacket(ctx, lab.Match("udp from a")); err != nil || again.Number != p.Number {
		t.Errorf("%v, %v: not the same", again, err)
	}
	_, err = l.WaitPacket(ctx, lab.Match("udp from a").And(lab.After(p)))
	if after := l.Now().Sub(begin); !errors.Is(err, context.DeadlineExceeded) || after != 90*time.Minute {
		t.Errorf("%v, %v", after, err)
	}
	if next, err := l.WaitPacket(t.Context(), lab.Match("udp from a").And(lab.After(p))); err != nil || next.Number <= p.Number {
		t.Errorf("%v, %v", next, err)
	}
	_ = b
}

func TestWaitPacketEnds(t *testing.T) {
	l, err := lab.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 2)
	wait := func(ctx context.Context) {
		l.Go("waits", func(context.Context) error {
			_, err := l.WaitPacket(ctx, lab.Match("tcp"))
			errs <- err
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait(ctx)
	wait(t.Context())
	l.Sleep(time.Second)
	cancel()
	l.Sleep(time.Second)
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-errs; err == nil || !strings.Contains(err.Error(), "lab: closed") {
		t.Error(err)
	}
}
