package report

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hextet/hextet/bench/internal/measure"
)

func sample(name string, rounds ...float64) measure.Sample {
	return measure.Sample{Name: name, Rounds: rounds}
}

func TestGoals(t *testing.T) {
	ten, eleven, twenty := sample("a", 10, 10, 10), sample("b", 11, 11, 11), sample("c", 20, 20, 20)
	wide := sample("d", 5, 5, 40, 50, 60)
	for _, tt := range []struct {
		name       string
		goal       Goal
		ours, peer measure.Sample
		ratio      float64
		ok         bool
	}{
		{"no goal", Goal{}, twenty, ten, 0.5, true},
		{"at least, reached", Goal{AtLeast, 2}, ten, twenty, 2, true},
		{"at least, short", Goal{AtLeast, 2.1}, ten, twenty, 2, false},
		{"at least, but the spread covers it", Goal{AtLeast, 2}, ten, wide, 4, false},
		{"a share of a limit", Goal{AtLeast, 0.5}, twenty, ten, 0.5, true},
		{"a share of a limit, short", Goal{AtLeast, 0.51}, twenty, ten, 0.5, false},
		{"at most, reached", Goal{AtMost, 2}, twenty, ten, 2, true},
		{"at most, short", Goal{AtMost, 1.9}, twenty, ten, 2, false},
		{"grows", Goal{Kind: Grows}, twenty, ten, 2, true},
		{"not slower: faster", Goal{NotSlower, 1}, ten, eleven, 1.1, true},
		{"not slower: the same", Goal{NotSlower, 1}, ten, ten, 1, true},
		{"not slower: slower", Goal{NotSlower, 1}, eleven, ten, 10. / 11, false},
		{"not slower: slower, the spread covers it", Goal{NotSlower, 1}, sample("a", 5, 11, 11, 11, 50), sample("b", 20, 20, 10, 10, 10), 10. / 11, false},
		{"not slower: slower by as little as two runs differ", Goal{NotSlower, 1}, sample("a", 10, 10), sample("b", 9.75, 9.75), 0.975, true},
		{"within", Goal{Within, 1}, eleven, ten, 10. / 11, true},
		{"within, short", Goal{Within, 0.9}, eleven, ten, 10. / 11, false},
	} {
		r := Compared(tt.name, "ns", tt.goal, tt.ours, tt.peer)
		if r.Ratio != tt.ratio || r.OK != tt.ok {
			t.Errorf("%s: ratio %v ok %v, want %v %v", tt.name, r.Ratio, r.OK, tt.ratio, tt.ok)
		}
	}
	for value, ok := range map[float64]bool{24: true, 25: true, 26: false} {
		if r := Counted("allocs", "allocs", Goal{Total, 25}, value); r.OK != ok {
			t.Errorf("%v of at most 25: ok %v", value, r.OK)
		}
	}
}

