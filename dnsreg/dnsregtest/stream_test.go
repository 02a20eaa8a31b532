package dnsregtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// frame is a message as a stream has it.
func frame(m []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...) }

func readFrame(t *testing.T, conn io.Reader) *dns.Msg {
	t.Helper()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		t.Fatal(err)
	}
	return m
}

// A thousand requests in one write, octet by octet or as it comes, are answered in their order.
func TestPipelining(t *testing.T) {
	s, address := start(t, Config{Zones: []string{"example.test"}})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	var all []byte
	for id := range uint16(1000) {
		m := new(dns.Msg).SetQuestion("example.test.", dns.TypeSOA)
		m.Id = id
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frame(b)...)
	}
	sent := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 50 && err == nil; i++ { // a message in pieces
			_, err = conn.Write(all[i : i+1])
		}
		if err == nil {
			_, err = conn.Write(all[50:])
		}
		sent <- err
	}()
	for id := range uint16(1000) {
		if m := readFrame(t, conn); m.Id != id || m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
			t.Fatalf("reply %d: %v", id, m)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.TCP != 1000 || st.Queries != 1000 {
		t.Errorf("stats %+v", st)
	}
}

// A reply that is held back lets later ones overtake it on the same stream.
func TestStreamOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		c.meets(Fault{Reorder: true}, Fault{})
		conn := c.dial()
		go conn.Write(append(frame(numbered(1, c.question("example.test."))), frame(numbered(2, c.question("example.test.")))...))
		if a, b := readFrame(t, conn), readFrame(t, conn); a.Id != 2 || b.Id != 1 {
			t.Errorf("replies %d, %d", a.Id, b.Id)
		}
	})
}

// For one stream too many, the one that has been idle for longest goes.
func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}, MaxStreams: 3})
		var conns []net.Conn
		ask := func(conn net.Conn) {
			t.Helper()
			if _, err := conn.Write(frame(c.question("example.test."))); err != nil {
				t.Fatal(err)
			}
			readFrame(t, conn)
		}
		for range 3 {
			conns = append(conns, c.dial())
		}
		ask(conns[0])
		for range 2 {
			conns = append(conns, c.dial())
		}
		synctest.Wait()
		for i, open := range []bool{true, false, false, true, true} {
			conns[i].SetReadDeadline(time.Now().Add(time.Second))
			if _, err := conns[i].Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) != open {
				t.Errorf("stream %d: %v", i, err)
			}
		}
		if st := c.s.Stats(); st.Evicted != 2 || len(c.s.streams) != 3 {
			t.Errorf("%d streams, stats %+v", len(c.s.streams), st)
		}
	})
}

// A stream that does not say a whole thing in time is closed; each request starts the time over.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}, IdleTimeout: 10 * time.Second})
		conn, start := c.dial(), time.Now()
		for range 3 {
			pass(9 * time.Second)
			if _, err := conn.Write(frame(c.question("example.test."))); err != nil {
				t.Fatal(err)
			}
			readFrame(t, conn)
		}
		if _, err := conn.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF || time.Since(start) != 37*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if st := c.s.Stats(); st.Evicted != 1 || len(c.s.stops) != 0 || len(c.s.open) != 2 {
			t.Errorf("%d timers, %d open, stats %+v", len(c.s.stops), len(c.s.open), st)
		}
	})
}

// Nothing here waits for a clock unless it was told to: without a timeout, no timer is ever set.
func TestNoTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}, AfterFunc: func(time.Duration, func()) func() bool {
			t.Error("a timer")
			return func() bool { return true }
		}})
		conn := c.dial()
		if _, err := conn.Write(frame(c.question("example.test."))); err != nil {
			t.Fatal(err)
		}
		readFrame(t, conn)
		c.send(c.addition("a.example.test."))
		if got := c.received(); len(got) != 1 {
			t.Error(got)
		}
	})
}

// Over UDP a reply is as long as the client takes, and as servers have settled on.
func TestUDPSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		sized := func(n int) *dns.Msg {
			m := new(dns.Msg).SetQuestion("t.example.test.", dns.TypeTXT)
			if n > 0 {
				m.SetEdns0(uint16(n), false)
			}
			return m
		}
		var lines []string
		for range 5 {
			lines = append(lines, string(bytes.Repeat([]byte{'x'}, 150+len(lines))))
		}
		for _, line := range lines {
			if err := c.s.Insert("t.example.test. 60 TXT " + line); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			size      int
			truncated bool
		}{{0, true}, {100, true}, {512, true}, {800, true}, {900, false}, {4096, false}} {
			c.send(c.pack(sized(test.size)))
			got := c.received()
			if len(got) != 1 || got[0].Truncated != test.truncated || (got[0].IsEdns0() != nil) != (test.size > 0) {
				t.Errorf("with %d: %v", test.size, got)
			} else if opt := got[0].IsEdns0(); opt != nil && opt.UDPSize() != maxUDP {
				t.Errorf("offers %d", opt.UDPSize())
			}
		}
		for i := range 3 {
			if err := c.s.Insert("t.example.test. 60 TXT " + string(bytes.Repeat([]byte{'y'}, 250-i))); err != nil {
				t.Fatal(err)
			}
		}
		c.send(c.pack(sized(4096)))
		if got := c.received(); len(got) != 1 || !got[0].Truncated {
			t.Errorf("1.5 KB in a datagram: %v", got)
		}
	})
}
