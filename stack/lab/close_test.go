package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

func start(t *testing.T, cfg ...lab.Config) *lab.Lab {
	t.Helper()
	l, err := lab.Start(t.Context(), cfg...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Whoever waits for time waits as long as he said, however patient the lab is and whatever happens meanwhile.
func TestLongWaits(t *testing.T) {
	for name, wait := range map[string]func(l *lab.Lab){
		"Advance": func(l *lab.Lab) { l.Advance(100 * 24 * time.Hour) },
		"Sleep":   func(l *lab.Lab) { l.Sleep(100 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			l := start(t, lab.Config{})
			if _, err := l.AddRouter(lab.RouterConfig{Advertise: []lab.Advertisement{{Interval: time.Hour}}}); err != nil {
				t.Fatal(err)
			}
			began := l.Now()
			wait(l)
			if d := l.Now().Sub(began); d != 100*24*time.Hour {
				t.Errorf("%v passed", d)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// waits are the ways in which a task can wait for the lab.
var waits = map[string]func(ctx context.Context, l *lab.Lab, h *lab.Host) error{
	"Read": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		c, err := h.ListenPacket(ctx, "udp", ":53")
		if err != nil {
			return err
		}
		_, _, err = c.ReadFrom(make([]byte, 10))
		return err
	},
	"raw Read": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		c, err := h.ListenPacket(ctx, "ip6:ipv6-icmp", "::")
		if err != nil {
			return err
		}
		for err == nil {
			_, _, err = c.ReadFrom(make([]byte, 10))
		}
		return err
	},
	"Accept": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		ln, err := h.Listen(ctx, "tcp", ":80")
		if err != nil {
			return err
		}
		_, err = ln.Accept()
		return err
	},
	"Dial": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		_, err := h.DialContext(ctx, "tcp", "[2001:db8::99]:80")
		return err
	},
	"Watch": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		for range h.Watch(context.Background()) {
		}
		return nil
	},
	"Sleep": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		for {
			l.Sleep(time.Hour)
		}
	},
	"Wait": func(ctx context.Context, l *lab.Lab, h *lab.Host) error {
		return l.Go("other", func(ctx context.Context) error { l.Sleep(1e6 * time.Hour); return nil }).Wait()
	},
	"context": func(ctx context.Context, l *lab.Lab, h *lab.Host) error { <-ctx.Done(); return ctx.Err() },
}

// Whatever tasks wait for, Close ends it, and that is no error.
func TestCloseEndsTasks(t *testing.T) {
	for name, wait := range waits {
		for _, manual := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/manual=%v", name, manual), func(t *testing.T) {
				l := start(t, lab.Config{Manual: manual, Patience: -1})
				h := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
				task := l.Go(name, func(ctx context.Context) error { return wait(ctx, l, h) })
				l.Advance(time.Millisecond) // it comes to wait
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if err := task.Wait(); name != "Watch" && err == nil {
					t.Error("the task waited for nothing")
				}
			})
		}
	}
}

// What tasks did not end well is Close's to tell, unless somebody knows.
func TestCloseTellsErrors(t *testing.T) {
	l := start(t)
	l.Go("first", func(context.Context) error { return errors.New("broken") })
	known := l.Go("second", func(context.Context) error { return errors.New("known") })
	l.Go("third", func(context.Context) error { runtime.Goexit(); return nil }) // as t.Fatal does
	if err := known.Wait(); err == nil || err.Error() != "known" {
		t.Error(err)
	}
	err := l.Close()
	if err == nil || !strings.Contains(err.Error(), `task "first": broken`) || !strings.Contains(err.Error(), `task "third" ended its goroutine`) || strings.Contains(err.Error(), "known") {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error("again:", err)
	}
}

