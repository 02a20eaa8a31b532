package machine

import (
	"encoding/json"
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

func TestBusy(t *testing.T) {
	for load, busy := range map[string]bool{"0.99 3.00 3.00": false, "1.01 0.00 0.00": true, "": false} {
		if i := (Info{Cores: 2, Load: load}); i.Busy() != busy {
			t.Errorf("load %q on two cores: busy %v", load, !busy)
		}
	}
}
