package dnsreg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A reply that lacks its signature is a hint, which the end of the connection behind it does not take away: an Auth
// that makes its keys is told of the refusal.
func TestHintOutlivesItsConnection(t *testing.T) {
	const badKey = dns.RcodeBadKey
	for what, end := range map[string]error{"end": io.EOF, "reset": syscall.ECONNRESET} {
		key, err := TSIG(keyName, "", secret).Key(t.Context(), serverAddr)
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg).SetUpdate("example.test.")
		tr := &transport{clock: hostClock{}, dice: rand.New(rand.NewPCG(1, 2)), timeout: time.Minute, tcp: true}
		tr.dial = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go answerUnsigned(far, badKey)
			return endsWith{near, end}, nil
		}
		_, err = tr.exchange(t.Context(), serverAddr, m, key)
		e, ok := errors.AsType[*ServerError](err)
		if !ok || e.TSIG != badKey || ClassOf(err) != Permanent || !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: error %v, class %v", what, err, ClassOf(err))
		}
	}
}

// answerUnsigned reads a request and answers with an error for its TSIG record, unsigned.
func answerUnsigned(conn net.Conn, code uint16) {
	defer conn.Close()
	raw, err := (&dns.Conn{Conn: conn}).ReadMsgHeader(nil)
	req := new(dns.Msg)
	if err != nil || req.Unpack(raw) != nil {
		return
	}
	m := new(dns.Msg).SetRcode(req, dns.RcodeNotAuth)
	sig := *req.IsTsig()
	sig.MAC, sig.MACSize, sig.Error = "", 0, code
	m.Extra = []dns.RR{&sig}
	wire, err := m.Pack()
	if err != nil {
		return
	}
	conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...))
}

// endsWith is a connection whose end is told as another error.
type endsWith struct {
	net.Conn
	end error
}

func (c endsWith) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF {
		err = c.end
	}
	return n, err
}

// Times have 48 bits: their difference in nanoseconds is more than a Duration holds.
func TestSkewIsBounded(t *testing.T) {
	for _, times := range [][2]uint64{{0, 1<<48 - 1}, {1<<48 - 1, 0}} {
		d := skew(&dns.TSIG{TimeSigned: times[0], OtherLen: 6, OtherData: fmt.Sprintf("%012x", times[1])})
		if (d > 0) != (times[1] > times[0]) || d.Abs() < 200*365*24*time.Hour {
			t.Errorf("skew of %d and %d: %v", times[0], times[1], d)
		}
	}
}
