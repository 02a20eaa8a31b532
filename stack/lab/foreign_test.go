package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// web runs an HTTP server and many clients, all of net/http's goroutines, over a wire of 10 ms. Every
// timeout is 30 s of the lab's time, which passes at once if the lab believes that nobody does anything.
func web(l *lab.Lab, http2 bool) error {
	seg := l.Segment(lab.SegmentConfig{Impair: lab.Impairment{Latency: 10 * time.Millisecond}})
	h := l.Host(lab.HostConfig{Name: "web", Segment: seg, Addresses: lab.Addresses("2001:db8::80/64")})
	client := l.Host(lab.HostConfig{Segment: seg, Addresses: lab.Addresses("2001:db8::1/64")})
	ln, err := h.Listen(l.Context(), "tcp", ":80")
	if err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	srv := &http.Server{
		Protocols: &protocols,
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Proto) }),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	tr := &http.Transport{Protocols: &protocols, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := client.DialContext(ctx, network, address)
		if err == nil {
			err = c.SetDeadline(l.Now().Add(30 * time.Second))
		}
		return c, err
	}}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		wg.Go(func() {
			for range 3 { // on the same connection
				if err := get(l, tr); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	tr.CloseIdleConnections()
	if err := srv.Close(); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-errs
}

func get(l *lab.Lab, tr *http.Transport) error {
	ctx, cancel := l.WithTimeout(l.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://[2001:db8::80]/", nil)
	if err != nil {
		return err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && len(b) < len("hello HTTP/1.1") {
		err = fmt.Errorf("the body is %q", b)
	}
	return err
}

// Code under test with goroutines of its own meets no timeout that it would not meet elsewhere, however busy
// the machine, or the process, is with something else. LAB_TEST_RUNS says how often that is tried.
func TestForeignGoroutines(t *testing.T) {
	runs := 10
	if testing.Short() || raceEnabled {
		runs = 3
	}
	if n, err := strconv.Atoi(os.Getenv("LAB_TEST_RUNS")); err == nil {
		runs = n
	}
	for name, busy := range map[string]func(*testing.T) (stop func()){"alone": nil, "busy machine": busyProcess, "busy process": busyLoop} {
		t.Run(name, func(t *testing.T) {
			runs := runs
			if busy != nil {
				defer busy(t)()
			}
			if name == "busy process" { // where time goes no faster than on the wall
				runs = max(runs/5, 2)
			}
			for n := range runs {
				if took, err := oneWeb(uint64(n)); err != nil || took > 5*time.Second {
					t.Fatalf("run %d took %v of the lab's time: %v", n, took, err)
				}
			}
		})
	}
}

// oneWeb is web in a lab of its own.
func oneWeb(seed uint64) (took time.Duration, err error) {
	l, err := lab.Start(context.Background(), lab.Config{Seed: seed})
	if err != nil {
		return 0, err
	}
	began := l.Now()
	err = web(l, seed%2 == 0)
	took = l.Now().Sub(began)
	return took, errors.Join(err, l.Close())
}

// busyProcess keeps every processor of the machine.
func busyProcess(t *testing.T) (stop func()) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LAB_TEST_BUSY=1")
	in, err := cmd.StdinPipe() // whose end ends it
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		cmd.Wait()
	}
}

// beBusy is busyProcess's process.
func beBusy() {
	for range runtime.NumCPU() {
		go func() {
			for n := uint64(1); n != 0; n++ {
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
}

// busyLoop keeps one processor of this process.
func busyLoop(*testing.T) (stop func()) {
	var end atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; !end.Load(); n++ {
			if n%1000 == 0 {
				runtime.Gosched()
			}
		}
	}()
	return func() { end.Store(true); <-done }
}

// A context that ends in real time, or that somebody else ends, ends what waits for it.
func TestForeignContext(t *testing.T) {
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"real time": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Millisecond)
		},
		"somebody": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := lab.New(t, lab.Config{Patience: -1, Manual: true})
			h := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
			ctx, cancel := end(t.Context())
			defer cancel()
			if _, err := h.DialContext(ctx, "tcp", "[2001:db8::2]:80"); err == nil || ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
}

// The lab's timeouts are what the standard library takes for one, through hosts and derived contexts.
func TestWithTimeout(t *testing.T) {
	l := lab.New(t)
	h := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64")})
	began := l.Now()
	ctx, cancel := l.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	longer, cancel := l.WithTimeout(ctx, time.Hour)
	defer cancel()
	if at, ok := longer.Deadline(); !ok || !at.Equal(began.Add(1500*time.Millisecond)) {
		t.Errorf("deadline %v, %v", at, ok)
	}
	var timeout net.Error
	if _, err := h.DialContext(longer, "tcp", "[2001:db8::2]:80"); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error(err)
	}
	if got := l.Now().Sub(began); got != 1500*time.Millisecond {
		t.Error(got)
	}
	if ctx.Err() != context.DeadlineExceeded {
		t.Error(ctx.Err())
	}
	past, cancel := l.WithTimeout(t.Context(), -1)
	if past.Err() != context.DeadlineExceeded {
		t.Error(past.Err())
	}
	cancel()
	ended, cancel := l.WithTimeout(t.Context(), time.Hour)
	cancel()
	if ended.Err() != context.Canceled {
		t.Error(ended.Err())
	}
}