func TestCloseByTask(t *testing.T) {
	l := start(t)
	h := l.Host(lab.HostConfig{})
	l.Go("other", func(ctx context.Context) error { return waits["Accept"](ctx, l, h) })
	task := l.Go("closes", func(context.Context) error { return l.Close() })
	if err := task.Wait(); err != nil && !strings.Contains(err.Error(), "lab: closed") {
		t.Error(err)
	}
	if err := l.Close(); err != nil { // and waits for the other one
		t.Error(err)
	}
	if _, err := h.Listen(t.Context(), "tcp", ":80"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := l.AddHost(lab.HostConfig{}); err == nil {
		t.Error("a closed lab takes a host")
	}
}

// What Close tells a task that closes the lab, the lab's owner hears too, once.
func TestCloseByTaskIsHeard(t *testing.T) {
	l := start(t)
	broken := errors.New("broken")
	l.Go("other", func(context.Context) error { return broken })
	told := make(chan error, 1)
	closes := l.Go("closes", func(context.Context) error {
		l.Sleep(time.Second)
		told <- l.Close()
		l.Close() // a second time
		return nil
	})
	closes.Wait() // ends early, with the lab
	if err := l.Close(); !errors.Is(err, broken) || err != <-told {
		t.Errorf("the owner hears %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error("again:", err)
	}
}

// A task that waits for something that is not the lab's does not keep the others.
func TestTaskWaitsElsewhere(t *testing.T) {
	l := start(t)
	c := make(chan int)
	l.Go("waits", func(context.Context) error { <-c; return nil })
	l.Go("gives", func(context.Context) error { l.Sleep(time.Hour); c <- 1; return nil })
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestLeaksAreNamed(t *testing.T) {
	defer lab.SetLeakPatience(20 * time.Millisecond)()
	for _, allow := range []bool{false, true} {
		l := start(t, lab.Config{AllowLeaks: allow})
		end, ended := make(chan int), make(chan int)
		l.Go("forgetful", func(context.Context) error {
			go func() { defer close(ended); <-end }()
			return nil
		})
		err := l.Close()
		if told := err != nil && strings.Contains(err.Error(), `task "forgetful"`) && strings.Contains(err.Error(), "close_test.go"); told == allow {
			t.Errorf("AllowLeaks %v: %v", allow, err)
		}
		close(end)
		<-ended
	}
}

func TestTaskThatDoesNotEndIsNamed(t *testing.T) {
	defer lab.SetClosePatience(50 * time.Millisecond)()
	l := start(t)
	c, ended := make(chan int), make(chan int)
	l.Go("stubborn", func(context.Context) error { defer close(ended); <-c; return nil })
	err := l.Close()
	if err == nil || !strings.Contains(err.Error(), `task "stubborn" did not end`) || !strings.Contains(err.Error(), "close_test.go") {
		t.Error(err)
	}
	close(c)
	<-ended
}

func TestGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  lab.Config
		want string
	}{
		"nothing to come": {lab.Config{}, "everybody waits and nothing is to come"},
		"time passes":     {lab.Config{Patience: 24 * time.Hour}, "24h0m0s passed and no task went on"},
		"by hand":         {lab.Config{Manual: true}, "everybody waits"},
	} {
		t.Run(name, func(t *testing.T) {
			l := start(t, c.cfg)
			h := l.Host(lab.HostConfig{Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{SLAAC: name == "time passes"}}}})
			ln, err := h.Listen(t.Context(), "tcp", ":80")
			if err != nil {
				t.Fatal(err)
			}
			task := l.Go("server", func(context.Context) error { _, err := ln.Accept(); return err })
			if err := task.Wait(); err == nil {
				t.Error("somebody came")
			}
			err = l.Close()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if name == "nothing to come" && !strings.Contains(fmt.Sprint(err), `task "server" waits at host1, at `) {
				t.Errorf("who waits is not said: %v", err)
			}
		})
	}
}

// Labs run beside each other, in subtests that have one each or share one.
func TestSubtests(t *testing.T) {
	shared := lab.New(t)
	h := shared.Host(lab.HostConfig{})
	for n := range 3 {
		t.Run(fmt.Sprint("shared", n), func(t *testing.T) {
			before := shared.Now()
			shared.Sleep(time.Hour)
			if got := shared.Now().Sub(before); got != time.Hour {
				t.Error(got)
			}
			if _, err := h.Listen(t.Context(), "tcp", fmt.Sprintf(":%d", 80+n)); err != nil {
				t.Error(err)
			}
		})
	}
	if shared.Foreign() {
		t.Error("a subtest is taken for somebody else")
	}
	t.Run("own", func(t *testing.T) {
		for n := range 4 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				l := lab.New(t, lab.Config{Seed: uint64(n)})
				if _, err := lossy(l, 5000); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// A lab may run in a task of another's.
func TestNested(t *testing.T) {
	outer := lab.New(t)
	task := outer.Go("inner", func(context.Context) error {
		inner := start(t)
		defer inner.Close()
		inner.Sleep(time.Hour)
		_, err := lossy(inner, 2000)
		return err
	})
	if err := task.Wait(); err != nil {
		t.Error(err)
	}
}

func TestNoHosts(t *testing.T) {
	l := lab.New(t, lab.Config{Start: time.Unix(0, 0)})
	l.Advance(30 * 24 * time.Hour)
	if got := l.Now().Unix(); got != 30*24*3600 {
		t.Error(got)
	}
	if _, err := lab.Start(t.Context(), lab.Config{}, lab.Config{}); err == nil {
		t.Error("two Configs are one")
	}
	if err := l.Go("self", func(context.Context) error { return l.Wait() }).Wait(); err == nil || !strings.Contains(err.Error(), "its own end") {
		t.Error(err)
	}
}

func BenchmarkTB(b *testing.B) { lab.New(b).Sleep(time.Hour) }

func FuzzTB(f *testing.F) {
	lab.New(f).Sleep(time.Hour)
	f.Fuzz(func(t *testing.T, b byte) { lab.New(t).Sleep(time.Duration(b)) })
}
