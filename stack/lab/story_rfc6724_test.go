package lab_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What stands in the stories of RFC 6724 section 10 is what srcselect's vectors say, which come from the RFC and
// not from a run: -update can't make a wrong answer right.
func TestStoriesAreRFC6724(t *testing.T) {
	text, err := os.ReadFile("../../srcselect/testdata/rfc6724.json")
	if err != nil {
		t.Fatal(err)
	}
	type vector struct {
		ID, Rule string
		Want     json.RawMessage
		Dst      json.RawMessage
		Src      []string
	}
	var all struct{ Source, Dest []vector }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, v := range append(all.Source, all.Dest...) {
		if !strings.HasPrefix(v.ID, "10.") {
			continue
		}
		told++
		want, dsts := oneOrMany(t, v.Want), oneOrMany(t, v.Dst)
		block := storyBlock(t, v.ID)
		for _, src := range v.Src {
			if !strings.Contains(block, strings.Fields(src)[0]+"/") {
				t.Errorf("%s: the story has no address %s", v.ID, src)
			}
		}
		for _, dst := range dsts {
			if !strings.Contains(block, " "+dst) {
				t.Errorf("%s: the story does not ask about %s", v.ID, dst)
			}
		}
		orders := 1
		if len(dsts) > 1 {
			orders = 2 // the result must not depend on the order of the destinations
		}
		var got []string
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(line, "  ") {
				got = append(got, line)
			}
		}
		if len(got) != orders*len(want) {
			t.Fatalf("%s: %d lines of output, not %d", v.ID, len(got), orders*len(want))
		}
		for k, line := range got {
			checkStoryLine(t, v.ID, line, want[k%len(want)], strings.Fields(v.Rule)[0], len(dsts) == 1 || k%len(want) > 0)
		}
	}
	if told < 30 {
		t.Errorf("%d examples", told)
	}
}

// storyBlock returns the part of the stories that is about an example.
func storyBlock(t *testing.T, id string) string {
	section, _, _ := strings.Cut(id, "-")
	text, err := os.ReadFile("testdata/stories/rfc6724-" + section + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)\n# ` + regexp.QuoteMeta(id) + `[\n:].*?(\n\n|$)`).FindString(strings.ReplaceAll(string(text), "\r\n", "\n"))
	if block == "" {
		t.Fatalf("%s is not told", id)
	}
	return block
}

func oneOrMany(t *testing.T, raw json.RawMessage) (many []string) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if err := json.Unmarshal(raw, &many); err != nil {
		t.Fatal(err)
	}
	return many
}

// checkStoryLine compares "destination from source: rule N (why)", or "source: rule N (why)", with a vector's
// "destination<source", or "source".
func checkStoryLine(t *testing.T, id, line, want, rule string, hasRule bool) {
	addrs, why, _ := strings.Cut(strings.TrimSpace(line), ": ")
	var got []netip.Addr
	for f := range strings.SplitSeq(addrs, " from ") {
		a, err := netip.ParseAddr(f)
		if err != nil {
			t.Fatalf("%s: %q: %v", id, line, err)
		}
		got = append(got, a)
	}
	var wanted []netip.Addr
	for f := range strings.SplitSeq(want, "<") {
		wanted = append(wanted, netip.MustParseAddr(f))
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Errorf("%s: %v, not %v", id, got, wanted)
	}
	if hasRule && !strings.HasPrefix(why, "rule "+rule+" ") {
		t.Errorf("%s: %q, not rule %s", id, why, rule)
	}
}
