package dnsregtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// Whatever arrives, over UDP or TCP: each message is answered once or counted as dropped, each answer can be
// read and belongs to it, and the zone remains one, with an SOA record and a name server, which any update
// that is answered otherwise than NOERROR leaves as it was.
func FuzzAnswer(f *testing.F) {
	cfg := rowsConfig("z.test", "sub.z.test")
	var t testing.T // sign and update need one for errors that can't happen
	for _, r := range append(rowsOfUpdates(), append(rowsOfNonsense(), append(rowsOfSignatures(), rowsOfPrerequisites()...)...)...) {
		f.Add(r.request(&t, "z.test."), true)
		r.key = "-"
		if r.wire == nil {
			f.Add(r.request(&t, "z.test."), false)
		}
	}
	tooMany := row{name: "undone", key: "-"} // what it has done before the last line is taken back
	for i := range cfg.MaxRecords + 1 {
		tooMany.lines = append(tooMany.lines, fmt.Sprintf("update IN many.@ 60 A 192.0.2.%d", i))
	}
	f.Add(tooMany.request(&t, "z.test."), false)
	f.Fuzz(func(t *testing.T, raw []byte, signed bool) {
		cfg := cfg
		if !signed {
			cfg.Keys, cfg.Algorithms = nil, nil
		}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s)
		for _, network := range []string{"udp", "tcp"} {
			before, was := s.Stats(), s.Zone("z.test")
			answers := 0
			s.answer(raw, network, func(reply []byte) {
				answers++
				m := new(dns.Msg)
				if err := m.Unpack(reply); err != nil || !m.Response || reply[0] != raw[0] || reply[1] != raw[1] {
					t.Errorf("reply %x: %v", reply, err)
				}
				if network == "udp" && len(reply) > maxUDP {
					t.Errorf("%d octets over UDP", len(reply))
				}
				if now := s.Zone("z.test"); m.Rcode != dns.RcodeSuccess && !slices.Equal(now, was) {
					t.Errorf("refused, and yet changed: %v\n%v\n%v", m, was, now)
				}
			})
			after := s.Stats()
			if after.Dropped-before.Dropped+answers != 1 && after.Transfers == before.Transfers {
				t.Errorf("%d answers, %+v", answers, after)
			}
			z := s.zones["z.test."]
			if len(z.nodes["z.test."][dns.TypeSOA]) != 1 || len(z.nodes["z.test."][dns.TypeNS]) == 0 {
				t.Error("SOA or NS is gone")
			}
			for name, n := range z.nodes {
				if len(n) == 0 {
					t.Errorf("%s owns nothing", name)
				}
				for rtype, set := range n {
					if len(set) == 0 || len(set) > cfg.MaxRecords && cfg.MaxRecords > 0 || rtype == dns.TypeCNAME && len(n) > 1 {
						t.Errorf("%s %d: %v", name, rtype, set)
					}
				}
			}
		}
	})
}
