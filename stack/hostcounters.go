package stack

import (
	"fmt"
	"reflect"
	"strings"
)

// HostCounters count what a stack as a whole received, sent, dropped and why. They start at New, never
// decrease, except TCPEstablished, and are read one by one, not at one instant.
type HostCounters struct {
	IPReceived      uint64 // packets of either family
	IPDelivered     uint64 // of them, to a transport or ICMP
	IPSent          uint64 // by this host, forwarded ones not included
	IPMalformed     uint64 // dropped: a wrong header, length, or header checksum
	IPOtherHost     uint64 // dropped: not for this host, or to a group that nobody joined
	IPWrongSource   uint64 // dropped: a source that no packet from a link can have
	IPWrongFragment uint64 // dropped: a fragment with a wrong length or offset
	IPSendErrors    uint64 // not sent: no buffer, or no neighbour

	UDPReceived, UDPSent uint64
	UDPNoPort            uint64 // answered with Port Unreachable
	UDPBufferFull        uint64 // dropped: the socket's buffer is full
	UDPMalformed         uint64 // dropped
	UDPChecksum          uint64 // dropped

	TCPReceived, TCPSent uint64 // segments
	TCPRetransmitted     uint64
	TCPEstablished       uint64 // connections at this moment
	TCPOpened            uint64 // connections that this host dialled
	TCPAccepted          uint64 // and that it was asked for
	TCPSynDropped        uint64 // the queue of a listener is full
	TCPSynCookies        uint64 // sent, instead of keeping state for a SYN
	TCPResetsSent        uint64
	TCPMalformed         uint64 // dropped
	TCPChecksum          uint64 // dropped

	Forward ForwardCounters
}

// ForwardCounters count the packets that came by a forwarding interface and were for others, by what
// became of them, and the ICMP errors about them.
type ForwardCounters struct {
	Sent       uint64 // to the interface to leave by; fragments that the router made one by one
	Refused    uint64 // dropped: addresses that are never forwarded, or a source route
	Expired    uint64 // dropped: the hop limit or time to live ran out
	TooBig     uint64 // dropped: larger than the path, and not to be fragmented
	NoRoute    uint64 // dropped
	Prohibited uint64 // dropped: the interface to leave by does not forward
	NoNeighbor uint64 // dropped: the next hop did not answer (those that waited for it are in Sent too), or is nobody at the other end of the point-to-point link
	Failed     uint64 // dropped: the interface to leave by went away

	ErrorsSent    uint64 // ICMP errors
	ErrorsLimited uint64 // held back by the limit of 1000 a second
	ErrorsNoWay   uint64 // not sent: no address may speak, no route back, or the source is this host or a broadcast address
}

// Counters returns the stack's counters.
func (s *Stack) Counters() HostCounters {
	st, r := s.gv.Stats(), &s.routed
	return HostCounters{
		IPReceived:      st.IP.PacketsReceived.Value(),
		IPDelivered:     st.IP.PacketsDelivered.Value(),
		IPSent:          st.IP.PacketsSent.Value(),
		IPMalformed:     st.IP.MalformedPacketsReceived.Value(),
		IPOtherHost:     st.IP.InvalidDestinationAddressesReceived.Value(),
		IPWrongSource:   st.IP.InvalidSourceAddressesReceived.Value(),
		IPWrongFragment: st.IP.MalformedFragmentsReceived.Value(),
		IPSendErrors:    st.IP.OutgoingPacketErrors.Value(),

		UDPReceived:   st.UDP.PacketsReceived.Value(),
		UDPSent:       st.UDP.PacketsSent.Value(),
		UDPNoPort:     st.UDP.UnknownPortErrors.Value(),
		UDPBufferFull: st.UDP.ReceiveBufferErrors.Value(),
		UDPMalformed:  st.UDP.MalformedPacketsReceived.Value(),
		UDPChecksum:   st.UDP.ChecksumErrors.Value(),

		TCPReceived:      st.TCP.ValidSegmentsReceived.Value(),
		TCPSent:          st.TCP.SegmentsSent.Value(),
		TCPRetransmitted: st.TCP.Retransmits.Value(),
		TCPEstablished:   st.TCP.CurrentEstablished.Value(),
		TCPOpened:        st.TCP.ActiveConnectionOpenings.Value(),
		TCPAccepted:      st.TCP.PassiveConnectionOpenings.Value(),
		TCPSynDropped:    st.TCP.ListenOverflowSynDrop.Value(),
		TCPSynCookies:    st.TCP.ListenOverflowSynCookieSent.Value(),
		TCPResetsSent:    st.TCP.ResetsSent.Value(),
		TCPMalformed:     st.TCP.InvalidSegmentsReceived.Value(),
		TCPChecksum:      st.TCP.ChecksumErrors.Value(),

		Forward: ForwardCounters{
			Sent:       r.Forwarded.Load(),
			Refused:    r.Refused.Load(),
			Expired:    r.Expired.Load(),
			TooBig:     r.TooBig.Load(),
			NoRoute:    r.NoRoute.Load(),
			Prohibited: r.Prohibited.Load(),
			NoNeighbor: r.NoNeighbor.Load(),
			Failed:     r.Failed.Load(),

			ErrorsSent:    r.ErrorsSent.Load(),
			ErrorsLimited: r.ErrorsLimited.Load(),
			ErrorsNoWay:   r.ErrorsNoWay.Load(),
		},
	}
}

// String returns the counters that are not 0, one a line, as netstat -s does.
func (c HostCounters) String() string {
	return counterLines("", c) + counterLines("forward ", c.Forward)
}

// String returns the counters that are not 0, one a line.
func (c ForwardCounters) String() string { return counterLines("", c) }

// String returns the counters that are not 0, one a line.
func (c Counters) String() string { return counterLines("", c) }

// counterLines writes the fields of a struct that count something and are not 0, in their order.
func counterLines(prefix string, c any) string {
	var b strings.Builder
	v := reflect.ValueOf(c)
	for n := range v.NumField() {
		if f := v.Field(n); f.Kind() == reflect.Uint64 && f.Uint() != 0 {
			fmt.Fprintf(&b, "%s%s %d\n", prefix, v.Type().Field(n).Name, f.Uint())
		}
	}
	return b.String()
}
