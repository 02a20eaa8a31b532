package dnsregtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// said lists replies in few words.
func said(replies []*dns.Msg) string {
	var words []string
	for _, m := range replies {
		word := fmt.Sprintf("%d:%s", m.Id, dns.RcodeToString[m.Rcode])
		if t := m.IsTsig(); t != nil {
			word += fmt.Sprintf("+%d", t.Error)
		}
		if m.Truncated {
			word += "+TC"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// numbered gives a packed unsigned message an id.
func numbered(id byte, m []byte) []byte {
	m = slices.Clone(m)
	m[0], m[1] = 0, id
	return m
}

// What each fault does to an update, signed: what comes back, and whether the zone changed.
func TestFaultsOfUpdates(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		said  string // without the id
		done  bool
	}{
		"none":       {Fault{}, "NOERROR+0", true},
		"drop":       {Fault{Drop: true}, "", false},
		"drop reply": {Fault{DropReply: true}, "", true},
		"rcode":      {Fault{Rcode: dns.RcodeServerFailure}, "SERVFAIL+0", false},
		"truncate":   {Fault{Truncate: true}, "NOERROR+0+TC", true},
		"unsigned":   {Fault{Unsigned: true}, "NOERROR", true},
		"fast":       {Fault{Skew: 301 * time.Second}, "NOTAUTH+18", false},
		"slow":       {Fault{Skew: -301 * time.Second}, "NOTAUTH+18", false},
		"little":     {Fault{Skew: 300 * time.Second}, "NOERROR+0", true},
		"reply fast": {Fault{SkewReply: time.Hour}, "NOERROR+0", true},
		"duplicate":  {Fault{Duplicate: 2}, "NOERROR+0 NOERROR+0 NOERROR+0", true},
		"forge":      {Fault{Forge: func(b []byte) [][]byte { b[3] |= dns.RcodeRefused; return [][]byte{b} }}, "REFUSED+0 NOERROR+0", true},
		"crash":      {Fault{Crash: CrashBefore}, "", false},
		"crash late": {Fault{Crash: CrashAfter}, "", true},
		"crash lost": {Fault{Crash: CrashLost}, "", false},
		"two":        {Fault{Duplicate: 1, Truncate: true}, "NOERROR+0+TC NOERROR+0+TC", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Zones: []string{"example.test"}, Keys: map[string][]byte{"key": secret}})
				c.meets(test.fault)
				request := c.addition("a.example.test.")
				c.send(request)
				replies := c.received()
				var words []string
				for word := range strings.FieldsSeq(said(replies)) {
					_, word, _ = strings.Cut(word, ":")
					words = append(words, word)
				}
				if got := strings.Join(words, " "); got != test.said {
					t.Errorf("said %q, want %q", got, test.said)
				}
				for _, m := range replies {
					c.checkTime(m, test.fault)
				}
				done, serial := c.s.Records("a.example.test") != nil, c.s.Serial("example.test")
				if done != test.done || (serial == 2) != done {
					t.Errorf("carried out: %v, serial %d", done, serial)
				}
				if st := c.s.Stats(); st.Updates != 1 || (st.Dropped == 1) != (test.said == "") || (st.Changed == 1) != (done || test.fault.Crash == CrashLost) {
					t.Errorf("stats %+v", st)
				}
				if r := c.requests[0]; r.Network != "udp" || !r.Update || r.Name != "example.test." || r.Type != "SOA" || !slices.Equal(r.Raw, request) {
					t.Errorf("the hook saw %+v", r)
				}
			})
		})
	}
}

// checkTime checks the times in a reply's signature.
func (c *client) checkTime(m *dns.Msg, fault Fault) {
	c.t.Helper()
	sig := m.IsTsig()
	if sig == nil {
		return
	}
	now := time.Now().Unix()
	signed, other := now+int64(fault.SkewReply/time.Second), ""
	if sig.Error == dns.RcodeBadTime {
		other = fmt.Sprintf("%012x", now+int64(fault.Skew/time.Second))
	} else {
		signed += int64(fault.Skew / time.Second)
	}
	if int64(sig.TimeSigned) != signed || sig.OtherData != other {
		c.t.Errorf("signed at %d, want %d; other data %q, want %q", sig.TimeSigned, signed, sig.OtherData, other)
	}
}

