package dnsreg

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// scripted is a connection whose Read returns one string after the other; an empty one is a deadline.
type scripted struct {
	net.Conn
	reads []string
}

func (c *scripted) Read(b []byte) (int, error) {
	if len(c.reads) == 0 {
		return 0, io.EOF
	}
	if c.reads[0] == "" {
		c.reads = c.reads[1:]
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, c.reads[0])
	if c.reads[0] = c.reads[0][n:]; c.reads[0] == "" {
		c.reads = c.reads[1:]
	}
	return n, nil
}

// Messages over TCP come in any pieces, and time that is up in the midst of one costs nothing of it.
func TestReceiverPieces(t *testing.T) {
	for _, tt := range []struct {
		reads []string
		want  string
	}{
		{[]string{"\x00\x02hi\x00\x01!"}, `"hi" "!" EOF`},
		{[]string{"\x00", "", "\x02", "", "h", "", "i\x00\x01", "!"}, `late late late "hi" "!" EOF`},
		{[]string{"\x00\x00\x00\x01!"}, `"" "!" EOF`},
		{[]string{"\x00"}, "unexpected EOF"},
		{[]string{"\x00\x03hi"}, "unexpected EOF"},
		{[]string{"\xff\xff" + strings.Repeat("x", 65535)}, `65535 EOF`},
	} {
		r := &receiver{conn: &scripted{reads: tt.reads}, network: "tcp", buf: make([]byte, 2+dns.MaxMsgSize)}
		var got []string
		for over := false; !over; {
			wire, err := r.next()
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				got = append(got, "late")
			case err != nil:
				got, over = append(got, err.Error()), true
			case len(wire) > 10:
				got = append(got, fmt.Sprint(len(wire)))
			default:
				got = append(got, fmt.Sprintf("%q", wire))
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.reads, got, tt.want)
		}
	}
}

// handClock has one timer, which the test lets go off, also when it was stopped too late.
type handClock struct{ ring func() }

func (c *handClock) Now() time.Time { return time.Unix(0, 0) }
func (c *handClock) AfterFunc(_ time.Duration, f func()) func() bool {
	c.ring = f
	return func() bool { return false }
}

// A timer that goes off ends the wait that it is for, and none after it.
func TestReceiverUntil(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	clock := new(handClock)
	r := &receiver{conn: here, network: "udp", buf: make([]byte, 512)}
	elapsed, release := r.until(clock, time.Second)
	if elapsed() {
		t.Error("elapsed at once")
	}
	clock.ring()
	if _, err := r.next(); !errors.Is(err, os.ErrDeadlineExceeded) || !elapsed() {
		t.Errorf("error %v, elapsed %v", err, elapsed())
	}
	release()
	for range 2 {
		go there.Write([]byte("hi"))
		if wire, err := r.next(); err != nil || string(wire) != "hi" {
			t.Errorf("%q, %v", wire, err)
		}
		_, release := r.until(clock, time.Second)
		release()
		clock.ring()
	}
}

func TestReceiverOver(t *testing.T) {
	refused := errors.New("refused")
	udp := &receiver{network: "udp"}
	for range 7 {
		if udp.over(nil) || udp.over(refused) {
			t.Fatal("over too early")
		}
	}
	if !udp.over(refused) {
		t.Error("not over after 8 failures")
	}
	if !new(receiver).over(net.ErrClosed) || !(&receiver{network: "tcp"}).over(refused) {
		t.Error("goes on")
	}
}