// Every line has the names that programs read, and what is missing is null.
func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		row  Row
		want string
	}{
		{
			Compared("checksum/sum/1500/gvisor", "ns", Goal{AtLeast, 2.5}, sample("hextet", 20.12345, 20.12345, 20.12345), sample("gvisor", 60, 60, 60)),
			`{"name":"checksum/sum/1500/gvisor","ours":20.12,"peer":60,"peer_name":"gvisor","unit":"ns","ratio":2.982,"goal":2.5,"goal_kind":"at-least","ok":true,"verdict":"faster","runs":3,"spread":0,"ours_quartiles":[20.12,20.12],"peer_quartiles":[60,60],"ratio_quartiles":[2.982,2.982],"outliers":0}`,
		},
		{
			Counted("select/allocs", "allocs", Goal{Total, 0}, 0),
			`{"name":"select/allocs","ours":0,"peer":null,"peer_name":"","unit":"allocs","ratio":null,"goal":0,"goal_kind":"total","ok":true,"verdict":"","runs":1,"spread":0,"ours_quartiles":null,"peer_quartiles":null,"ratio_quartiles":null,"outliers":0}`,
		},
		{
			Beside("dnsreg/curve/10/all", "msg", Goal{}, 3, "one record a message", 40),
			`{"name":"dnsreg/curve/10/all","ours":3,"peer":40,"peer_name":"one record a message","unit":"msg","ratio":13.33,"goal":null,"goal_kind":"","ok":true,"verdict":"","runs":1,"spread":0,"ours_quartiles":[3,3],"peer_quartiles":[40,40],"ratio_quartiles":[13.33,13.33],"outliers":0}`,
		},
		{
			Compared("select/update/flag", "ns", Goal{Kind: Grows}, sample("100000", 30), sample("4", 10)),
			`{"name":"select/update/flag","ours":30,"peer":10,"peer_name":"4","unit":"ns","ratio":3,"goal":null,"goal_kind":"grows","ok":true,"verdict":"slower","runs":1,"spread":0,"ours_quartiles":[30,30],"peer_quartiles":[10,10],"ratio_quartiles":[3,3],"outliers":0}`,
		},
		{
			Alone("addresses/add", "ns", Goal{Total, 20}, sample("hextet", 10, 20, 30)),
			`{"name":"addresses/add","ours":20,"peer":null,"peer_name":"","unit":"ns","ratio":null,"goal":20,"goal_kind":"total","ok":true,"verdict":"","runs":3,"spread":0.5,"ours_quartiles":[15,25],"peer_quartiles":null,"ratio_quartiles":null,"outliers":0}`,
		},
		{
			Failed("x", errors.New("gvisor says 1, ours 2")),
			`{"name":"x","ours":null,"peer":null,"peer_name":"","unit":"","ratio":null,"goal":null,"goal_kind":"","ok":false,"verdict":"","runs":0,"spread":0,"ours_quartiles":null,"peer_quartiles":null,"ratio_quartiles":null,"outliers":0,"error":"gvisor says 1, ours 2"}`,
		},
	} {
		got, err := json.Marshal(tt.row)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tt.row.Name, err, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	r := Compared("select/linux/1000", "ns", Goal{AtLeast, 100}, sample("hextet", 148, 151, 154), sample("Linux connect", 271_000, 271_400, 272_000))
	for _, want := range []string{"select/linux/1000 ", "151 ns ", "271 µs Linux connect", "1800x", ">=100x", " 2% ", "ok"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("no %q in %q", want, r)
		}
	}
	alone := Alone("addresses/add", "ns", Goal{Total, 5e6}, sample("hextet", 6e6, 8e6, 10e6)).String()
	for _, want := range []string{"8 ms ", "<=5 ms", " 25% ", "SHORT"} {
		if !strings.Contains(alone, want) {
			t.Errorf("no %q in %q", want, alone)
		}
	}
	outlying := Compared("x", "ns", Goal{}, sample("a", 10, 10, 10, 10, 10, 99), sample("b", 20, 20, 20, 20, 20, 20)).String()
	if f := strings.Fields(outlying); f[len(f)-2] != "1" || f[len(f)-1] != "faster" {
		t.Errorf("no outlier in %q", outlying)
	}
	unclear := Compared("x", "ns", Goal{}, sample("a", 10, 10, 10, 10), sample("b", 5, 9, 20, 30)).String()
	if strings.Contains(unclear, "faster") || !strings.HasSuffix(unclear, "same") {
		t.Errorf("a judgement that the spread covers: %q", unclear)
	}
	tied := Compared("x", "ns", Goal{NotSlower, 1}, sample("a", 10, 10), sample("b", 9.75, 9.75))
	if s := tied.String(); !strings.Contains(s, "0.975x") || !strings.Contains(s, ">=0.97x") || !strings.HasSuffix(s, "ok") {
		t.Errorf("a tie: %q", s)
	}
	if s := Failed("x", errors.New("why")).String(); !strings.Contains(s, "why") {
		t.Error(s)
	}
	covered := Compared("x", "ns", Goal{AtLeast, 2}, sample("a", 10, 10, 10), sample("b", 5, 5, 40, 50, 60))
	if s := covered.String(); !strings.Contains(s, "SHORT: the spread covers") {
		t.Error(s)
	}
}

func TestFigure(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{2.4567, "ns", "2.46 ns"}, {9876, "ns", "9880 ns"}, {12345, "ns", "12.3 µs"}, {3.42e6, "ns", "3.42 ms"}, {1.234e9, "ns", "1.23 s"}, {0, "allocs", "0 allocs"}, {214.6, "B", "215 B"},
	} {
		if got := Figure(tt.v, tt.unit); got != tt.want {
			t.Errorf("%v %s: %s, want %s", tt.v, tt.unit, got, tt.want)
		}
	}
}
