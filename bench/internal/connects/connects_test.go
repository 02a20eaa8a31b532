package connects

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
	"github.com/hextet/hextet/bench/internal/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every case is set up, checked, and connects.
func TestCases(t *testing.T) {
	for _, c := range Cases(false) {
		t.Run(c.Name, func(t *testing.T) {
			b, err := c.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 2, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			if err := b.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A source that should be quiet is noticed.
func TestCheckNotices(t *testing.T) {
	d := opened(t)
	d.may = pairs.IPv6(4).Near[1:2]
	if err := d.check(); err == nil || !strings.Contains(err.Error(), "speaks") {
		t.Errorf("got %v", err)
	}
}

// A connect that fails while it is timed is an error of the case.
func TestRunFails(t *testing.T) {
	d := opened(t)
	if err := d.pair.Close(); err != nil {
		t.Fatal(err)
	}
	d.run(2)
	if err := (&bench{Bench: suite.Bench{Contenders: []measure.Contender{d.contender("hextet")}}, dialers: []*dialer{d}}).err(); err == nil || !strings.HasPrefix(err.Error(), "hextet: ") {
		t.Errorf("got %v", err)
	}
}

func opened(t *testing.T) *dialer {
	t.Helper()
	p, err := hextet(t.Context(), pairs.IPv6(4))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return newDialer(t.Context(), p, pairs.IPv6(4))
}
