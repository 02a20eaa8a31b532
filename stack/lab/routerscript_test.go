package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// On knows of a packet what Packets knows, so filters for receivers and After work in it.
func TestOnKnowsThePacket(t *testing.T) {
	l := lab.New(t)
	a := l.Host(lab.HostConfig{Name: "a", Addresses: lab.Addresses("2001:db8::1/64")})
	b := l.Host(lab.HostConfig{Name: "b", Addresses: lab.Addresses("2001:db8::2/64")})
	if _, err := b.ListenPacket(t.Context(), "udp", ":80"); err != nil {
		t.Fatal(err)
	}
	var seen []string
	l.On(lab.Match("udp and to b"), func(p lab.Packet) { seen = append(seen, fmt.Sprint(p, p.Fates())) })
	c, err := a.DialContext(t.Context(), "udp", "[2001:db8::2]:80")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.Write([]byte("hello"))
		l.Advance(time.Second)
	}
	var want []string
	for _, p := range l.Packets(lab.Match("udp")) {
		want = append(want, fmt.Sprint(p, p.Fates()))
	}
	if last, ok := l.LastPacket(nil); !ok || last.Number != len(l.Packets()) {
		t.Errorf("%v, %v", last, ok)
	}
	if len(want) != 2 || fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("seen\n%s\nof\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

// What After starts is a task: it is waited for, and one that sleeps ends with the lab.
func TestAfterIsATask(t *testing.T) {
	l := start(t)
	n := 0
	l.AfterFunc(time.Minute, func() {
		for {
			n++
			l.Sleep(time.Hour)
		}
	})
	ended := false
	l.AfterFunc(time.Minute, func() { l.Sleep(time.Minute); ended = true })
	l.Advance(time.Minute + time.Second)
	l.Advance(2 * time.Hour)
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	select {
	case err := <-closed:
		if err != nil || n != 3 || !ended {
			t.Error(err, n, ended)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close does not return")
	}
}
