package stack

import (
	"bytes"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/internal/engine"
)

// refused is what a peer says of a packet that a connected socket sent.
func refused(ipv4 bool) engine.ErrorMessage {
	if ipv4 {
		return engine.ErrorMessage{IPv4: true, Type: 3, Code: 3, Interface: 1, Dst: netip.MustParseAddr("192.0.2.2")}
	}
	return engine.ErrorMessage{Type: 1, Code: 4, Interface: 1, Dst: netip.MustParseAddr("2001:db8::2")}
}

// TestErrorComesFirst: an error and then a packet come while a reader, which found no error, is about to look for
// packets. The reader gets the error all the same.
func TestErrorComesFirst(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Run("raw", func(t *testing.T) {
		c, err := s.ListenRaw(89, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		errorFirst(t, c.rawSocket, false)
	})
	t.Run("raw4", func(t *testing.T) {
		c, err := s.ListenRaw4(89, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		errorFirst(t, c.rawSocket, true)
	})
	t.Run("udp", func(t *testing.T) {
		c, err := newUDPConn(s, "udp6", false)
		if err != nil {
			t.Fatal(err)
		}
		var after udpQueue
		after.init()
		after.push(testDatagram(1, 5))
		read := func() error {
			_, err := c.next(nil)
			return err
		}
		got := whileLooking(t, &c.queue.mu, "(*udpQueue).pop(", read, func() {
			c.errs.push(newICMPError(refused(false)))
			c.queue.records, c.queue.n, c.queue.bytes, c.queue.used, c.queue.cost = after.records, after.n, after.bytes, after.used, after.cost
		})
		if !errors.Is(got, syscall.ECONNREFUSED) {
			t.Errorf("the datagram behind the error was read first: %v", got)
		}
		if err := read(); err != nil {
			t.Errorf("%v instead of the datagram", err)
		}
	})
}

func errorFirst(t *testing.T, c *rawSocket, ipv4 bool) {
	read := func() error {
		_, err := c.next(true)
		return err
	}
	got := whileLooking(t, &c.queue.mu, "(*rawQueue).pop(", read, func() {
		c.errs.push(newICMPError(refused(ipv4)))
		c.queue.list, c.queue.bytes = append(c.queue.list, queued(1)), queued(1).cost()
	})
	if !errors.Is(got, syscall.ECONNREFUSED) {
		t.Errorf("the packet behind the error was read first: %v", got)
	}
	if err := read(); err != nil {
		t.Errorf("%v instead of the packet", err)
	}
}

// whileLooking calls arrive, with the queue's lock held, when a reader waits for that lock in a function, and
// returns what it then reads.
func whileLooking(t *testing.T, mu *sync.Mutex, function string, read func() error, arrive func()) error {
	t.Helper()
	got := make(chan error, 1)
	mu.Lock()
	go func() { got <- read() }()
	dump := make([]byte, 1<<20)
	for limit := time.Now().Add(30 * time.Second); !bytes.Contains(dump[:runtime.Stack(dump, true)], []byte(function)); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal("nobody looks for packets")
		}
	}
	arrive()
	mu.Unlock()
	select {
	case err := <-got:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the reader did not return")
		return nil
	}
}

// TestErrorEndsBatch: what came after an error is not in one batch with what came before it.
func TestErrorEndsBatch(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.ListenRaw(89, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetReceiveErrors(true); err != nil {
		t.Fatal(err)
	}
	c.queue.push(queued(1))
	if d, err := c.next(true); d == nil || err != nil {
		t.Fatal(d, err)
	}
	c.tell(c.opt.Load(), refused(false), false)
	c.queue.push(queued(2))
	if d, err := c.next(false); d != nil || err != nil {
		t.Fatalf("the batch goes on with %v, %v", d, err)
	}
	if d, err := c.next(true); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("then %v, %v, want the error", d, err)
	}
	if d, err := c.next(true); d == nil || d.hops != 2 || err != nil {
		t.Fatalf("then %v, %v, want packet 2", d, err)
	}
}

// TestErrorBeforeNewsOfItsPath: a Packet Too Big is an error and news of the path, in that order.
func TestErrorBeforeNewsOfItsPath(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.ListenRaw(89, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.SetReceiveErrors(true), c.SetReceivePathMTU(true)); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	c.queue.mu.Lock()
	go func() {
		defer close(told)
		c.tell(c.opt.Load(), engine.ErrorMessage{Type: 2, Info: 1400, Interface: 1, Dst: netip.MustParseAddr("2001:db8::2")}, true)
	}()
	for limit := time.Now().Add(10 * time.Second); !c.errs.waits(); runtime.Gosched() {
		if time.Now().After(limit) {
			c.queue.mu.Unlock()
			t.Fatal("the error waits for the queue that its news goes to")
		}
	}
	c.queue.mu.Unlock()
	<-told
	if d, err := c.nextOrNews(true); !errors.Is(err, syscall.EMSGSIZE) {
		t.Fatalf("%v, %v, want the error", d, err)
	}
	if d, err := c.nextOrNews(true); d == nil || d.pathMTU != 1400 || err != nil {
		t.Fatalf("%v, %v, want the news", d, err)
	}
}
