package stack

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/hextet/hextet/srcselect"
)

// noteBook returns the book of a host with one interface that has n addresses.
func noteBook(t *testing.T, n int) (*addressBook, *Interface, []*addressEntry) {
	t.Helper()
	s, err := New(Config{NoTCP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l, far := Pipe(1500)
	t.Cleanup(func() { far.Close() })
	i, err := s.Attach(InterfaceConfig{Link: l})
	if err != nil {
		t.Fatal(err)
	}
	as := make([]Address, n)
	es := make([]*addressEntry, n)
	addr := netip.MustParseAddr("2001:db8::")
	for k := range as {
		addr = addr.Next()
		as[k] = Address{Prefix: netip.PrefixFrom(addr, 64)}
	}
	if err := i.AddAddresses(as); err != nil {
		t.Fatal(err)
	}
	for k, a := range as {
		es[k] = s.book.lookup(i.index, a.Prefix.Addr())
	}
	return &s.book, i, es
}

func skip(e *addressEntry) { e.SkipAsSource = !e.SkipAsSource }

// Entries that changed are one change to the selector, which whoever asks for it finds made.
func TestSelectorCatchesUp(t *testing.T) {
	b, i, es := noteBook(t, 5)
	for range 2 {
		for _, e := range es[:4] {
			b.update(e, skip)
		}
	}
	b.update(es[0], skip)
	b.update(es[1], func(e *addressEntry) { e.State = Duplicate })
	b.update(es[2], skip)
	i.removeEntries(es[3])
	if got := b.sel.Addresses(); len(got) != 3 { // what goes goes at once, and the others with it
		t.Errorf("the selector has %v", got)
	}
	b.update(es[4], skip)
	if b.sel.Addresses()[2].SkipAsSource || !b.lagging.Load() {
		t.Error("the selector has a change already that nobody asked for")
	}
	var want []srcselect.Address
	for _, e := range []*addressEntry{es[0], es[2], es[4]} {
		want = append(want, e.candidate())
	}
	got := b.selector().Addresses()
	if len(got) != len(want) || b.lagging.Load() {
		t.Fatalf("the selector has %v, want %v", got, want)
	}
	for n := range got {
		if got[n].Prefix != want[n].Prefix || !got[n].SkipAsSource || !want[n].SkipAsSource {
			t.Errorf("the selector has %v, want %v", got[n], want[n])
		}
	}
	if err := i.AddAddress(Address{Prefix: es[3].Prefix}); err != nil || len(b.selector().Addresses()) != 4 {
		t.Error(err, "an address that went and came back is not there once:", b.selector().Addresses())
	}
}

// What is noted is bounded, with nobody who asks.
func TestStaleEntriesAreBounded(t *testing.T) {
	b, _, es := noteBook(t, maxStale+10)
	for _, e := range es {
		b.update(e, skip)
	}
	if n := len(b.stale); n != 10 {
		t.Errorf("%d entries are noted, want 10", n)
	}
	for _, e := range es[:10] {
		b.update(e, skip)
		b.remove(e)
	}
	if n := len(b.stale); n != 0 {
		t.Errorf("%d entries are noted, which are gone", n)
	}
}

// A change that has returned is in the next choice, whoever makes either.
func TestNoChoiceIsStale(t *testing.T) {
	b, i, es := noteBook(t, 2)
	var wg sync.WaitGroup
	for _, e := range es {
		wg.Go(func() {
			q := srcselect.Query{Destination: netip.MustParseAddr("2001:db8::99"), Interface: i.index, Source: e.Prefix.Addr()}
			for range 500 {
				b.update(e, skip)
				if r, err := b.selector().Select(q); err != nil || r.Address.SkipAsSource != b.info(e).SkipAsSource {
					t.Errorf("%v, %v: the choice does not know what became of %v", r, err, e.Prefix)
					return
				}
			}
		})
	}
	wg.Wait()
}
