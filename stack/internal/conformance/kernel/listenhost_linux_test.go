package kernel

import (
	"maps"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/conformance"
)

// hostBackend is the kernel, its sockets opened by icmp6.ListenHost.
type hostBackend struct{ *backend }

func (b hostBackend) Open(proto uint8, local netip.Addr) (conformance.Socket, error) {
	c, err := icmp6.ListenHost(icmp6.HostConfig{Protocol: proto, Local: local})
	if err != nil {
		return nil, err
	}
	return hostSocket{c, options{c.PacketConn().(syscall.Conn)}}, nil
}

type hostSocket struct {
	*icmp6.HostConn
	options
}

// icmp6.ListenHost mends what the kernel does unasked, or lets happen. Its SetChecksum is in x/net's
// shape and therefore takes what is the case anyway.
func TestListenHost(t *testing.T) {
	enter(t)
	deviations := maps.Clone(known)
	for _, name := range []string{
		"option/icmpv6/other-way-off", "receive/icmpv6/not-switched-off", "option/default/135", "send/off/135",
	} {
		delete(deviations, name)
	}
	deviations["option/icmpv6/set-2"] = "SetChecksum(true, 2) says what is the case"
	conformance.Suite{Known: deviations, Timeout: 5 * time.Second}.Run(t, func(t testing.TB) conformance.Backend {
		return hostBackend{newHost(t)}
	})
}
