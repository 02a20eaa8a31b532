package dnsregtest

import (
	"testing"
	"testing/synctest"
	"time"
)

// crashWhileSending has the server die while it sends the next datagram, and returns what waits for both.
func (c *client) crashWhileSending(lose bool) (crashed func()) {
	done, sent := make(chan struct{}), make(chan struct{})
	c.sending = func() {
		c.sending = nil
		go func() {
			defer close(done)
			c.s.crash(lose)
		}()
		synctest.Wait()
		select {
		case <-done:
			c.t.Error("the server is dead, and still sends")
		default:
		}
		close(sent)
	}
	return func() { <-sent; <-done }
}

// What a reply tells is not lost, even if the server dies while it sends that.
func TestCrashKeepsWhatAReplyTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		crashed := c.crashWhileSending(true)
		c.send(numbered(1, c.addition("a.example.test.")))
		crashed()
		if got := said(c.received()); got != "1:NOERROR" || c.s.Records("a.example.test") == nil {
			t.Errorf("said %q, and has %v", got, c.s.Records("a.example.test"))
		}
	})
}

// Of several datagrams, those are not sent that a crash comes before.
func TestCrashEndsSending(t *testing.T) {
	for name, fault := range map[string]Fault{
		"duplicate": {Duplicate: 2},
		"forge":     {Forge: func(b []byte) [][]byte { return [][]byte{numbered(1, b), numbered(2, b)} }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Zones: []string{"example.test"}})
				c.meets(fault)
				crashed := c.crashWhileSending(false)
				c.send(numbered(1, c.question("example.test.")))
				crashed()
				if got := said(c.received()); got != "1:NOERROR" {
					t.Errorf("said %q", got)
				}
			})
		})
	}
}

// A request dies with the life of the server in which it came: also if that ends while the fault hook thinks.
func TestCrashInFaultHook(t *testing.T) {
	for name, restart := range map[string]bool{"dead": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Zones: []string{"example.test"}})
				hook := c.s.cfg.Fault
				c.s.cfg.Fault = func(r Request) Fault {
					c.s.Crash()
					if restart {
						c.s.Restart()
					}
					return hook(r)
				}
				c.send(c.addition("a.example.test."))
				if got := said(c.received()); got != "" || c.s.Records("a.example.test") != nil || c.s.Stats().Dropped != 1 || c.s.Stats().Changed != 0 {
					t.Errorf("said %q, has %v, %+v", got, c.s.Records("a.example.test"), c.s.Stats())
				}
			})
		})
	}
}

// Crash waits for no stream whose client does not read: it closes it.
func TestCrashClosesAStreamThatIsWrittenTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		stream := c.dial()
		m := c.question("example.test.")
		if _, err := stream.Write(append([]byte{0, byte(len(m))}, m...)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it writes, and nobody reads
		c.s.Crash()
		stream.SetReadDeadline(time.Now().Add(time.Second))
		if n, err := stream.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets", n)
		}
	})
}
