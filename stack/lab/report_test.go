package lab_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/capture"
	"github.com/hextet/hextet/stack/lab"
)

// A test that fails leaves both files, and its log names them.
func TestReportOfFailure(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LAB_TRACE_DIR", dir)
	for _, c := range []struct {
		env  string
		fail bool
		want bool
	}{{"", true, true}, {"", false, false}, {"always", false, true}, {"never", true, false}} {
		t.Setenv("LAB_TRACE", c.env)
		j := judge(t, func(tb lab.TB) {
			l := lab.New(tb)
			a, _ := two(l)
			askAt(t, a, "[2001:db8::2]:9")
			l.Sleep(time.Second)
			if c.fail {
				tb.Errorf("wrong")
			}
		})
		m := regexp.MustCompile(`are in (.*\.pcapng), and to be looked at in (.*\.html)`).FindStringSubmatch(j.text())
		if (m != nil) != c.want {
			t.Errorf("LAB_TRACE=%s, failed %v: %s", c.env, c.fail, j.text())
		}
		if m == nil {
			continue
		}
		for _, name := range m[1:] {
			if info, err := os.Stat(name); err != nil || info.Size() == 0 || !strings.HasPrefix(name, dir) {
				t.Errorf("%s: %v", name, err)
			}
		}
		page, err := os.ReadFile(m[2])
		// The hosts are closed by now, but not forgotten.
		if err != nil || !bytes.Contains(page, []byte(`"prefix":"2001:db8::1/64"`)) || !bytes.Contains(page, []byte(fmt.Sprintf(`"failed":%v`, c.fail))) {
			t.Errorf("%.3000s, %v", page, err)
		}
	}
	// One is not written over the other.
	if made, _ := filepath.Glob(filepath.Join(dir, "TestReportOfFailure*")); len(made) != 2 {
		t.Error(made)
	}
}

// artifacts is a test with a directory of its own.
type artifacts struct {
	*judged
	dir string
}

func (a artifacts) ArtifactDir() string { return a.dir }

func TestReportDirectories(t *testing.T) {
	t.Setenv("LAB_TRACE", "always")
	t.Setenv("LAB_TRACE_DIR", "")
	temp := t.TempDir()
	if runtime.GOOS != "windows" {
		t.Setenv("TMPDIR", temp)
	} else {
		t.Setenv("TMP", temp)
	}
	// Without -artifacts what is in ArtifactDir does not stay.
	j := judge(t, func(tb lab.TB) { lab.New(artifacts{tb.(*judged), "/nowhere"}) })
	made, _ := filepath.Glob(filepath.Join(temp, "lab-TestReportDirectories-*", "trace.html"))
	if len(made) != 1 || !strings.Contains(j.text(), made[0]) {
		t.Error(made, j.text())
	}
	// Where nothing can be written the test is told, and goes on.
	file := filepath.Join(temp, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAB_TRACE_DIR", file)
	if j := judge(t, func(tb lab.TB) { lab.New(tb) }); j.failed || !strings.Contains(j.text(), "lab: report: ") {
		t.Error(j.text())
	}
}

func TestPcapng(t *testing.T) {
	l := reportSample(t, 3000)
	var file bytes.Buffer
	if err := l.WritePcapng(&file); err != nil {
		t.Fatal(err)
	}
	got, err := capture.ReadAll(&file)
	pkts := l.Packets()
	if err != nil || len(got) != len(pkts) {
		t.Fatalf("%d packets of %d, %v", len(got), len(pkts), err)
	}
	rules, losses := 0, 0
	for i, p := range got {
		q := pkts[i]
		if !p.Time.Equal(q.Time) || p.Interface != q.Segment || !bytes.Equal(p.Data, q.Data) || p.Direction != capture.Outbound || !strings.HasPrefix(p.Comment, "from "+q.From) {
			t.Fatalf("%v is not %v", p, q)
		}
		if q.Choice != nil && strings.Contains(p.Comment, "\n"+q.Choice.Why) && strings.Contains(p.Comment, "by rule 3 (avoid deprecated)") {
			rules++
		}
		if lab.Match("lost")(q) && strings.Contains(p.Comment, ": lost") {
			losses++
		}
	}
	if rules < 3 || losses == 0 {
		t.Errorf("%d packets with the rule, %d with a loss", rules, losses)
	}
}

func TestTsharkReadsComments(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("SKIP(tshark):", err)
	}
	l := reportSample(t, 3000)
	dir := t.TempDir()
	if err := l.Report(dir); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-r", filepath.Join(dir, "trace.pcapng"), "-Y", `frame.comment contains "rule 3"`, "-T", "fields", "-e", "frame.interface_name").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "office\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEmptyPage(t *testing.T) {
	l := lab.New(t)
	var page bytes.Buffer
	if err := l.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	if s := page.String(); strings.Contains(s, "{{") || !strings.Contains(s, "<title>TestEmptyPage</title>") || strings.Contains(s, ":null") {
		t.Errorf("%.3000s", s)
	}
	if strings.Contains(page.String(), "http://") && strings.Count(page.String(), "http://") != strings.Count(page.String(), "http://www.w3.org/2000/svg") {
		t.Error("the page knows another address")
	}
}

// A lab that gave up has closed its hosts itself, and is shown as it was before.
func TestReportOfLabThatGaveUp(t *testing.T) {
	t.Setenv("LAB_TRACE_DIR", t.TempDir())
	j := judge(t, func(tb lab.TB) {
		l := lab.New(tb)
		_, b := two(l)
		ln, err := b.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Error(err)
			return
		}
		ln.Accept()
	})
	m := regexp.MustCompile(`looked at in (.*\.html)`).FindStringSubmatch(j.text())
	if !j.failed || m == nil {
		t.Fatal(j.text())
	}
	if page, err := os.ReadFile(m[1]); err != nil || !bytes.Contains(page, []byte(`"prefix":"2001:db8::2/64"`)) ||
		!bytes.Contains(page, []byte(`"failures":["lab: everybody waits and nothing is to come`)) {
		t.Errorf("%.3000s, %v", page, err)
	}
}
