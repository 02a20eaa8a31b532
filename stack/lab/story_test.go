package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack/lab"
	"go.uber.org/goleak"
)

// TestStories tells what is in testdata/stories: the two articles, README's program, RFC 6724 section 10, and
// what else hosts and routers live through.
func TestStories(t *testing.T) { lab.RunStories(t, "testdata/stories") }

// Each story is told the same way twice, outside of a test, and is what its file says.
func TestStoriesAgain(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) < 13 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(string(text), "\r\n", "\n")
		for range 2 {
			told, err := lab.TellStory(t.Context(), file, string(text))
			if err != nil || told != want {
				t.Errorf("%s is told otherwise: %v", file, err)
			}
		}
	}
}

// What a story refuses, and where.
func TestStoryErrors(t *testing.T) {
	const begin = "segment lan\nhost web\naddress web 2001:db8::1/64\n"
	for _, c := range []struct{ text, want string }{
		{"segmnt lan", `x.txt:1:1: "segmnt": a step is expected: address, addresses, advance,`},
		{"expect web", `x.txt:1:1: "expect": a step is expected:`},
		{"segment lan loss=2", `x.txt:1:13: "loss=2": a share from 0 to 1 is expected`},
		{"segment lan latency=1", `x.txt:1:13: "latency=1": a duration, such as 10ms, 1h or 30d is expected`},
		{"segment lan mtu=", `x.txt:1:13: "mtu=": N is expected, not nothing`},
		{"segment lan mtu=10", `x.txt:1: segment "lan": the MTU 10 is not between 1280`},
		{"segment lan mtu=1500 mtu=1500", `x.txt:1:22: "mtu=1500": mtu= is there twice`},
		{"segment lan wide", `x.txt:1:13: "wide": bandwidth=N, corrupt=SHARE, down, duplicate=SHARE, jitter=TIME, latency=TIME, loss=SHARE, mtu=N, queue=N, reorder=SHARE, tunnel=N or the end of the line is expected`},
		{"segment", `x.txt:1: NAME is missing: segment NAME [mtu=N]`},
		{"segment lan\nsegment lan", `x.txt:2: segment "lan": the name "lan" is taken`},
		{"segment lan\nlab seed=1", `x.txt:2: the lab is there already`},
		{"host web on=lan", `x.txt:1:13: "lan": a segment is expected: lan1`},
		{`host web on="my lan"`, `x.txt:1:13: "my lan": a segment is expected: lan1`},
		{"segment lan\nrouter \"r 1\" on=\"lan\",\"my lan\"", `x.txt:2:23: "my lan": a segment is expected: lan`},
		{"segment lan\nrouter r on=l\"a\"n,\"l\"n", `x.txt:2:19: "ln": a segment is expected: lan`},
		{"segment lan\nrouter r on=lan,an", `x.txt:2:17: "an": a segment is expected: lan`},
		{"segment ban\nrouter r on=an,ban", `x.txt:2:13: "an": a segment is expected: ban`},
		{"host web interface=a,b", `x.txt:1: interface= names 2 interfaces, and there are 1`},
		{"host \"web", `x.txt:1:6: "\"web": the quote is not closed`},
		{"  output", `x.txt:1: output is expected beneath a step`},
		{"# comment\n  output", `x.txt:2: output is expected beneath a step`},
		{"web> ipconfig", `x.txt:1:1: "web": a host is expected: there is none so far`},
		{begin + "wob> ipconfig", `x.txt:4:1: "wob": a host is expected: web`},
		{begin + "ping web/eth1 2001:db8::2", `x.txt:4:6: "web/eth1": an interface is expected: web/eth0`},
		{begin + "ping web 2001:db8::x", `x.txt:4:10: "2001:db8::x": an IP address is expected`},
		{begin + "ping web 2001:db8::2 count=5000", `x.txt:4: at most 65000 bytes and 1000 requests are expected`},
		{begin + "address web 2001:db8::1", `x.txt:4:13: "2001:db8::1": an address and the length of its prefix`},
		{begin + "address web 2001:db8::1/64", `x.txt:4: stack: `},
		{begin + "connect web 2001:db8::2:80", `x.txt:4:13: "2001:db8::2:80": an address or a name, a colon and a port`},
		{begin + "connect web [2001:db8::2]:0", `x.txt:4:13: "[2001:db8::2]:0": an address or a name, a colon and a port`},
		{begin + "connect web [2001:db8::2]:80 send=9999999", `x.txt:4: send= is expected to be at most 1048576`},
		{begin + "say hello", `x.txt:4: TEXT is missing: say CONNECTION TEXT...`},
		{begin + "say c hello", `x.txt:4:5: "c": a connection is expected that was opened with as=`},
		{begin + "send raw web 10.0.0.1", `x.txt:4:14: "10.0.0.1": an IPv6 address is expected`},
		{begin + "send raw web 2001:db8::2 checksum=xyz", `x.txt:4:26: "checksum=xyz": 16 bits in hexadecimal`},
		{begin + "send raw web 2001:db8::2 size=7", `x.txt:4: size= is expected between 8 and 65000`},
		{begin + "packets tpc", `x.txt:4: filter "tpc": at 1, "tpc"`},
		{begin + "drop web tpc", `x.txt:4: filter "tpc": at 1, "tpc"`},
		{begin + "expect packet tcp", `x.txt:4: there is no such packet, among`},
		{begin + "send raw web ff02::1\nexpect no packet icmp6", `x.txt:5: there are`},
		{begin + "advertise web 2001:db8:1::/64", `x.txt:4:11: "web": a router is expected, this is a host`},
		{begin + "registered web example.test", `x.txt:4:12: "web": a DNS host is expected`},
		{begin + "web> show {1..9999}", `x.txt:4:11: "{1..9999}": a range is expected that goes up, by less than 1000`},
		{begin + "web> show {1..2} {1..2}", `x.txt:4:11: "{1..2}": a line has one range, this has more`},
		{begin + "advance {1..2}", `x.txt:4:9: "1": a duration`},
		{begin + "ping web 2001:db8::{{1..2}..3}", `x.txt:4:21: "{1..2}": a line has one range, this has more`},
		{begin + "advance {{1..2}..3}s", `x.txt:4:10: "{1..2}": a line has one range, this has more`},
		{begin + "answer web tcp", `x.txt:4: one of too-big=, unreachable=, time-exceeded= and redirect= is expected`},
		{begin + "answer web tcp unreachable=300", `x.txt:4:16: "unreachable=300": a number up to 255`},
		{begin + "answer web tpc unreachable=1", `x.txt:4: filter "tpc"`},
		{"dns ns", `x.txt:1: address= and zone= are expected`},
		// The whole story is read before anything happens.
		{"segment lan mtu=10\nsegmnt lan", `x.txt:2:1: "segmnt"`},
		{"stop\nsegmnt lan", `x.txt:2:1: "segmnt"`},
		{"segment lan mtu=10\nping web 10.0.0.{250..256}", `x.txt:2:10: "10.0.0.256": an IP address`},
		{"segment lan mtu=10\nlisten web {0..5}", `x.txt:2:12: "0": a port`},
	} {
		err := lab.RunStory(t.Context(), "x.txt", c.text)
		var e *lab.StoryError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v\n\tis not %s", c.text, err, c.want)
		}
	}
}

