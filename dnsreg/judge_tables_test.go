package dnsreg

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/srcselect"
)

// A narrowing is what a configuration does about the eligible addresses, and its slow twin: whether an address
// may be registered.
type narrowing struct {
	name   string
	change func(*Config)
	admits func(srcselect.Address) bool
}

func policy(p Policy) func(*Config) { return func(c *Config) { c.Policy = p } }

func inPrefix(a srcselect.Address, prefix string) bool {
	return netip.MustParsePrefix(prefix).Contains(a.Prefix.Addr())
}

var narrowings = []narrowing{
	{"all", policy(Policy{}), func(srcselect.Address) bool { return true }},
	{"IPv6", policy(Policy{NoIPv4: true}), func(a srcselect.Address) bool { return a.Prefix.Addr().Is6() }},
	{"IPv4", policy(Policy{NoIPv6: true}), func(a srcselect.Address) bool { return a.Prefix.Addr().Is4() }},
	{"interface 1", policy(Policy{Interfaces: []int{1}}), func(a srcselect.Address) bool { return a.Interface == 1 }},
	{"not interface 1", policy(Policy{NotInterfaces: []int{1}}), func(a srcselect.Address) bool { return a.Interface != 1 }},
	{"prefixes", policy(Policy{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.8/29"), netip.MustParsePrefix("2001:db8::/125")}}),
		func(a srcselect.Address) bool { return inPrefix(a, "192.0.2.8/29") || inPrefix(a, "2001:db8::/125") }},
	{"not prefixes", policy(Policy{NotPrefixes: []netip.Prefix{netip.MustParsePrefix("::ffff:192.0.2.8/125")}}),
		func(a srcselect.Address) bool { return !inPrefix(a, "192.0.2.8/29") }},
	{"no private, no home address", policy(Policy{NoPrivate: true, NoHomeAddress: true}), func(a srcselect.Address) bool { return !a.HomeAddress }},
	{"no care-of address", policy(Policy{NoCareOf: true}), func(a srcselect.Address) bool { return !a.CareOf || a.HomeAddress }},
	{"filter", policy(Policy{Filter: func(a srcselect.Address) bool { return a.Prefix.Addr().AsSlice()[3]%2 == 0 }}),
		func(a srcselect.Address) bool { return a.Prefix.Addr().AsSlice()[3]%2 == 0 }},
	{"one of each family at most", func(c *Config) { c.MaxAddresses = 1 }, func(srcselect.Address) bool { return true }},
}

// allowed lists what may be at the server, by the slow twins of Eligible and of the narrowing.
func allowed(table []srcselect.Address, admits func(srcselect.Address) bool) map[netip.Addr]bool {
	may := make(map[netip.Addr]bool)
	for _, a := range table {
		if speakable(a) && admits(a) {
			may[a.Prefix.Addr()] = true
		}
	}
	for _, a := range table {
		if a.SkipAsSource { // on one interface is on all
			delete(may, a.Prefix.Addr())
		}
	}
	return may
}

// limited is what a pass is to leave at the server: all that is allowed or, where that is more addresses of a
// family than most, what of it was there before.
func limited(may map[netip.Addr]bool, before []netip.Addr, most int) (want []netip.Addr, over bool) {
	count := map[bool]int{}
	for addr := range may {
		count[addr.Is4()]++
		over = over || count[addr.Is4()] > most
	}
	for _, addr := range sortedAddrs(may) {
		if count[addr.Is4()] <= most || slices.Contains(before, addr) {
			want = append(want, addr)
		}
	}
	return want, over
}

// added returns the addresses that an update message adds a record for, be it A, AAAA or PTR; the zero Addr
// for a record of another kind.
func addressesAdded(raw []byte) (addrs []netip.Addr) {
	var m dns.Msg
	if m.Unpack(raw) != nil {
		return []netip.Addr{{}}
	}
	for _, rr := range m.Ns {
		if rr.Header().Class != dns.ClassINET {
			continue
		}
		addr := addressOf(rr)
		if rr.Header().Rrtype == dns.TypePTR {
			addr = addressBehind(rr.Header().Name)
		}
		addrs = append(addrs, addr)
	}
	return addrs
}

// behind is the inverse of reverseName for the addresses of randomTable.
var behind = func() map[string]netip.Addr {
	all := make(map[string]netip.Addr)
	for n := range 256 {
		for _, addr := range []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: byte(n)})} {
			all[reverseName(addr)] = addr
		}
	}
	return all
}()

