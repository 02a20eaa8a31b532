package stack_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
)

func TestEthernetResolvesNeighbours(t *testing.T) {
	la, lb := ethernet()
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	attach(t, a, "eth0", la, plain("2001:db8::1/64"), plain("192.0.2.1/24"))
	bi := attach(t, b, "eth0", lb, plain("2001:db8::2/64"), plain("192.0.2.2/24"))
	if got := bi.Addresses()[0].Prefix.String(); got != "fe80::ff:fe00:2/64" {
		t.Errorf("link-local address %s", got)
	}
	for _, dst := range []string{"2001:db8::2", "192.0.2.2", "fe80::ff:fe00:2%eth0"} {
		exchange(t, a, b, dst)
	}
}

// exchange sends a datagram from a to b's dst and back.
func exchange(t *testing.T, a, b *stack.Stack, dst string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pc, err := b.ListenPacket(ctx, "udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, err := a.DialContext(ctx, "udp", net.JoinHostPort(dst, "7"))
	if err != nil {
		t.Fatalf("%s: %v", dst, err)
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	c.SetDeadline(deadline)
	pc.SetDeadline(deadline)
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatalf("%s: %v", dst, err)
	}
	buf := make([]byte, 10)
	n, from, err := pc.ReadFrom(buf)
	if err != nil {
		t.Fatalf("%s: %v", dst, err)
	}
	if _, err := pc.WriteTo(buf[:n], from); err != nil {
		t.Fatalf("%s: %v", dst, err)
	}
	if n, err = c.Read(buf); err != nil || string(buf[:n]) != "ping" {
		t.Errorf("%s: echo %q, %v", dst, buf[:n], err)
	}
}

func TestDuplicateAddressDetection(t *testing.T) {
	la, lb := ethernet()
	clock := newSteppedClock()
	a, b := newStack(t, stack.Config{Clock: clock}), newStack(t, stack.Config{})
	bi := attach(t, b, "eth0", lb, plain("2001:db8::2/64"))
	i, err := a.Attach(stack.InterfaceConfig{Name: "eth0", Link: la, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses([]stack.Address{plain("2001:db8::1/64"), plain("2001:db8::2/64"), plain("192.0.2.1/24")}); err != nil {
		t.Fatal(err)
	}
	for _, info := range i.Addresses() { // nothing has been sent yet
		if want := info.Prefix.Addr().Is6(); (info.State == stack.Tentative) != want {
			t.Errorf("%v is %v before its detection ended", info.Prefix, info.State)
		}
	}
	if ex, err := a.Explain(netip.MustParseAddr("2001:db8::9")); err == nil {
		t.Errorf("a tentative address was chosen:\n%v", ex)
	}
	// The neighbour answers the probe for its address, on real time; ours would be done after a second.
	clock.Advance(0)
	state := func(n int) stack.AddressState { return i.Addresses()[n].State }
	eventually(t, func() bool { return state(2) == stack.Duplicate })
	clock.Advance(999 * time.Millisecond)
	if state(1) != stack.Tentative {
		t.Errorf("assigned before RetransTimer (1 s, RFC 4861 section 10) ran out")
	}
	clock.Advance(time.Millisecond)
	eventually(t, func() bool { return state(1) == stack.Assigned })
	err = i.WaitAssigned(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "2001:db8::2/64") || strings.Contains(err.Error(), "2001:db8::1/64") {
		t.Errorf("WaitAssigned: %v, want the duplicate 2001:db8::2/64 named", err)
	}
	if got := source(t, a, "2001:db8::9"); got != "2001:db8::1" {
		t.Errorf("source %s", got)
	}
	if got := bi.Addresses()[1].State; got != stack.Assigned {
		t.Errorf("the owner's address is %v", got)
	}
	if err := i.RemoveAddress(netip.MustParseAddr("2001:db8::2")); err != nil {
		t.Errorf("removing the duplicate: %v", err)
	}
	if err := i.WaitAssigned(t.Context()); err != nil {
		t.Errorf("without the duplicate: %v", err)
	}
}

// A flag set while detection runs must not be lost when it ends.
func TestSkipWhileTentative(t *testing.T) {
	la, lb := ethernet()
	defer lb.Close()
	clock := newSteppedClock()
	a := newStack(t, stack.Config{Clock: clock})
	i, err := a.Attach(stack.InterfaceConfig{Link: la, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.AddAddresses([]stack.Address{plain("2001:db8::1/64"), plain("2001:db8::2/64")}); err != nil {
		t.Fatal(err)
	}
	if err := i.SetSkipAsSource(netip.MustParseAddr("2001:db8::1"), true); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if err := i.WaitAssigned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := source(t, a, "2001:db8::9"); got != "2001:db8::2" {
		t.Errorf("source %s", got)
	}
}

func TestWaitAssignedTakesAContext(t *testing.T) {
	la, _ := ethernet()
	a := newStack(t, stack.Config{})
	i, err := a.Attach(stack.InterfaceConfig{Link: la, DAD: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := i.WaitAssigned(ctx); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
}
