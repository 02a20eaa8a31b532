package raw

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A sink counts packets, and keeps copies while it is told to. Its two forms do the same
// for ours and for gVisor.
type sink struct {
	packets atomic.Uint64
	keep    atomic.Bool

	mu   sync.Mutex // a host's timers send, too
	kept [][]byte
}

func (s *sink) took() (uint64, error) { return s.packets.Load(), nil }

func (s *sink) capture(_ int, send func()) ([][]byte, error) {
	s.keep.Store(true)
	send()
	s.keep.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(s.kept, func(b []byte) bool { return !echoRequest(b) }), nil
}

func (s *sink) add(b []byte) {
	s.mu.Lock()
	s.kept = append(s.kept, bytes.Clone(b))
	s.mu.Unlock()
}

func echoRequest(b []byte) bool {
	return len(b) > header.IPv6MinimumSize && header.IPv6(b).NextHeader() == uint8(header.ICMPv6ProtocolNumber) &&
		header.ICMPv6(b[header.IPv6MinimumSize:]).Type() == header.ICMPv6EchoRequest
}

// A link is a sink as a stack.Link of bare IP packets. Nothing comes from it.
type link struct {
	*sink
	closed chan struct{}
}

func (link) MTU() int                       { return mtu }
func (link) HardwareAddr() net.HardwareAddr { return nil }

func (l link) ReadPackets([][]byte, []int) (int, error) {
	<-l.closed
	return 0, net.ErrClosed
}

func (l link) WritePackets(bufs [][]byte) (int, error) {
	l.packets.Add(uint64(len(bufs)))
	if l.keep.Load() {
		for _, b := range bufs {
			l.add(b)
		}
	}
	return len(bufs), nil
}

func (l link) Close() error {
	close(l.closed)
	return nil
}

// An endpoint is a sink as gVisor's link of bare IP packets.
type endpoint struct{ *sink }

var _ gvisor.LinkEndpoint = endpoint{}

func (endpoint) MTU() uint32                                   { return mtu }
func (endpoint) SetMTU(uint32)                                 {}
func (endpoint) MaxHeaderLength() uint16                       { return 0 }
func (endpoint) LinkAddress() tcpip.LinkAddress                { return "" }
func (endpoint) SetLinkAddress(tcpip.LinkAddress)              {}
func (endpoint) Capabilities() gvisor.LinkEndpointCapabilities { return gvisor.CapabilityNone }
func (endpoint) Attach(gvisor.NetworkDispatcher)               {}
func (endpoint) IsAttached() bool                              { return true }
func (endpoint) Wait()                                         {}
func (endpoint) ARPHardwareType() header.ARPHardwareType       { return header.ARPHardwareNone }
func (endpoint) AddHeader(*gvisor.PacketBuffer)                {}
func (endpoint) ParseHeader(*gvisor.PacketBuffer) bool         { return true }
func (endpoint) Close()                                        {}
func (endpoint) SetOnCloseAction(func())                       {}

func (e endpoint) WritePackets(pkts gvisor.PacketBufferList) (int, tcpip.Error) {
	e.packets.Add(uint64(pkts.Len()))
	if e.keep.Load() {
		for _, p := range pkts.AsSlice() {
			v := p.ToView()
			e.add(v.AsSlice())
			v.Release()
		}
	}
	return pkts.Len(), nil
}
