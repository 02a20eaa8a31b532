package conformance

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestJudge(t *testing.T) {
	c, bad := Cases()[0], errors.New("seen something")
	list := map[string]string{c.Name: "the reason"}
	for _, tt := range []struct {
		name  string
		suite Suite
		err   error
		want  verdict
		text  string
	}{
		{"passes", Suite{}, nil, passes, ""},
		{"fails", Suite{}, bad, failed, "seen something"},
		{"known, fails", Suite{Known: list}, bad, known, "the reason"},
		{"known, passes", Suite{Known: list}, nil, failed, "deviates no more"},
		{"pending, fails", Suite{Pending: list}, bad, pending, c.Name + ": the reason"},
		{"pending, passes", Suite{Pending: list}, nil, failed, "not pending any more"},
	} {
		if got, text := tt.suite.judge(c, tt.err); got != tt.want || !strings.Contains(text, tt.text) {
			t.Errorf("%s: %v, %q", tt.name, got, text)
		}
	}
}

func TestMisnamed(t *testing.T) {
	name := Cases()[0].Name
	s := Suite{Known: map[string]string{name: "", "no/such": ""}, Pending: map[string]string{name: "", "nor/this": ""}}
	got := strings.Join(s.misnamed(Cases()), "\n")
	for _, want := range []string{`"no/such", a known`, `"nor/this", a pending`, "both known and pending"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if wrong := (Suite{Known: map[string]string{name: ""}}).misnamed(Cases()); wrong != nil {
		t.Error(wrong)
	}
}

// A host whose sockets can't be opened, or whose wire is cut, is a deviation and no panic.
func TestDeadHost(t *testing.T) {
	for _, c := range Cases() {
		for _, b := range []*dead{{newModel(""), true}, {newModel(""), false}} {
			err := c.Check(context.Background(), b)
			var d *Deviation
			switch {
			case err == nil && !b.refuses: // it needs no wire
			case !errors.As(err, &d) || d.Seen == "" || d.Due == "" || d.Case.Name != c.Name:
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
}

// dead is a host that is cut off.
type dead struct {
	*model
	refuses bool
}

func (d *dead) Open(proto uint8, local netip.Addr) (Socket, error) {
	if d.refuses {
		return nil, syscall.EPERM
	}
	return d.model.Open(proto, local)
}

func (d *dead) Inject([]byte) error                     { return nil }
func (d *dead) Capture(context.Context) ([]byte, error) { return nil, context.DeadlineExceeded }

// xnet is the model with sockets that have x/net's methods for the checksum, rfc one with those that
// are the option to the letter, and bare one whose sockets have nothing to spare.
type (
	xnet struct{ *model }
	rfc  struct{ *model }
	bare struct{ *model }
)

func (b xnet) Open(proto uint8, local netip.Addr) (Socket, error) {
	s, err := b.model.Open(proto, local)
	return struct {
		Socket
		checksumSetter
		checksumGetter
	}{s, s.(checksumSetter), s.(checksumGetter)}, err
}

func (b rfc) Open(proto uint8, local netip.Addr) (Socket, error) {
	s, err := b.model.Open(proto, local)
	return struct {
		Socket
		OffsetSetter
		offsetGetter
	}{s, s.(OffsetSetter), s.(offsetGetter)}, err
}

func (b bare) Open(proto uint8, local netip.Addr) (Socket, error) {
	s, err := b.model.Open(proto, local)
	return struct{ Socket }{s}, err
}

func TestOptionalMethods(t *testing.T) {
	lacking := 0
	for _, c := range Cases() {
		if strings.HasPrefix(c.Name, "option/") || strings.HasPrefix(c.Name, "send/offset/") {
			for _, b := range []Backend{xnet{newModel("")}, rfc{newModel("")}} {
				if err := c.Check(context.Background(), b); err != nil {
					t.Errorf("%T: %v", b, err)
				}
			}
		}
		var d *Deviation
		switch err := c.Check(context.Background(), bare{newModel("")}); {
		case err == nil:
		case !errors.As(err, &d) || !strings.Contains(d.Seen, "the socket has no method "):
			t.Error(err)
		default:
			lacking++
		}
	}
	if lacking == 0 || lacking == len(Cases()) {
		t.Errorf("%d cases lack a method", lacking)
	}
}

func TestTable(t *testing.T) {
	cases := Cases()
	outcomes := map[string]string{}
	for _, c := range cases {
		outcomes[c.Name] = passed
	}
	outcomes[cases[1].Name] = Suite{}.cell(cases[1], &Deviation{Seen: "this | and\nthat"})
	path := filepath.Join(t.TempDir(), "table.md")
	start := "# Title\n\nbefore\n\n| case | source | due | one | two |\n|---|---|---|---|---|\n| gone/long-ago | x | y | yes | yes |\n\nafter\n"
	if err := os.WriteFile(path, []byte(start), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compareTable(path, "two", cases, outcomes); err == nil || !strings.Contains(err.Error(), cases[0].Name+`: "?", now "yes"`) {
		t.Errorf("a table without the cases: %v", err)
	}
	for _, column := range []string{"two", "one"} {
		if err := updateTable(path, column, cases, outcomes); err != nil {
			t.Fatal(err)
		}
		if err := compareTable(path, column, cases, outcomes); err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"# Title\n\nbefore\n", "\n\nafter\n", "| no: this / and that | no: this / and that |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the table", want)
		}
	}
	if strings.Contains(text, "gone/long-ago") {
		t.Error("a case that is gone still has a row")
	}

	if err := compareTable(path, "three", cases, outcomes); err == nil || !strings.Contains(err.Error(), `"three"`) {
		t.Errorf("a column that is not there: %v", err)
	}
	changed := slices.Clone(cases)
	changed[0].Due += " and more"
	if err := compareTable(path, "one", changed, outcomes); err == nil || !strings.Contains(err.Error(), "what is due") {
		t.Errorf("a rule that changed: %v", err)
	}
	outcomes[cases[0].Name] = "no: now"
	if err := compareTable(path, "one", cases, outcomes); err == nil || !strings.Contains(err.Error(), `"yes", now "no: now"`) {
		t.Errorf("an outcome that changed: %v", err)
	}
}

// The first update makes what is not there: the file, the table in a text, one more column.
func TestTableFromNothing(t *testing.T) {
	cases := Cases()
	outcomes := map[string]string{}
	for _, c := range cases {
		outcomes[c.Name] = passed
	}
	none, text := filepath.Join(t.TempDir(), "none.md"), filepath.Join(t.TempDir(), "text.md")
	if err := os.WriteFile(text, []byte("# Title\nwords\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, start := range map[string]string{none: "| case | source | due | mine | other |\n|---|", text: "# Title\nwords\n\n| case |"} {
		if err := compareTable(path, "mine", cases, outcomes); err == nil {
			t.Errorf("%s has no table, but is current", path)
		}
		for _, column := range []string{"mine", "other"} {
			if err := updateTable(path, column, cases, outcomes); err != nil {
				t.Fatal(err)
			}
		}
		for _, column := range []string{"mine", "other"} {
			if err := compareTable(path, column, cases, outcomes); err != nil {
				t.Error(err)
			}
		}
		if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), start) {
			t.Errorf("%.80q, %v", b, err)
		}
	}
	if err := updateTable(t.TempDir(), "mine", cases, outcomes); err == nil {
		t.Error("a directory is a table")
	}
}

func TestPendingCell(t *testing.T) {
	c := Cases()[0]
	s := Suite{Pending: map[string]string{c.Name: "later"}}
	if got := s.cell(c, &Deviation{Seen: "nothing"}); got != "pending; no: nothing" {
		t.Error(got)
	}
}
