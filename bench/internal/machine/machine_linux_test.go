package machine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestCPU(t *testing.T) {
	for _, tt := range []struct{ info, want string }{
		{"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\nmodel name\t: other\n", "AMD EPYC (family 25 model 17 stepping 1)"},
		{"processor\t: 0\nmodel name\t: ARMv8 Processor\n", "ARMv8 Processor"},
		{"", ""},
	} {
		if got := cpu(tt.info); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestRead(t *testing.T) {
	i := Read()
	if i.Kernel == "" || i.Load == "" || i.Cores < 1 || i.Tier == "" || i.Go == "" {
		t.Errorf("%+v", i)
	}
	var b strings.Builder
	if err := i.Write(&b); err != nil || !strings.Contains(b.String(), i.Kernel) || !strings.Contains(b.String(), "tier "+i.Tier) {
		t.Errorf("%v %s", err, &b)
	}
	text, err := json.Marshal(i)
	if err != nil || !strings.Contains(string(text), `"kernel":"`+i.Kernel) {
		t.Errorf("%v %s", err, text)
	}
}

// Everything that a figure depends on is written down, for people and for programs.
func TestWrite(t *testing.T) {
	i := Info{
		CPU: "a CPU", Cores: 3, GOMAXPROCS: 2, System: "plan9/386", Kernel: "4th", Go: "go1.99", GODEBUG: "cpu.all=off",
		Governor: "ondemand", Load: "0.25 0.50 0.75", Tier: "abacus", Modules: map[string]string{"example.org/peer": "v1.2.3"},
	}
	var b strings.Builder
	if err := i.Write(&b); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		i.CPU, "3 cores", "GOMAXPROCS 2", "governor " + i.Governor, "load " + i.Load, i.Go, i.System, "kernel " + i.Kernel,
		"tier " + i.Tier, "GODEBUG=" + i.GODEBUG, "example.org/peer v1.2.3",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("people don't read %q: %s", want, &b)
		}
	}
	var back Info
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, i) {
		t.Errorf("programs read %+v, not %+v: %v", back, i, err)
	}
}

func TestBusy(t *testing.T) {
	for load, busy := range map[string]bool{"0.99 3.00 3.00": false, "1.01 0.00 0.00": true, "": false} {
		if i := (Info{Cores: 2, Load: load}); i.Busy() != busy {
			t.Errorf("load %q on two cores: busy %v", load, !busy)
		}
	}
}
