package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// lines writes rows as a run does.
func lines(t *testing.T, rows ...Row) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// What was written is read, and written again it is the same text: of each kind of row
// and goal one.
func TestReadRoundTrip(t *testing.T) {
	ten, twenty := sample("a", 10, 10.12345, 11), sample("b", 20, 25.4321, 30)
	text := lines(t,
		Compared("at-least", "ns", Goal{AtLeast, 2}, ten, twenty),
		Compared("at-most", "ns", Goal{AtMost, 2}, ten, twenty),
		Compared("grows", "ns", Goal{Kind: Grows}, ten, twenty),
		Compared("not-slower", "ns", Goal{NotSlower, 1}, ten, twenty),
		Compared("within", "ns", Goal{Within, 0.5}, ten, twenty),
		Compared("none", "ns", Goal{}, ten, sample("c", 5, 10, 20)),
		Beside("beside", "msg", Goal{}, 3, "one record a message", 40),
		Alone("alone", "ns", Goal{Total, 20}, ten),
		Alone("long", "ns", Goal{}, sample("d", 253_900_001, 253_900_002)),
		Counted("counted", "allocs", Goal{Total, 0}, 0),
		Counted("below zero", "B", Goal{}, -3),
		Failed("failed", errors.New("different results: \"a\"\nand b")),
	)
	rows, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(t, rows...); got != text {
		t.Errorf("read and written again:\n%s\nbefore:\n%s", got, text)
	}
	want := Compared("at-most", "ns", Goal{AtMost, 2}, sample("a", 10, 10, 10, 10, 10), sample("b", 20, 20, 40, 40, 40))
	rows, err = Read(strings.NewReader(lines(t, want)))
	if err != nil || !reflect.DeepEqual(rows, []Row{want}) {
		t.Errorf("%v\n got %+v\nwant %+v", err, rows, want)
	}
	if rows, err := Read(strings.NewReader("")); len(rows) != 0 || err != nil {
		t.Errorf("nothing: %v, %v", rows, err)
	}
}

// The error names the line and what is wrong with it.
func TestReadRefuses(t *testing.T) {
	ten, twenty := sample("a", 10, 10, 10), sample("b", 20, 20, 20)
	good := lines(t, Compared("x/y", "ns", Goal{AtLeast, 2}, ten, twenty))
	alone := lines(t, Counted("x/n", "msg", Goal{}, 3))
	failed := lines(t, Failed("x/f", errors.New("why")))
	for _, tt := range []struct {
		name, text, old, new, want string
	}{
		{"no JSON", good, `{"name"`, `"name"`, "line 1: invalid character"},
		{"an array", good, good, "[]", "line 1: json: cannot unmarshal array"},
		{"an empty line", good, good, "\n", "line 1: unexpected end"},
		{"null", good, good, "null", `line 1: no "name"`},
		{"cut off", good, `"outliers":0}`, "", "line 1: unexpected end"},
		{"two objects", good, "}\n", "}{}\n", "line 1: invalid character"},
		{"another name", good, `"runs"`, `"rounds"`, `line 1: json: unknown field "rounds"`},
		{"a name missing", good, `"spread":0,`, "", `line 1: no "spread"`},
		{"a text for a figure", good, `"ours":10`, `"ours":"10"`, "line 1: json: cannot unmarshal string"},
		{"no figure", good, `"ours":10`, `"ours":null`, `line 1: x/y has no error, so it needs "ours"`},
		{"no time", good, `"ours":10`, `"ours":0`, "x/y: a time that is not above zero"},
		{"a time before", good, `"ours":10`, `"ours":-10`, "x/y: a time that is not above zero"},
		{"no time of the peer", good, `"peer":20`, `"peer":0`, "x/y: a time that is not above zero"},
		{"no rounds", good, `"runs":3`, `"runs":0`, "at least one of"},
		{"no unit", good, `"ns"`, `""`, "line 1: x/y has no error"},
		{"no name", good, `"x/y"`, `""`, `line 1: "name" is empty`},
		{"no peer", good, `"peer":20`, `"peer":null`, `x/y needs all of "peer_name"`},
		{"a peer without a name", good, `"peer_name":"b"`, `"peer_name":""`, `x/y needs all of "peer_name"`},
		{"no quartiles", good, `"ours_quartiles":[10,10]`, `"ours_quartiles":null`, `needs "ours_quartiles" exactly`},
		{"quartiles upside down", good, `[20,20]`, `[20,19]`, "quartiles [20 19] are not in order"},
		{"one quartile", good, `[20,20]`, `[20]`, "quartiles are two figures, not 1"},
		{"three quartiles", good, `[20,20]`, `[20,20,20]`, "quartiles are two figures, not 3"},
		{"another kind of goal", good, `at-least`, `about`, `there is no goal_kind "about"`},
		{"a kind without its goal", good, `"goal":2`, `"goal":null`, `goal_kind "at-least" and "goal" don't fit`},
		{"a goal without its kind", alone, `"goal":null`, `"goal":3`, `goal_kind "" and "goal" don't fit`},
		{"another verdict", good, `faster`, `fast`, `there is no verdict "fast"`},
		{"more outliers than rounds", good, `"outliers":0`, `"outliers":4`, "4 outliers of 3 runs"},
		{"an error and a figure", failed, `"ours":null`, `"ours":1`, "x/f has an error and figures"},
		{"an error that is ok", failed, `"ok":false`, `"ok":true`, "x/f has an error and figures"},
		{"twice", good, good, good + alone + good, "line 3: x/y is in line 1 already"},
		{"the second line", alone, "\n", "\n{}\n", `line 2: no "name"`},
		{"endless", good, `"x/y"`, `"` + strings.Repeat("x", longest) + `"`, "line 1: bufio.Scanner: token too long"},
	} {
		if !strings.Contains(tt.text, tt.old) {
			t.Fatalf("%s: no %q in %s", tt.name, tt.old, tt.text)
		}
		rows, err := Read(strings.NewReader(strings.Replace(tt.text, tt.old, tt.new, 1)))
		if err == nil || rows != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Nothing that is read panics, and what is read can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"name":"x","ours":1,"peer":null,"peer_name":"","unit":"ns","ratio":null,"goal":null,"goal_kind":"","ok":true,"verdict":"","runs":1,"spread":0,"ours_quartiles":null,"peer_quartiles":null,"ratio_quartiles":null,"outliers":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if _, err := Read(strings.NewReader(lines(t, rows...))); err != nil {
			t.Errorf("%q was read as %+v: %v", text, rows, err)
		}
	})
}
