package netsh_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/netsh"
)

// state is all that commands can change.
func state(s *stack.Stack) string {
	var b strings.Builder
	for _, i := range s.Interfaces() {
		for _, a := range i.Addresses() {
			fmt.Fprintln(&b, i.Name(), a.Address, a.State)
		}
	}
	fmt.Fprintln(&b, s.Routes())
	fmt.Fprint(&b, s.Policy())
	return b.String()
}

// A line either fails, and changes and prints nothing, or prints a bounded amount; an error has one line of
// bounded length; and what completes a line goes on where its last word begins.
func FuzzLine(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "> "); ok {
				f.Add(strings.TrimSpace(rest))
				f.Add("netsh interface ipv6 " + strings.TrimSpace(rest))
			}
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, sh := newHost(t)
		defer s.Close()
		for _, context := range []string{"netsh", "netsh interface ipv4"} {
			var out strings.Builder
			if err := sh.Run(t.Context(), context, &out); err != nil {
				t.Fatal(err)
			}
			before := state(s)
			err := sh.Run(t.Context(), line, &out)
			if out.Len() > 1<<16 {
				t.Errorf("%q prints %d bytes", line, out.Len())
			}
			if err != nil && (out.Len() > 0 || state(s) != before) {
				t.Errorf("%q fails: %v, but prints\n%s and makes\n%s of\n%s", line, err, out.String(), state(s), before)
			}
			if err != nil && !errors.Is(err, netsh.ErrExit) && (len(err.Error()) > 2000 || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%q: the error is %q", line, err)
			}
			for _, full := range sh.Complete(line) {
				if last := strings.LastIndexAny(line, " \t\"=") + 1; len(full) > len(line)+64 || !strings.Contains(line, `"`) && !strings.HasPrefix(full, line[:last]) {
					t.Errorf("%q is completed to %q", line, full)
				}
			}
		}
	})
}
