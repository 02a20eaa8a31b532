package registrations

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every case that this machine allows is set up, checked and run.
func TestCases(t *testing.T) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if os.Getenv("DNS_TESTS") == "off" {
				t.Skip("SKIP(dns): DNS_TESTS=off")
			}
			b, err := c.Open(t.Context())
			if unavailable, ok := errors.AsType[*suite.UnavailableError](err); ok && os.Getenv("DNS_TESTS") != "require" {
				t.Skipf("SKIP(dns): %v", unavailable)
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Close != nil {
				defer b.Close()
			}
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 2, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			if b.Err != nil {
				if err := b.Err(); err != nil {
					t.Error(err)
				}
			}
			for _, count := range b.Counts {
				if v, err := count.Get(); err != nil || v <= 0 {
					t.Errorf("%s: %v, %v", count.Name, v, err)
				}
			}
		})
	}
}

// A liar says that it has written.
type liar struct{ *ours }

func (l liar) write(n int) error {
	for _, h := range l.hosts {
		h.n += n
	}
	return nil
}

// What is missing at the server in the end is an error of the case.
func TestCheckNotices(t *testing.T) {
	s, _, err := newOwn()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	r := &race{server: s}
	o, err := newOurs(t.Context(), s.address, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.add("hextet", o, 1, 0)
	if err := r.check(); err != nil {
		t.Fatal(err)
	}
	r.add("liar", liar{o}, 1, 0)
	if err := r.check(); err == nil || !strings.HasPrefix(err.Error(), "hextet: registrations: the server has") {
		t.Errorf("got %v", err)
	}
}
