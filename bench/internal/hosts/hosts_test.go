package hosts

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every case is set up, and runs with few addresses; those of the whole crowd, too.
func TestCases(t *testing.T) {
	cases := slices.Concat(idleCases(), addressCases(50), curveCases([]int{1, 50}))
	for _, o := range []order{up, down} {
		s := scenario{name: "ipv6-" + o.name, network: "2001:db8::/64", order: o, size: 50}
		cases = append(cases, suite.Case{Name: s.name, Open: s.open})
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel() // one waits for duplicate address detection
			b, err := c.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if b.Close != nil {
				defer b.Close()
			}
			if _, err := measure.Run(t.Context(), measure.Config{Rounds: 3, Round: time.Microsecond}, b.Contenders...); err != nil {
				t.Fatal(err)
			}
			for _, count := range b.Counts {
				if _, err := count.Get(); err != nil {
					t.Errorf("%s: %v", count.Name, err)
				}
			}
			if err := b.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	bytes, err := weigh(t.Context(), newCrowd(netip.MustParsePrefix("10.0.0.0/8"), 2000, shuffled))
	if err != nil || bytes < 100 || bytes > 5000 {
		t.Errorf("%v bytes for an address, %v", bytes, err)
	}
	bare, with := idler{}, idler{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}}
	b, err := bare.bytes()
	if err != nil {
		t.Fatal(err)
	}
	w, err := with.bytes()
	if err != nil || b < 10_000 || w < b || w > 1_000_000 {
		t.Errorf("%v bytes for a stack, %v with an interface, %v", b, w, err)
	}
}

// The goals of fewer addresses are a share of those of all, but for the wait.
func TestGoals(t *testing.T) {
	for _, tt := range []struct {
		size        int
		dad         bool
		add, remove time.Duration
	}{
		{whole, false, time.Second, time.Second},
		{whole, true, 3 * time.Second, 3 * time.Second},
		{whole / 8, false, 125 * time.Millisecond, 125 * time.Millisecond},
		{whole / 8, true, 1250 * time.Millisecond, 375 * time.Millisecond},
	} {
		add, remove := (&scenario{size: tt.size, dad: tt.dad}).goals()
		if add.Value != float64(tt.add) || remove.Value != float64(tt.remove) {
			t.Errorf("%+v: %v, %v", tt, time.Duration(add.Value), time.Duration(remove.Value))
		}
	}
}

// The same addresses in each order.
func TestOrders(t *testing.T) {
	network := netip.MustParsePrefix("2001:db8::/64")
	ascending := newCrowd(network, 1000, up)
	descending := slices.Clone(newCrowd(network, 1000, down))
	random := newCrowd(network, 1000, shuffled)
	if slices.Equal(random, ascending) || slices.Equal(random, descending) {
		t.Error("not shuffled")
	}
	slices.Reverse(descending)
	slices.SortFunc(random, netip.Prefix.Compare)
	if !slices.Equal(ascending, descending) || !slices.Equal(ascending, random) {
		t.Error("the orders are of different addresses")
	}
	if !network.Contains(ascending[999].Addr()) || ascending[999].Bits() != 64 || !slices.IsSortedFunc(ascending, netip.Prefix.Compare) {
		t.Errorf("%v", ascending[999])
	}
}

// A forgetful host assigns one address less, or keeps one.
type forgetful struct {
	host
	missing int
}

func (f *forgetful) count() int { return f.host.count() + f.missing }

func TestMoverNotices(t *testing.T) {
	c := newCrowd(netip.MustParsePrefix("2001:db8::/64"), 10, up)
	for missing, want := range map[int]string{-1: "9 addresses assigned, not 10", 1: "11 addresses assigned, not 10", 0: ""} {
		m := &mover{size: len(c), make: func() (host, error) {
			h, err := newOurs(t.Context(), c, false)
			return &forgetful{h, missing}, err
		}}
		for _, contender := range m.contenders("hextet") {
			contender.Before(1)
			contender.Run(1)
			contender.After(1)
		}
		if err := failure([]*mover{m}); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("missing %d: %v", missing, err)
		}
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAdderNotices(t *testing.T) {
	c := newCrowd(netip.MustParsePrefix("2001:db8::/64"), 10, up)
	broken := errors.New("broken")
	for want, made := range map[string]func(host, error) (host, error){
		"9 addresses assigned, not 10": func(h host, err error) (host, error) { return &forgetful{h, -1}, err },
		"broken":                       func(h host, _ error) (host, error) { h.close(); return nil, broken },
	} {
		a := &adder{size: len(c), make: func() (host, error) { return made(newOurs(t.Context(), c, false)) }}
		contender := a.contender("hextet")
		contender.Before(2)
		contender.Run(2)
		contender.After(2)
		if a.err == nil || !strings.Contains(a.err.Error(), want) || len(a.hosts) != 0 {
			t.Errorf("%s: got %v, %d hosts left", want, a.err, len(a.hosts))
		}
	}
}

// A host that can't be made is an error of the case.
func TestMoverFails(t *testing.T) {
	broken := errors.New("broken")
	m := &mover{make: func() (host, error) { return nil, broken }}
	m.fill(1)
	m.remove(1)
	m.verify(1)
	if !errors.Is(m.err, broken) {
		t.Errorf("got %v", m.err)
	}
}
