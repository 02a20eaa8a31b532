package lab_test

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack/lab"
)

// helped notes who is a helper of the test's.
type helped struct {
	*judged
	who map[string]bool
}

func (h helped) Helper() {
	pc, _, _, _ := runtime.Caller(1)
	name := runtime.FuncForPC(pc).Name()
	h.who[name[strings.LastIndex(name, ".")+1:]] = true
}

// What fails in a lab's method is logged with the line of the test that called it.
func TestMethodsAreHelpers(t *testing.T) {
	t.Setenv("LAB_TRACE", "never")
	t.Setenv("LAB_UPDATE", "")
	for name, fail := range map[string]func(*lab.Lab, *lab.Host){
		"RequireNone":   func(l *lab.Lab, a *lab.Host) { l.RequireNone(lab.Match("")) },
		"RequireSource": func(l *lab.Lab, a *lab.Host) { l.RequireSource(lab.Match(""), netip.IPv6Loopback()) },
		"RequireValidChecksums": func(l *lab.Lab, a *lab.Host) {
			forge(t, l, a)
			l.RequireValidChecksums()
		},
		"Segment": func(l *lab.Lab, a *lab.Host) { l.Segment(lab.SegmentConfig{MTU: 1}) },
		"Host":    func(l *lab.Lab, a *lab.Host) { l.Host(lab.HostConfig{Name: "a"}) },
		"Router":  func(l *lab.Lab, a *lab.Host) { l.Router(lab.RouterConfig{Name: "a"}) },
		"DNS":     func(l *lab.Lab, a *lab.Host) { l.DNS(lab.DNSConfig{Name: "a"}) },
		"Uplink":  func(l *lab.Lab, a *lab.Host) { l.Uplink(lab.UplinkConfig{}) },
		"Golden":  func(l *lab.Lab, a *lab.Host) { l.Golden("testdata/none") },
	} {
		who := make(map[string]bool)
		j := judge(t, func(tb lab.TB) {
			l := lab.New(helped{tb.(*judged), who})
			a, _ := two(l)
			l.Sleep(time.Second)
			clear(who)
			fail(l, a)
		})
		if !j.failed || !who[name] {
			t.Errorf("%s: failed %v, helpers %v", name, j.failed, who)
		}
	}
}
