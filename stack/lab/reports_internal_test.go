package lab

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// An MLDv2 report of two groups, ff02::1:ff00:1 and ff02::fb:
//
//	scapy: Ether(src="02:00:00:00:00:01")/IPv6(src="fe80::1")/IPv6ExtHdrHopByHop(options=[RouterAlert()])/ICMPv6MLReport2(records=[
//	  ICMPv6MLDMultAddrRec(rtype=4, dst="ff02::1:ff00:1"), ICMPv6MLDMultAddrRec(rtype=3, dst="ff02::fb")])
const mldReport = "333300000016020000000001" + "86dd" +
	"6000000000380001" + "fe800000000000000000000000000001" + "ff020000000000000000000000000016" +
	"3a00050200000100" + "8f000000" + "00000002" +
	"04000000" + "ff0200000000000000000001ff000001" +
	"03000000" + "ff0200000000000000000000000000fb"

func mldFrame(t *testing.T) []byte {
	frame, err := hex.DecodeString(mldReport)
	if err != nil {
		t.Fatal(err)
	}
	r := report{frame: frame, message: 62, size: 20, group: 4}
	r.seal()
	return frame
}

func TestReportsInOrder(t *testing.T) {
	a, b := mldFrame(t), mldFrame(t)
	copy(b[70:], "\x04\x00\x00\x00\xff\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07") // ff05::7 in place of the first
	report{frame: b, message: 62, size: 20, group: 4}.seal()
	var first [2][]byte
	for round := range 20 {
		frames := [][]byte{bytes.Clone(a), bytes.Clone(b)}
		rand.Shuffle(2, func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
		var reports []report
		for _, f := range frames {
			r, ok := parseReport(f)
			if !ok {
				t.Fatal("not taken for a report")
			}
			reports = append(reports, r)
		}
		if !reports[0].alike(reports[1]) {
			t.Fatal("not alike")
		}
		arrange(reports)
		for n, r := range reports {
			if !r.valid() {
				t.Error("wrong checksum")
			}
			if round == 0 {
				first[n] = r.frame
			}
			if !bytes.Equal(r.frame, first[n]) {
				t.Errorf("another order: %x", r.frame)
			}
		}
	}
	if got := hex.EncodeToString(first[0][70+4:][:16]); got != "ff0200000000000000000000000000fb" {
		t.Errorf("the first group is %s", got)
	}
}

// What is no report, or has a wrong checksum, is left alone.
func TestParseReportRefuses(t *testing.T) {
	good := mldFrame(t)
	for n := linkHeader; n < len(good); n++ {
		parseReport(good[:n]) // does not panic
		bad := bytes.Clone(good)
		bad[n] ^= 0x40
		if _, ok := parseReport(bad); ok && n >= 62 {
			t.Errorf("a report with a wrong byte %d", n)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	b, _ := hex.DecodeString(mldReport)
	f.Add(b)
	f.Add(append([]byte("\x01\x00\x5e\x00\x00\x16\x02\x00\x00\x00\x00\x01\x08\x00\x46\xc0\x00\x28\x00\x00\x00\x00\x01\x02\x00\x00\x0a\x00\x00\x01\xe0\x00\x00\x16\x94\x04\x00\x00\x22\x00\xf9\x02\x00\x00\x00\x01"), "\x04\x00\x00\x00\xe0\x00\x00\xfb"...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) < linkHeader {
			return
		}
		r, ok := parseReport(frame)
		if !ok {
			return
		}
		before := bytes.Clone(frame)
		arrange([]report{r})
		if !r.valid() || len(frame) != len(before) || !bytes.Equal(frame[:r.message], before[:r.message]) {
			t.Errorf("%x became %x", before, frame)
		}
	})
}