// A story whose output is another one says where, and goes on.
func TestStoryDiffers(t *testing.T) {
	const text = `segment lan latency=1ms
host web
host peer
address web 2001:db8::1/64
address peer 2001:db8::2/64

ping web 2001:db8::2
  2001:db8::1 > 2001:db8::2: reply from 2001:db8::2 in 3ms
# Blank lines and the depth of output do not matter.
addresses web

	fe80::ff:fe00:1/64 assigned

	2001:db8::1/64 assigned
web> bogus
time
  5ms
stop
time
  1s
`
	told, err := lab.TellStory(t.Context(), "x.txt", text)
	if err != nil {
		t.Error(err)
	}
	err = lab.RunStory(t.Context(), "x.txt", text)
	for _, want := range []string{"x.txt:7: ping web", "- 2001:db8::1 > 2001:db8::2: reply from 2001:db8::2 in 3ms", "+ 2001:db8::1 > 2001:db8::2: reply from 2001:db8::2 in 4ms", `x.txt:15: web> bogus`, "+ error: netsh:", "x.txt:16: time"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\n\tdoes not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "x.txt:10") {
		t.Error(err)
	}
	if err := lab.RunStory(t.Context(), "x.txt", told); err != nil {
		t.Errorf("what was told is not true: %v\n%s", err, told)
	}
	if !strings.HasSuffix(told, "stop\ntime\n  1s\n") {
		t.Errorf("what comes after stop is changed:\n%s", told)
	}
}

// A range stands for its numbers wherever it is, in filters too.
func TestStoryRange(t *testing.T) {
	if err := lab.RunStory(t.Context(), "x.txt", "segment lan\nhost web\ncount tcp port {80..82}\n  0\n  0\n  0\n"); err != nil {
		t.Error(err)
	}
}

// Who asks for no address in particular has not asked for the one that is chosen.
func TestStoryFromAny(t *testing.T) {
	const text = "segment lan\nhost web\nhost peer\naddress web 10.0.0.1/24\naddress peer 10.0.0.2/24\nlisten peer 80\n" +
		"connect web 10.0.0.2:80 from=0.0.0.0\n  10.0.0.1 > 10.0.0.2: only candidate\nconnect web 10.0.0.2:80 from=10.0.0.1\n  10.0.0.1 > 10.0.0.2: asked for\n"
	if err := lab.RunStory(t.Context(), "x.txt", text); err != nil {
		t.Error(err)
	}
}