// Replies that are held back, in which order ever, and the time that they take.
func TestFaultsOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		release := make(chan struct{})
		c.meets(Fault{Until: release}, Fault{Delay: 2 * time.Second}, Fault{Reorder: true}, Fault{Reorder: true}, Fault{})
		for id := range byte(5) {
			c.send(numbered(id, c.question("example.test.")))
		}
		if got := said(c.received()); got != "4:NOERROR 2:NOERROR 3:NOERROR" {
			t.Errorf("at once: %s", got)
		}
		start := time.Now()
		pass(2*time.Second - 1)
		if got := said(c.received()); got != "" {
			t.Errorf("too early: %s", got)
		}
		pass(1)
		if got := said(c.received()); got != "1:NOERROR" {
			t.Errorf("after %v: %s", time.Since(start), got)
		}
		close(release)
		if got := said(c.received()); got != "0:NOERROR" {
			t.Errorf("released: %s", got)
		}

		release = make(chan struct{})
		c.meets(Fault{Until: release, Delay: time.Second, Reorder: true, Duplicate: 1})
		c.send(numbered(7, c.question("example.test.")))
		close(release)
		pass(time.Second)
		if got := said(c.received()); got != "" {
			t.Errorf("nothing has overtaken it, and yet: %s", got)
		}
		c.send(numbered(8, c.question("example.test.")))
		if got := said(c.received()); got != "8:NOERROR 7:NOERROR 7:NOERROR" {
			t.Errorf("all at once: %s", got)
		}
		if c.s.held != 0 || len(c.s.later) != 0 || len(c.s.stops) != 0 {
			t.Errorf("left: %d held, %d later, %d timers", c.s.held, len(c.s.later), len(c.s.stops))
		}
	})
}

// Not more replies are held back than there is room for.
func TestHeldAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		for range maxHeld + 10 {
			c.meets(Fault{Delay: time.Second})
		}
		for range maxHeld + 10 {
			c.send(c.question("example.test."))
		}
		synctest.Wait()
		if c.s.held != maxHeld || c.s.Stats().Dropped != 10 {
			t.Errorf("%d held, %d dropped", c.s.held, c.s.Stats().Dropped)
		}
		c.s.Close()
		if len(c.s.stops) != 0 {
			t.Errorf("Close leaves %d timers", len(c.s.stops))
		}
	})
}

// A dead server says nothing, not even what it held back, until it is restarted.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		stream := c.dial()
		c.meets(Fault{Delay: time.Second}, Fault{Reorder: true}, Fault{Crash: CrashAfter})
		c.send(c.addition("a.example.test."), c.question("example.test."), c.addition("b.example.test."), c.addition("c.example.test."), []byte{1}, make([]byte, 12))
		pass(2 * time.Second)
		if got := said(c.received()); got != "" || !c.s.Down() {
			t.Errorf("a dead server said %s", got)
		}
		if _, err := stream.Read(make([]byte, 1)); err == nil {
			t.Error("its streams live")
		}
		if _, err := c.dial().Read(make([]byte, 1)); err == nil {
			t.Error("it takes streams")
		}
		if len(c.requests) != 3 {
			t.Errorf("it was asked for %d faults", len(c.requests))
		}
		c.s.Restart()
		c.send(numbered(1, c.question("example.test.")))
		if got := said(c.received()); got != "1:NOERROR" || c.s.Down() {
			t.Errorf("after the restart: %s", got)
		}
		if got := fmt.Sprint(c.s.Serial("example.test"), len(c.s.Zone("example.test")), c.s.held); got != "3 4 0" {
			t.Errorf("serial, records, held: %s", got)
		}
	})
}

// A crash that loses data loses what no reply had acknowledged: what was held back, not what a reply on its
// way to nowhere told; and of one name, what came later.
func TestCrashLosesWhatWasNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Zones: []string{"example.test"}})
		if err := c.s.Insert("d.example.test. 60 A 192.0.2.4"); err != nil {
			t.Fatal(err)
		}
		change := func(lines ...string) []byte { return c.pack(update(t, "example.test.", lines...)) }
		c.meets(Fault{}, Fault{DropReply: true}, Fault{Delay: time.Hour}, Fault{Delay: time.Hour}, Fault{Crash: CrashLost})
		c.send(c.addition("a.example.test."), c.addition("b.example.test."),
			change("update IN a.example.test. 60 A 192.0.2.2"), change("update ANY d.example.test. - ANY", "update ANY a.example.test. - A"), c.addition("c.example.test."))
		c.received()
		c.s.Restart()
		var got []string
		for _, r := range c.s.Zone("example.test") {
			if r.Type == "A" {
				got = append(got, r.Name[:1]+r.Data[8:])
			}
		}
		if want := []string{"a1", "b1", "d4"}; !slices.Equal(got, want) || c.s.Serial("example.test") != 3 {
			t.Errorf("%v, serial %d; want %v, 3", got, c.s.Serial("example.test"), want)
		}
	})
}
