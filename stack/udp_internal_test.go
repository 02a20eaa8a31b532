package stack

import (
	"syscall"
	"testing"

	"github.com/hextet/hextet/stack/internal/engine"
)

// TestUDPErrorPassesTheTokenOn: a datagram and an error that came at once leave one token between them;
// the reader that takes it gets the error, and the next one is to be woken for the datagram.
func TestUDPErrorPassesTheTokenOn(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := newUDPConn(s, "udp6", false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetReceiveErrors(true); err != nil {
		t.Fatal(err)
	}
	c.receive(testDatagram(1, 5))
	c.tell(engine.ErrorMessage{Type: 1, Code: 4})
	<-c.queue.ready // the first reader wakes up
	if _, err := c.next(nil); err == nil || err.(*ICMPError).Unwrap() != syscall.ECONNREFUSED {
		t.Fatalf("%v, want what the peer said", err)
	}
	select {
	case <-c.queue.ready:
	default:
		t.Fatal("nobody is woken for the datagram")
	}
	if r, err := c.next(nil); r.size != 5 || err != nil {
		t.Errorf("%d bytes, %v", r.size, err)
	}
}
