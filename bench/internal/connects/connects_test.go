package connects

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/pairs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every case is set up, checked, and connects.
func TestCases(t *testing.T) {
	for _, c := range Cases() {
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
	b := newBench()
	defer b.close()
	if err := b.add(t.Context(), "all speak", pairs.IPv6(4), hextet); err != nil {
		t.Fatal(err)
	}
	b.dialers[0].may = pairs.IPv6(4).Near[1:2]
	if err := b.check(); err == nil || !strings.Contains(err.Error(), "speaks") {
		t.Errorf("got %v", err)
	}
}

// A connect that fails while it is timed is an error of the case.
func TestRunFails(t *testing.T) {
	b := newBench()
	if err := b.add(t.Context(), "hextet", pairs.IPv6(1), hextet); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.dialers[0].run(2)
	if err := b.err(); err == nil || !strings.Contains(err.Error(), "hextet: ") {
		t.Errorf("got %v", err)
	}
}
