package stack_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hextet/hextet/stack"
)

// Without TCP a stack lives in a bubble: real time is fake there, and a day of it costs nothing.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		la, lb := ethernet()
		a, b := newStack(t, stack.Config{NoTCP: true}), newStack(t, stack.Config{NoTCP: true})
		i, err := a.Attach(stack.InterfaceConfig{Name: "eth0", Link: la, DAD: true})
		if err != nil {
			t.Fatal(err)
		}
		attach(t, b, "eth0", lb, plain("2001:db8::2/64"))
		start := time.Now()
		if err := i.AddAddress(stack.Address{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Valid: 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := i.WaitAssigned(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("duplicate address detection took %v, want RetransTimer, 1 s (RFC 4861 section 10)", took)
		}
		exchange(t, a, b, "2001:db8::2")
		for _, changed := a.Addresses(); len(i.Addresses()) == 2; _, changed = a.Addresses() {
			<-changed
		}
		if took := time.Since(start); took != 24*time.Hour {
			t.Errorf("the address was valid for %v, want a day", took)
		}
	})
}
