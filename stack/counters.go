package stack

// Counters count what crossed an interface's link, and what was dropped there and why. They start at
// Attach.
type Counters struct {
	RxPackets, RxBytes uint64 // taken from the link, dropped ones included
	TxPackets, TxBytes uint64 // taken by the link

	RxRunt     uint64 // dropped: shorter than an Ethernet, or the smallest IP, header
	RxOther    uint64 // dropped: an Ethernet frame to another station
	RxUnknown  uint64 // dropped: neither IPv4, IPv6 nor ARP
	RxOffload  uint64 // dropped: what an OffloadLink said about it contradicts the packet
	TxOversize uint64 // dropped: larger than the link's MTU
	TxDropped  uint64 // dropped: the link did not take it, or the source was removed on the way

	// Router Advertisements, with SLAAC.
	Advertisements        uint64 // taken up
	AdvertisementsInvalid uint64 // discarded for RFC 4861 section 6.1.2
	AdvertisementsDropped uint64 // dropped: too many at once
	AdvertisedIgnored     uint64 // parts ignored: more routers, prefixes, routes, servers or names than are kept
}

// Counters returns the interface's counters.
func (i *Interface) Counters() Counters {
	c := &i.ep.Counters
	return Counters{
		RxPackets:  c.RxPackets.Load(),
		RxBytes:    c.RxBytes.Load(),
		TxPackets:  c.TxPackets.Load(),
		TxBytes:    c.TxBytes.Load(),
		RxRunt:     c.RxRunt.Load(),
		RxOther:    c.RxOther.Load(),
		RxUnknown:  c.RxUnknown.Load(),
		RxOffload:  c.RxOffload.Load(),
		TxOversize: c.TxOversize.Load(),
		TxDropped:  c.TxDropped.Load(),

		Advertisements:        i.auto.count.taken.Load(),
		AdvertisementsInvalid: i.auto.count.invalid.Load(),
		AdvertisementsDropped: i.auto.count.dropped.Load(),
		AdvertisedIgnored:     i.auto.count.ignored.Load(),
	}
}
