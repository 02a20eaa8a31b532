package dnsregtest

import (
	"encoding/base64"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/internal/peertest"
)

// bigZone serves a zone whose transfer takes several messages.
func bigZone(t *testing.T) (s *Server, address string, want []string) {
	s, address = start(t, Config{Zones: []string{"example.test"}, Keys: map[string][]byte{"key": secret}, Algorithms: map[string]string{"key": "hmac-sha256"}})
	for i := range 2000 {
		if err := s.Insert(fmt.Sprintf("h%d.example.test. 60 A 10.0.%d.%d", i, i/256, i%256)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.Zone("example.test") {
		want = append(want, fmt.Sprintf("%s %d IN %s %s", r.Name, r.TTL, r.Type, r.Data))
	}
	return s, address, want
}

func TestTransfer(t *testing.T) {
	s, address, want := bigZone(t)
	for _, key := range []string{"", "key."} {
		m := new(dns.Msg).SetAxfr("example.test.")
		tr := new(dns.Transfer)
		if key != "" {
			m.SetTsig(key, dns.HmacSHA256, 300, 0)
			tr.TsigSecret = map[string]string{key: base64.StdEncoding.EncodeToString(secret)}
		}
		in, err := tr.In(m, address)
		if err != nil {
			t.Fatal(err)
		}
		messages, soas, got := 0, 0, []string(nil)
		for e := range in {
			if e.Error != nil {
				t.Fatalf("key %q, message %d: %v", key, messages, e.Error)
			}
			messages++
			for _, rr := range e.RR {
				if rr.Header().Rrtype == dns.TypeSOA {
					if soas++; soas == 2 {
						continue
					}
				}
				got = append(got, strings.ReplaceAll(rr.String(), "\t", " "))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if messages < 3 || soas != 2 || !slices.Equal(got, want) {
			t.Errorf("key %q: %d messages, %d SOA records, %d records of %d", key, messages, soas, len(got), len(want))
		}
	}
	if n := s.Stats().Transfers; n != 2 {
		t.Errorf("%d transfers", n)
	}
	for _, test := range []struct {
		network, zone, key string
		rcode              int
	}{
		{"udp", "example.test.", "", dns.RcodeFormatError}, {"tcp", "a.example.test.", "", dns.RcodeNotAuth},
		{"tcp", "test.", "", dns.RcodeNotAuth}, {"tcp", "example.test.", "other.", dns.RcodeNotAuth},
	} {
		m := new(dns.Msg).SetAxfr(test.zone)
		conn, err := net.Dial(test.network, address)
		if err != nil {
			t.Fatal(err)
		}
		c := dns.Conn{Conn: conn}
		if test.key != "" {
			m.SetTsig(test.key, dns.HmacSHA256, 300, 0)
			c.TsigSecret = map[string]string{test.key: "eA=="}
		}
		if err := c.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
		reply, _ := c.ReadMsg() // an error for BADKEY
		if reply == nil || reply.Rcode != test.rcode || len(reply.Answer) != 0 {
			t.Errorf("%+v: %v", test, reply)
		}
		c.Close()
	}
}

// dig and kdig read a transfer, signed and not, and check the signatures.
func TestTransferByTools(t *testing.T) {
	peertest.DNS.Tools(t, "dig", "kdig")
	_, address, want := bigZone(t)
	host, port, _ := strings.Cut(address, ":")
	slices.Sort(want)
	for _, tool := range []string{"dig", "kdig"} {
		for _, key := range []string{"", "hmac-sha256:key:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="} {
			args := []string{"@" + host, "-p", port, "+noall", "+answer", "example.test", "AXFR"}
			if key != "" {
				args = append([]string{"-y", key}, args...)
			}
			out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
			var got []string
			for line := range strings.Lines(string(out)) {
				if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(line, ";") {
					got = append(got, strings.Join(f, " "))
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s %v: %v, %d records of %d\n%.2000s", tool, args, err, len(got), len(want), out)
			}
		}
	}
}
