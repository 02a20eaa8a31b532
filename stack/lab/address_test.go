package lab_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// Who waits for an address that does not come is told, when the context ends and when the host is closed.
func TestWaitAddressEnds(t *testing.T) {
	l := lab.New(t)
	h := l.Host(lab.HostConfig{Name: "h", Interfaces: []lab.InterfaceConfig{{
		Addresses: lab.Addresses("2001:db8::1/64"), Stack: stack.InterfaceConfig{DAD: true},
	}}})
	there, elsewhere := netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("2001:db8:1::/64")
	if a, ok := h.AddressIn(there); !ok || a.State != stack.Tentative {
		t.Errorf("%+v, %v", a, ok)
	}
	began := l.Now()
	a, err := h.WaitAddress(t.Context(), there)
	if err != nil || a.State != stack.Assigned || l.Now().Sub(began) < time.Second {
		t.Errorf("%+v, %v after %v", a, err, l.Now().Sub(began))
	}
	began = l.Now()
	ctx, cancel := l.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = h.WaitAddress(ctx, elsewhere)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `"h" has no address under 2001:db8:1::/64`) || l.Now().Sub(began) != time.Minute {
		t.Errorf("%v after %v", err, l.Now().Sub(began))
	}
	closing := l.Go("close", func(context.Context) error { l.Sleep(time.Second); return h.Close() })
	if _, err = h.WaitAddress(t.Context(), elsewhere); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := closing.Wait(); err != nil {
		t.Error(err)
	}
}