// A context that is done ends a story.
func TestStoryContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := lab.RunStory(ctx, "x.txt", "segment lan"); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Error(err)
	}
}

// teller is a test that only remembers what it was told.
type teller struct {
	lab.TB
	dir      string
	failures *[]string
	cleanups *[]func()
}

func (f teller) Run(name string, g func(teller)) bool {
	g(f)
	for _, c := range *f.cleanups {
		c()
	}
	*f.cleanups = nil
	return len(*f.failures) == 0
}
func (f teller) Helper()                         {}
func (f teller) Name() string                    { return "told" }
func (f teller) Failed() bool                    { return false }
func (f teller) Logf(format string, args ...any) {}
func (f teller) Errorf(format string, args ...any) {
	*f.failures = append(*f.failures, fmt.Sprintf(format, args...))
}
func (f teller) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (f teller) Cleanup(c func())                  { *f.cleanups = append(*f.cleanups, c) }

// LAB_UPDATE=1 writes the files anew, and only what is output of them.
func TestRunStoriesUpdates(t *testing.T) {
	t.Setenv("LAB_UPDATE", "") // whatever it is for this run
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		t.Skip("SKIP(update): this test is about what -update does")
	}
	f := teller{dir: t.TempDir(), failures: new([]string), cleanups: new([]func())}
	file := filepath.Join(f.dir, "one.txt")
	const before, after = "# A host.\nsegment lan\nhost web\n\naddresses web\n  nothing\ntime\n", "# A host.\nsegment lan\nhost web\n\naddresses web\n  fe80::ff:fe00:1/64 assigned\ntime\n  0s\n"
	if err := os.WriteFile(file, []byte(before), 0o666); err != nil {
		t.Fatal(err)
	}
	lab.RunStories(f, f.dir)
	if len(*f.failures) != 1 || !strings.Contains((*f.failures)[0], "one.txt:5: addresses web") {
		t.Errorf("%q", *f.failures)
	}
	*f.failures = nil
	t.Setenv("LAB_UPDATE", "1")
	lab.RunStories(f, f.dir)
	if got, err := os.ReadFile(file); err != nil || string(got) != after || len(*f.failures) > 0 {
		t.Errorf("%q, %v, %q", got, err, *f.failures)
	}
	t.Setenv("LAB_UPDATE", "")
	lab.RunStories(f, f.dir)
	if len(*f.failures) > 0 {
		t.Errorf("%q", *f.failures)
	}
	t.Setenv("LAB_UPDATE", "1")
	// What can't be told is an error under update too.
	if err := os.WriteFile(file, []byte("segment lan\nexpect packet tcp\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	lab.RunStories(f, f.dir)
	if len(*f.failures) != 1 || !strings.Contains((*f.failures)[0], "one.txt:2: there is no such packet") {
		t.Errorf("%q", *f.failures)
	}
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "no file") {
			t.Errorf("an empty directory: %v", r)
		}
	}()
	lab.RunStories(f, t.TempDir())
}

// STORIES.md lists the steps that there are.
func TestStorySteps(t *testing.T) {
	const file = "STORIES.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)(<!-- steps -->\n).*(<!-- end -->\n)`)
	want := table.ReplaceAllLiteralString(string(text), "<!-- steps -->\n"+lab.StoryTable()+"<!-- end -->\n")
	if want == string(text) {
		return
	}
	if os.Getenv("LAB_UPDATE") != "1" {
		t.Fatalf("%s is not up to date: LAB_UPDATE=1 writes it", file)
	}
	if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
		t.Fatal(err)
	}
}

func FuzzStory(f *testing.F) {
	files, _ := filepath.Glob("testdata/stories/*.txt")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(string(text))
		}
	}
	for _, s := range []string{"", "\n \n", "a> b\n  c\n\n  d\n\n", "host \"a b\" on=\"c d\"\r\n", "web> {1..3}", "lab seed=1\n# x\n\n\ntime\n\t1s\n", "\"\"", "segment \"\" mtu=\"1 5\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown, err := lab.FormatStory("x.txt", text)
		if err != nil {
			var e *lab.StoryError
			if !errors.As(err, &e) || e.Line < 1 || e.Line > 1+strings.Count(text, "\n") {
				t.Fatalf("%q: %v", text, err)
			}
			if lines := strings.Split(text, "\n"); e.Column > 0 && e.Column > len(lines[e.Line-1]) {
				t.Fatalf("%q: column %d of %q", text, e.Column, lines[e.Line-1])
			}
			return
		}
		again, err := lab.FormatStory("x.txt", shown)
		if err != nil || again != shown {
			t.Fatalf("%q is shown as %q, which is %q, %v", text, shown, again, err)
		}
	})
}
