//go:build unix

package dnsreg

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/internal/dnspeer"
)

var update = flag.Bool("update", false, "write SERVERS.md anew")

// columns are the servers that the matrix is asked of.
var columns = []string{string(dnspeer.BIND), string(dnspeer.Knot), string(dnspeer.PowerDNS), "dnsregtest"}

// subject is a server under test.
type subject struct {
	dnspeer.Reader
	peer *dnspeer.Peer // nil for dnsregtest
}

// records returns those of one type at a name, as master file lines.
func (s subject) records(t *testing.T, name, rtype string) []string {
	t.Helper()
	records, err := s.Query(name, rtype)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func (s subject) serial(t *testing.T) uint32 {
	t.Helper()
	serial, err := s.Serial("example.test")
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

// matrixRecords are in example.test.
var matrixRecords = []string{
	"ns1.example.test. 300 IN A 127.0.0.1", "alias.example.test. 300 IN CNAME ns1.example.test.", "cut.example.test. 300 IN NS ns.example.com.",
}

func startSubject(t *testing.T, name string) subject {
	t.Helper()
	if name == "dnsregtest" {
		s, address := inMemory(t, dnsregtest.Config{
			Zones: []string{"example.test", "locked.test"}, ReadOnly: []string{"locked.test"}, MaxRecords: 100,
			Keys: map[string][]byte{keyName: secret}, Algorithms: map[string]string{keyName: "hmac-sha256"},
		})
		if err := s.Insert(matrixRecords...); err != nil {
			t.Fatal(err)
		}
		return subject{Reader: dnspeer.Reader{Address: address}}
	}
	p := dnspeer.Start(t, dnspeer.Kind(name), dnspeer.Config{Keys: []dnspeer.Key{peerKey}, Zones: []dnspeer.Zone{
		{Name: "example.test", Records: matrixRecords}, {Name: "locked.test", Locked: true}, {Name: "unread.test", Locked: true, Unread: true},
	}})
	return subject{dnspeer.Reader{Address: p.Address()}, p}
}

// TestMatrix asks every server every case and compares what comes of it with the table.
func TestMatrix(t *testing.T) {
	for column, name := range columns {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it is waiting for better replies that takes the time
			s := startSubject(t, name)
			for _, c := range matrix {
				t.Run(c.title, func(t *testing.T) {
					if want := c.want(column); want != untried {
						if got := c.drive(t, s); got != want {
							t.Errorf("got  %s\nwant %s", got, want)
						}
					}
				})
			}
		})
	}
}

// SERVERS.md is the table for people.
func TestMatrixIsDocumented(t *testing.T) {
	const file = "SERVERS.md"
	text := []byte(matrixText())
	if *update {
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !slices.Equal(got, text) {
		t.Errorf("%s is not what the table says (%v): go test ./dnsreg -run Matrix -update", file, err)
	}
}

// untried marks a cell for which the server has no such case.
const untried = "–"

func (c matrixCase) want(column int) string {
	if column < len(c.cells) {
		return c.cells[column]
	}
	return c.cells[0]
}

func matrixText() string {
	var b strings.Builder
	b.WriteString(matrixIntro)
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	row(append([]string{"case"}, columns...)...)
	row(slices.Repeat([]string{"---"}, 1+len(columns))...)
	for _, c := range matrix {
		cells := []string{c.title}
		for i := range columns {
			cells = append(cells, c.want(i))
		}
		row(cells...)
	}
	b.WriteString(matrixOutro)
	return b.String()
}

// verdict is the cell for an exchange: rcode, TSIG error, whether the reply lacked the signature that was due,
// and the class of the error.
func verdict(err error) string {
	if err == nil {
		return "NOERROR"
	}
	e, ok := errors.AsType[*ServerError](err)
	if !ok {
		if _, ok := errors.AsType[*NoReplyError](err); ok {
			return "silence: " + ClassOf(err).String()
		}
		return "unexpected: " + err.Error()
	}
	says := dns.RcodeToString[e.Rcode]
	if e.TSIG != 0 {
		says += " " + dns.RcodeToString[e.TSIG]
	}
	if !e.Authentic {
		says += ", unsigned"
		if _, ok := errors.AsType[*NoReplyError](err); !ok || !strings.Contains(err.Error(), "not authentic") {
			says += ", and the error hides it"
		}
	}
	return says + ": " + ClassOf(err).String()
}
