package contract

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/icmp6"
	"github.com/hextet/hextet/icmp6/checksum"
	"github.com/hextet/hextet/srcselect"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
	"github.com/hextet/hextet/stack/offload"
	"github.com/hextet/hextet/stack/tun"
	"golang.org/x/net/ipv6"
)

// The test is that this file compiles.
func TestContract(t *testing.T) {}

// icmp6/checksum
var (
	_ func(b []byte, initial uint16) uint16                        = checksum.Sum
	_ func(a, b uint16) uint16                                     = checksum.Combine
	_ func(src, dst netip.Addr, proto uint8, length uint32) uint16 = checksum.PseudoHeader
	_ func(dst, src []byte, initial uint16) uint16                 = checksum.Copy
	_ func(field, old, new uint16) uint16                          = checksum.Update
	_ func() string                                                = checksum.Implementation
	_ io.Writer                                                    = new(checksum.Accumulator)
	_ interface {
		Add16(uint16)
		Add32(uint32)
		AddAddr(netip.Addr)
		Sum16() uint16
	} = new(checksum.Accumulator)
)

// icmp6
const (
	_ = uint(icmp6.Protocol - 58 + icmp6.ChecksumOffset - 2 + icmp6.Disabled + 1)
)

var (
	_ func(proto uint8, offset int) (icmp6.Offset, error) = icmp6.NewOffset
	_ func(proto uint8) icmp6.Offset                      = icmp6.DefaultOffset
	_ interface {
		Fill(src, dst netip.Addr, proto uint8, payload []byte) error
		FillBuffers(src, dst netip.Addr, proto uint8, payload [][]byte) error
		Verify(src, dst netip.Addr, proto uint8, payload []byte) error
	} = icmp6.Offset(2)
	_ func(src, dst netip.Addr, msg []byte) error = icmp6.SetChecksum
	_ func(src, dst netip.Addr, msg []byte) bool  = icmp6.Valid
	_ icmp6.Conn                                  = (*ipv6.PacketConn)(nil)
	_ icmp6.Conn                                  = (*stack.RawConn)(nil)
	_                                             = icmp6.Filter{}
	_ error                                       = icmp6.ErrMandatory
	_ error                                       = icmp6.ErrOddOffset

	_ = icmp6.HostConfig{Protocol: uint8(0), Local: netip.Addr{}, Interface: ""}
	_ = icmp6.FillConfig{Protocol: uint8(0), Source: icmp6.HostSource}

	_ func(icmp6.HostConfig) (*icmp6.HostConn, error)                                     = icmp6.ListenHost
	_ func(icmp6.Conn, icmp6.FillConfig) icmp6.Conn                                       = icmp6.FillConn
	_ func(dst netip.Addr) (netip.Addr, error)                                            = icmp6.HostSource
	_ func(dst netip.Addr, nextHeader uint8, extensionHeaders []byte) (netip.Addr, error) = icmp6.FinalDestination
	_ func(*ipv6.ICMPFilter) (icmp6.Filter, error)                                        = icmp6.FilterOf
	_ func(icmp6.Filter) (*ipv6.ICMPFilter, error)                                        = icmp6.Filter.ICMPFilter
	_ icmp6.Conn                                                                          = (*icmp6.HostConn)(nil)
	_ error                                                                               = icmp6.ErrHeader
	_ interface {
		SetFilter(icmp6.Filter) error
		PacketConn() net.PacketConn
	} = (*icmp6.HostConn)(nil)
)

// srcselect
var (
	_ = srcselect.Address{Prefix: netip.Prefix{}, Interface: 1, SkipAsSource: true, Tentative: true, Optimistic: true, Deprecated: true,
		Temporary: true, HomeAddress: true, CareOf: true, Routers: []netip.Addr{}}
	_ = srcselect.Query{Destination: netip.Addr{}, Interface: 0, NextHop: netip.Addr{}, Source: netip.Addr{}, Prefer: srcselect.Preferences(0)}
	_ = srcselect.Result{Address: srcselect.Address{}, Rule: srcselect.Rule(0), Tied: false}
	_ = srcselect.Config{Policy: srcselect.Policy{}, AnyInterface: false, PreferPublic: false, LastResort: false}
	_ = srcselect.PolicyEntry{Prefix: netip.Prefix{}, Precedence: uint8(0), Label: uint8(0), Interface: 0}

	_ func(srcselect.Config) *srcselect.Selector              = srcselect.NewSelector
	_ func([]srcselect.PolicyEntry) (srcselect.Policy, error) = srcselect.NewPolicy
	_ func() srcselect.Policy                                 = srcselect.DefaultPolicy
	_ func() srcselect.Policy                                 = srcselect.UpdatePolicy
	_ error                                                   = srcselect.ErrNoSource
	_ func(netip.Addr) srcselect.Scope                        = srcselect.ScopeOf
	_ func(src netip.Prefix, dst netip.Addr) int              = srcselect.CommonPrefixLen
	_ interface {
		Add(...srcselect.Address) error
		Remove(iface int, addr netip.Addr) bool
		Select(srcselect.Query) (srcselect.Result, error)
		Explain(srcselect.Query) srcselect.Explanation
		Addresses() []srcselect.Address
		SortDestinations([]srcselect.Query) []srcselect.DestinationResult
	} = (*srcselect.Selector)(nil)
	_ interface{ String() string } = srcselect.Explanation{}
)

