package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func script(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The story prints what it has printed, each time.
func TestScript(t *testing.T) {
	const golden = "testdata/kb975808.out"
	want, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for range 3 {
		var b strings.Builder
		if err := run(t.Context(), "", script(t, "testdata/kb975808.netsh"), &b); err != nil {
			t.Fatal(err)
		}
		if *update {
			want = []byte(b.String())
			if err := os.WriteFile(golden, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != string(want) {
			t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
		}
	}
}

// A script ends with the first line that fails.
func TestScriptFails(t *testing.T) {
	name := t.TempDir() + "/script"
	if err := os.WriteFile(name, []byte("ipconfig\nnetsh interface ipv4 add adress\nipconfig\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err := run(t.Context(), "", script(t, name), &b)
	if err == nil || !strings.Contains(err.Error(), "did you mean address?") || strings.Count(b.String(), "Ethernet adapter") != 1 {
		t.Errorf("error %v after\n%s", err, b.String())
	}
}

func TestCommon(t *testing.T) {
	for _, tt := range []struct {
		all  []string
		want string
	}{
		{nil, "sh"}, {[]string{"show"}, "show "}, {[]string{"show ipv4", "show ipv6"}, "show ipv"}, {[]string{"set mask="}, "set mask="},
	} {
		if got := common(tt.all, "sh"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.all, got, tt.want)
		}
	}
}
