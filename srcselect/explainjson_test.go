package srcselect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// An explanation reads back as it was written, whatever is in it.
func TestExplanationRoundTrip(t *testing.T) {
	met := make(map[string]bool)
	for seed := range uint64(40) {
		w := newWorld(seed)
		for range 15 {
			if err := w.mutate(); err != nil {
				t.Fatal(err)
			}
			q := w.query()
			q.Encapsulated, q.Unreachable = w.oneIn(2), w.oneIn(2)
			if w.oneIn(20) {
				q.Destination = netip.Addr{}
			}
			e := w.s.Explain(q)
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var back Explanation
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			if fmt.Sprint(back.Err) != fmt.Sprint(e.Err) || errors.Is(back.Err, ErrNoSource) != errors.Is(e.Err, ErrNoSource) ||
				errors.Is(back.Err, ErrInvalid) != errors.Is(e.Err, ErrInvalid) {
				t.Fatalf("error %v, want %v", back.Err, e.Err)
			}
			if back.String() != e.String() {
				t.Fatalf("got\n%v\nwant\n%v", back, e)
			}
			e.Err, back.Err = nil, nil
			if !reflect.DeepEqual(back, e) {
				t.Fatalf("got\n%+v\nwant\n%+v", back, e)
			}
			noteMembers(met, "", text)
		}
	}
	for _, member := range memberNames(reflect.TypeFor[Explanation](), "") {
		if !met[member] {
			t.Errorf("member %s is in no explanation: the test says nothing about it", member)
		}
	}
}

// noteMembers notes the names of all members in text.
func noteMembers(met map[string]bool, path string, text []byte) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(text, &object) == nil {
		for name, value := range object {
			met[path+"."+strings.ToLower(name)] = true
			noteMembers(met, path+"."+strings.ToLower(name), value)
		}
	} else if json.Unmarshal(text, &list) == nil {
		for _, value := range list {
			noteMembers(met, path, value)
		}
	}
}

// memberNames returns the names that the fields of a type should have, in lower case.
func memberNames(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	var names []string
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[Explanation]().PkgPath() {
		return names
	}
	for i := range t.NumField() {
		name := path + "." + strings.ToLower(t.Field(i).Name)
		if name == ".err" {
			name = ".error"
		}
		names = append(append(names, name), memberNames(t.Field(i).Type, name)...)
	}
	return names
}

// Every value has a name of its own, which reads back as the value.
func TestNamesRoundTrip(t *testing.T) {
	seen := make(map[string]bool)
	for r := range Rule(ruleCount) {
		text, err := r.MarshalText()
		var back Rule
		if err != nil || len(text) == 0 || seen[string(text)] || back.UnmarshalText(text) != nil || back != r {
			t.Errorf("%v: %q, back %v, %v", r, text, back, err)
		}
		seen[string(text)] = true
	}
	for e := range Exclusion(exclusions) {
		text, err := e.MarshalText()
		var back Exclusion
		if err != nil || len(text) == 0 || back.UnmarshalText(text) != nil || back != e {
			t.Errorf("%v: %q, back %v, %v", e, text, back, err)
		}
	}
	for p := range Preferences(16) {
		text, err := p.MarshalText()
		back := Preferences(0xff)
		if err != nil || back.UnmarshalText(text) != nil || back != p {
			t.Errorf("%v: %q, back %v, %v", p, text, back, err)
		}
	}
	if text, _ := (PreferPublic | PreferCareOf).MarshalText(); string(text) != "public,care-of" {
		t.Errorf("%q, want %q", text, "public,care-of")
	}
}

func TestNamesRefused(t *testing.T) {
	var r Rule
	var e Exclusion
	var p Preferences
	for want, err := range map[string]error{
		`there is no rule "scop"`:             r.UnmarshalText([]byte("scop")),
		`there is no exclusion ""`:            e.UnmarshalText(nil),
		`there is no preference "private"`:    p.UnmarshalText([]byte("public,private")),
		`there is no preference " temporary"`: p.UnmarshalText([]byte("public, temporary")),
		"rule 99 has no name":                 second(Rule(99).MarshalText()),
		"exclusion 99 has no name":            second(Exclusion(99).MarshalText()),
		"preferences 0x10: unknown bits":      second(Preferences(16).MarshalText()),
	} {
		if !errors.Is(err, ErrInvalid) || err.Error() != "srcselect: "+want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if r != 0 || e != 0 || p != 0 {
		t.Errorf("half read: %v, %v, %v", r, e, p)
	}
	for _, text := range []string{`{"rule":"x"}`, `[]`, `{"candidates":[{"excluded":"x"}]}`} {
		explanation := Explanation{Rule: RuleScope}
		if err := json.Unmarshal([]byte(text), &explanation); err == nil || explanation.Rule != RuleScope {
			t.Errorf("%s: error %v, %+v", text, err, explanation)
		}
	}
}

func second(_ []byte, err error) error { return err }
