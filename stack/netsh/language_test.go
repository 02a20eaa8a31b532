package netsh_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/netsh"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		line string
		want string // words in brackets
		open int
	}{
		{"", "", 0},
		{" \t ", "", 0},
		{"a bc\td", "[a][bc][d]", 0},
		{`"Local Area Connection"`, "[Local Area Connection]", 0},
		{`name="Local Area Connection" x`, "[name=Local Area Connection][x]", 0},
		{`a"b c"d""e`, "[ab cde]", 0},
		{`"" x`, "[][x]", 0},
		{`x "a b`, "[x][a b]", 3},
		{"ä\u00a0ö", "[ä][ö]", 0},
		{"\xff\xfe \xc3", "[\xff\xfe][\xc3]", 0},
	} {
		words, open := netsh.Split(tt.line)
		got := ""
		for _, w := range words {
			got += "[" + w + "]"
		}
		if got != tt.want || open != tt.open {
			t.Errorf("%q: %s, quote open at %d; want %s, %d", tt.line, got, open, tt.want, tt.open)
		}
	}
}

func TestLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"0", 0}, {"86400", day}, {"1d2h3m4s", day + 2*time.Hour + 3*time.Minute + 4*time.Second}, {"2H", 2 * time.Hour}, {"5s", 5 * time.Second},
		{"1d4s", day + 4*time.Second}, {"infinite", netsh.Infinite}, {"INF", netsh.Infinite}, {"4294967295", netsh.Infinite}, {"4294967294", 4294967294 * time.Second},
	} {
		if got, err := netsh.ParseLifetime(tt.text); err != nil || got != tt.want {
			t.Errorf("%q: %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "s", "1x", "1s1", "1s2m", "1d1d", "-1", "+1", "1.5h", "i", "infinitely", "4294967296", "99999999999999999999", "99999999999999999999d", "49711d"} {
		if got, err := netsh.ParseLifetime(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// What is written is what is read, and its parts are in range.
func TestLifetimeRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		want := time.Duration(r.Uint32()>>r.IntN(32)) * time.Second
		text := netsh.FormatLifetime(want)
		if got, err := netsh.ParseLifetime(text); err != nil || got != want && want != 4294967295*time.Second {
			t.Fatalf("%v is written %q, which is read as %v, %v", want, text, got, err)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 1500 * time.Millisecond: "1s", 6*24*time.Hour + 23*time.Hour + 57*time.Minute + 58*time.Second: "6d23h57m58s", netsh.Infinite: "infinite",
	} {
		if got := netsh.FormatLifetime(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

// slowDistance is distance by its definition.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	d := min(slowDistance(a[1:], b), slowDistance(a, b[1:])) + 1
	if a[0] == b[0] {
		d = min(d, slowDistance(a[1:], b[1:]))
	} else {
		d = min(d, slowDistance(a[1:], b[1:])+1)
	}
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		d = min(d, slowDistance(a[2:], b[2:])+1)
	}
	return d
}

func TestDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	text := func() string {
		b := make([]byte, r.IntN(7))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	for range 3000 {
		if a, b := text(), text(); netsh.Distance(a, b) != slowDistance(a, b) {
			t.Fatalf("%q, %q: %d, want %d", a, b, netsh.Distance(a, b), slowDistance(a, b))
		}
	}
}

// Every prefix of every word of every command means what it is the whole name of, or else the only thing
// that it abbreviates, or nothing.
func TestAbbreviations(t *testing.T) {
	tried := 0
	netsh.EachCommand(func(words, _ []string) {
		for k := range words {
			for n := 1; n <= len(words[k]); n++ {
				abbreviation := strings.ToUpper(words[k][:n])
				if got, want := netsh.Meaning(words[:k+1], abbreviation), meaning(netsh.Siblings(words[:k+1]), abbreviation); got != want {
					t.Errorf("%v: %q means %q, want %q", words[:k+1], abbreviation, got, want)
				}
				tried++
			}
		}
	})
	if tried < 200 {
		t.Errorf("only %d abbreviations", tried)
	}
}

// meaning looks at all names one by one.
func meaning(siblings [][]string, s string) string {
	means := map[string]bool{}
	for _, names := range siblings {
		for _, name := range names {
			if strings.EqualFold(name, s) {
				return names[0]
			}
			if strings.HasPrefix(name, strings.ToLower(s)) {
				means[names[0]] = true
			}
		}
	}
	for name := range means {
		if len(means) == 1 {
			return name
		}
	}
	return ""
}

// A step that fails takes back those before it, the last first, and says so if that fails too.
func TestChange(t *testing.T) {
	var did []string
	step := func(name string, err, undoErr error) [2]func() error {
		return [2]func() error{
			func() error { did = append(did, name); return err },
			func() error { did = append(did, "not "+name); return undoErr },
		}
	}
	bad, worse := errors.New("bad"), errors.New("worse")
	if err := netsh.Change(step("a", nil, nil), step("b", nil, nil)); err != nil || !slices.Equal(did, []string{"a", "b"}) {
		t.Error(err, did)
	}
	did = nil
	err := netsh.Change(step("a", nil, worse), step("b", nil, nil), step("c", bad, nil))
	if !errors.Is(err, bad) || !errors.Is(err, worse) || !slices.Equal(did, []string{"a", "b", "c", "not b", "not a"}) {
		t.Error(err, did)
	}
}

const commandsHead = `# Commands

What a Shell of package netsh understands. Every word may be abbreviated; what stands in brackets may be left out.
` + "`go test ./stack/netsh -run TestCommands -update`" + ` writes this file.

`

func TestCommands(t *testing.T) {
	want, err := os.ReadFile("COMMANDS.md")
	if err != nil && !*update {
		t.Fatal(err)
	}
	compare(t, "COMMANDS.md", commandsHead+netsh.Commands(), string(want))
}
