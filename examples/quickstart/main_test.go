package main

import (
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack/capture"
	"github.com/hextet/hextet/stack/lab"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every claim is true, and the account is the same each time.
func TestQuickstart(t *testing.T) {
	golden, err := filepath.Abs("testdata/quickstart.out")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for range 3 {
		var out strings.Builder
		if err := run(t.Context(), &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if *update {
			if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want) {
			t.Errorf("the account is another:\n%s", &out)
		}
	}
	checkCapture(t)
}

// checkCapture reads the file as somebody else would, by hand and with a sum of its own: neither the stack nor
// the lab is its own judge.
func checkCapture(t *testing.T) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var requests []string // checksums of the server's echo requests
	messages := 0
	for p, err := range capture.Packets(f) {
		if err != nil {
			t.Fatal(err)
		}
		ip := p.Data[14:]
		icmp, ok := icmpv6(ip)
		if !ok {
			continue
		}
		messages++
		if !sumsUp(ip, icmp) {
			t.Errorf("wrong checksum: %s", capture.Summary(p))
		}
		if icmp[0] == 128 && strings.HasPrefix(p.Comment, "from server/") {
			requests = append(requests, string(icmp[2:4]))
			if !strings.Contains(p.Comment, "source 2001:db8:0:1::1:25 by rule 2") {
				t.Errorf("comment %q", p.Comment)
			}
		}
	}
	if len(requests) != 2 || slices.Contains(requests, "\x00\x00") || slices.Contains(requests, "\xde\xad") {
		t.Errorf("%d echo requests, checksums %x", len(requests), requests)
	}
	if messages != 94 { // as the account has it
		t.Errorf("%d ICMPv6 messages", messages)
	}
}

// icmpv6 returns the message in a packet, also behind the Hop-by-Hop Options header of MLD.
func icmpv6(ip []byte) ([]byte, bool) {
	if ip[0]>>4 != 6 {
		return nil, false
	}
	next, payload := ip[6], ip[40:]
	if next == 0 {
		next, payload = payload[0], payload[8*(1+int(payload[1])):]
	}
	return payload, next == 58
}

// sumsUp adds the pseudo-header (RFC 8200 section 8.1) and the message, two bytes at a time.
func sumsUp(ip, icmp []byte) bool {
	b := slices.Clone(ip[8:40])
	b = binary.BigEndian.AppendUint32(b, uint32(len(icmp)))
	b = append(append(b, 0, 0, 0, 58), icmp...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	sum := 0
	for ; len(b) > 0; b = b[2:] {
		sum += int(b[0])<<8 | int(b[1])
		sum = sum&0xffff + sum>>16
	}
	return sum == 0xffff
}

// Registering takes no time in a lab whose wires take none: nobody waits for what the lab does not know of.
func TestRegisteringTakesNoTime(t *testing.T) {
	n, err := build(lab.New(t), new(account))
	if err != nil {
		t.Fatal(err)
	}
	start := n.Now()
	if _, err := n.register(); err != nil || n.registered() != "50 A, 50 AAAA, 100 PTR" {
		t.Fatal(err, n.registered())
	}
	if took := n.Now().Sub(start); took != 0 {
		t.Errorf("took %v", took)
	}
}

// With a firewall that passes everything, the claims about it are false, and said to be.
func TestFalseClaims(t *testing.T) {
	a := new(account)
	n, err := build(lab.New(t), a)
	if err != nil {
		t.Fatal(err)
	}
	n.wall.SetRules()
	if err := n.before(); err != nil {
		t.Fatal(err)
	}
	n.unflagged, _ = n.LastPacket(lab.Match(""))
	n.onTheWire()
	var out strings.Builder
	a.print(&out)
	for _, want := range []string{
		"100 connected, 0 failed   <-- FALSE", "from 10.0.0.1: blocked (decided by tie (oldest address))   <-- FALSE",
		"100 answered   <-- FALSE", "7 claims checked", "5 false",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if err := a.err(); err == nil || !strings.Contains(err.Error(), "5 claims are false") {
		t.Errorf("error %v", err)
	}
}