func addressBehind(name string) netip.Addr { return behind[dns.CanonicalName(name)] }

// judgeTables feeds registrars, one after the other, with random tables. No message may add what the table of
// that moment does not allow, and after each pass the server has exactly what it allows, forward and reverse.
func judgeTables(t *testing.T, seed uint64, tables int) {
	rng := rand.New(rand.NewPCG(975808, seed))
	w := newWorld(t)
	var may map[netip.Addr]bool // under w.mu, as the hook is
	w.misbehave(func(q dnsregtest.Request) dnsregtest.Fault {
		w.updates, w.queries = nil, nil // there will be many
		if q.Update {
			for _, addr := range addressesAdded(q.Raw) {
				if !may[addr] {
					t.Errorf("a message to %s adds %v", q.Name, addr)
				}
			}
		}
		return dnsregtest.Fault{}
	})
	var r *Registrar
	var narrow narrowing
	var off [3]bool // by interface
	changes := 0
	for i := range tables {
		if r == nil || rng.IntN(200) == 0 { // another process, perhaps configured otherwise, inherits the zones
			narrow, off = narrowings[rng.IntN(len(narrowings))], [3]bool{}
			r = w.registrar(narrow.change, func(c *Config) {
				c.Adopt = func(netip.Addr) bool { return true }
				c.Clock = patientClock{}
			})
		}
		if rng.IntN(20) == 0 {
			n := 1 + rng.IntN(2)
			off[n] = !off[n]
			r.SetInterface(n, !off[n])
		}
		table := randomTable(rng)
		for i := range table {
			table[i].HomeAddress, table[i].CareOf = rng.IntN(6) == 0, rng.IntN(6) == 0
		}
		before := w.registered().forward
		w.mu.Lock()
		may = allowed(table, func(a srcselect.Address) bool { return narrow.admits(a) && !off[a.Interface] })
		w.mu.Unlock()
		w.table.Set(table...)
		want, over := limited(may, before, r.cfg.MaxAddresses)
		if !slices.Equal(want, before) {
			changes++
		}
		err := r.Sync(t.Context())
		if _, ok := errors.AsType[*LimitError](err); ok != over || err != nil && !over {
			t.Fatalf("table %d of seed %d: %v", i, seed, err)
		}
		if got := w.registered(); !slices.Equal(got.forward, want) || !slices.Equal(got.reverse, want) || t.Failed() {
			t.Fatalf("table %d of seed %d, %s, interfaces off %v: the server has %v and PTR records of %v, want %v; table %v",
				i, seed, narrow.name, off, got.forward, got.reverse, want, table)
		}
	}
	if s := w.server.Stats(); changes < tables/5 || s.Changed < changes {
		t.Errorf("%d changes, %+v", changes, s)
	}
}

// patientClock tells the host's time and lets no time be up: on a busy machine nothing is sent twice.
type patientClock struct{}

func (patientClock) Now() time.Time { return time.Now() }
func (patientClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

// registered is what the server has of the host, sorted.
type registered struct{ forward, reverse []netip.Addr }

func (w *world) registered() (got registered) {
	for _, r := range w.server.Records(hostName) {
		got.forward = append(got.forward, netip.MustParseAddr(r.Data))
	}
	for _, z := range reverseZones {
		for _, r := range w.server.Zone(z) {
			if r.Type == "PTR" {
				got.reverse = append(got.reverse, addressBehind(r.Name))
			}
		}
	}
	slices.SortFunc(got.forward, netip.Addr.Compare)
	slices.SortFunc(got.reverse, netip.Addr.Compare)
	return got
}

func sortedAddrs(set map[netip.Addr]bool) (addrs []netip.Addr) {
	for addr := range set {
		addrs = append(addrs, addr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// Nothing ineligible is ever at the server, whatever addresses and flags a host has, and however they change.
func TestJudgeNothingIneligible(t *testing.T) {
	tables := Size(100_000, 20_000, 2_000)
	const lives = 4
	for seed := range uint64(lives) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			judgeTables(t, seed, tables/lives)
		})
	}
}