// stack
var (
	_ = stack.Config{Clock: stack.Clock(nil), Logger: (*slog.Logger)(nil), Select: srcselect.Config{}, NoTCP: false}
	_ = stack.Address{Prefix: netip.Prefix{}, SkipAsSource: true, Deprecated: true, Temporary: true, HomeAddress: true,
		Preferred: time.Second, Valid: time.Second}
	_ = stack.Route{Destination: netip.Prefix{}, NextHop: netip.Addr{}, Interface: "", Source: netip.Addr{}, Metric: 0, MTU: 0}
	_ = stack.Dialer{Stack: (*stack.Stack)(nil), LocalAddr: netip.AddrPort{}, Interface: "", Prefer: srcselect.Preferences(0)}
	_ = stack.InterfaceConfig{Name: "", Link: stack.Link(nil), DAD: false, SLAAC: false}

	_ func(stack.Config) (*stack.Stack, error) = stack.New
	_ func(mtu int) (a, b stack.Link)          = stack.Pipe
	_ interface {
		Close() error
		Attach(stack.InterfaceConfig) (*stack.Interface, error)
		Interfaces() []*stack.Interface
		AddRoute(stack.Route) error
		RemoveRoute(stack.Route) error
		Routes() []stack.Route
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
		Listen(ctx context.Context, network, address string) (net.Listener, error)
		ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
		ListenRaw(proto uint8, addr netip.Addr) (*stack.RawConn, error)
		ListenRaw4(proto uint8, addr netip.Addr) (*stack.RawConn4, error)
		Resolver() *net.Resolver
		Explain(netip.Addr) (srcselect.Explanation, error)
		dnsreg.Source
	} = (*stack.Stack)(nil)
	_ interface {
		Detach() error
		NetInterface() *net.Interface
		AddAddress(stack.Address) error
		AddAddresses([]stack.Address) error
		SetSkipAsSource(addr netip.Addr, skip bool) error
		RemoveAddress(netip.Addr) error
		Addresses() []stack.AddressInfo
		WaitAssigned(context.Context) error
	} = (*stack.Interface)(nil)
	_ interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = (*stack.Dialer)(nil)
	_ interface {
		PacketConn() net.PacketConn
		Connect(netip.Addr) error
		SetChecksumOffset(int) error
		ChecksumOffset() int
	} = (*stack.RawConn)(nil)
	_ stack.Link = (*tun.Device)(nil)
	_ stack.Link = capture.Link(nil)

	_ stack.OffloadLink = (*tun.Device)(nil)
	_ stack.OffloadLink = offload.Link(nil)
	_ dnsreg.Clock      = stack.Clock(nil)
)

// dnsreg
var (
	_ = dnsreg.Config{Name: "", Source: dnsreg.Source(nil), Auth: dnsreg.Auth(nil), Servers: []string{}, TTL: 0, Refresh: 0,
		Clock: dnsreg.Clock(nil), Dial: (&net.Dialer{}).DialContext}
	_ func(dnsreg.Config) (*dnsreg.Registrar, error)          = dnsreg.New
	_ func(srcselect.Address) (ok bool, why dnsreg.Reason)    = dnsreg.Eligible
	_ func(name, algorithm string, secret []byte) dnsreg.Auth = dnsreg.TSIG
	_ interface {
		Run(context.Context) error
		Sync(context.Context) error
		Plan(context.Context) (dnsreg.Plan, error)
		Status() dnsreg.Status
		Deregister(context.Context) error
	} = (*dnsreg.Registrar)(nil)
)
