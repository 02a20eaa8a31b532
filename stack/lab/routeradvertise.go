package lab

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// The constants of RFC 4861 section 10 for routers.
const (
	maxInitialAdvInterval = 16 * time.Second       // MAX_INITIAL_RTR_ADVERT_INTERVAL
	maxInitialAdvs        = 3                      // MAX_INITIAL_RTR_ADVERTISEMENTS
	minDelayBetweenAdvs   = 3 * time.Second        // MIN_DELAY_BETWEEN_RAS
	maxAdvDelay           = 500 * time.Millisecond // MAX_RA_DELAY_TIME
)

// Advertise says what the interface named in a advertises from now on, instead of what it did so far. The
// first advertisement goes out at once, two more soon after (RFC 4861 section 6.2.4), and from then on they
// go out at random times within the interval, and in answer to solicitations.
func (r *Router) Advertise(a Advertisement) error {
	return r.withAdvertiser(a, (*advertiser).set)
}

// AdvertiseOnce sends a single advertisement, which changes nothing about the others.
func (r *Router) AdvertiseOnce(a Advertisement) error {
	return r.withAdvertiser(a, (*advertiser).send)
}

// withAdvertiser calls f for a that can be sent.
func (r *Router) withAdvertiser(a Advertisement, f func(*advertiser, Advertisement)) error {
	a = a.clone()
	err := a.check()
	if err != nil {
		return fmt.Errorf("lab: router %q: %w", r.name, err)
	}
	adv, err := r.advertiser(a.Interface)
	if err != nil {
		return err
	}
	if n := len(adv.packet(a)); n > adv.p.mtu {
		return fmt.Errorf("lab: router %q: an advertisement of %d bytes, more than the MTU of %q, %d", r.name, n, adv.p.name, adv.p.mtu)
	}
	f(adv, a)
	return nil
}

// StopAdvertising ends what the interface advertises, the first one if there is no name, with a final
// advertisement whose router lifetime is 0 (RFC 4861 section 6.2.5): hosts have one default router less, and
// keep everything else until it is over.
func (r *Router) StopAdvertising(iface string) error {
	adv, err := r.advertiser(iface)
	if err != nil {
		return err
	}
	adv.stop()
	return nil
}

// Advertises returns what the interface advertises, the first one if there is no name, and whether it does.
// The caller may keep the slices.
func (r *Router) Advertises(iface string) (Advertisement, bool) {
	adv, err := r.advertiser(iface)
	if err != nil {
		return Advertisement{}, false
	}
	adv.mu.Lock()
	defer adv.mu.Unlock()
	return adv.a.clone(), adv.on
}

func (r *Router) advertiser(iface string) (*advertiser, error) {
	p, err := r.port(iface)
	if err != nil {
		return nil, err
	}
	for _, adv := range r.advertisers {
		if adv.p == p {
			return adv, nil
		}
	}
	return nil, fmt.Errorf("lab: router %q: interface %q does not advertise", r.name, iface)
}

// advertiser is an interface of a router that may advertise.
type advertiser struct {
	h    *Host
	p    *port
	luck *rand.Rand // under mu

	mu     sync.Mutex
	on     bool
	a      Advertisement
	sent   int       // since it began
	last   time.Time // when the latest went out; zero: none did
	next   time.Time // when the next is to
	cancel func() bool
}

func newAdvertiser(h *Host, p *port) *advertiser {
	adv := &advertiser{h: h, p: p, luck: rand.New(rand.NewPCG(h.l.cfg.Seed, hashOf(p.name+" advertises")))}
	ear := adv.hear
	p.gate.ear.Store(&ear)
	return adv
}

func (adv *advertiser) set(a Advertisement) {
	adv.mu.Lock()
	defer adv.mu.Unlock()
	adv.on, adv.a, adv.sent = true, a, 0
	adv.arrange(0)
}

func (adv *advertiser) stop() {
	adv.mu.Lock()
	defer adv.mu.Unlock()
	if !adv.on {
		return
	}
	adv.on = false
	adv.arrange(-1)
	last := adv.a
	last.Lifetime, last.Preference = -1, 0
	adv.send(last)
}

// arrange has the next advertisement go out in d, and no other; none if that is negative. adv.mu is held.
func (adv *advertiser) arrange(d time.Duration) {
	if adv.cancel != nil {
		adv.cancel()
	}
	adv.cancel = nil
	if d < 0 {
		return
	}
	adv.next = adv.h.l.Now().Add(d)
	adv.cancel = adv.h.l.sched.after(adv.h.turns, d, adv.tick)
}

// tick sends an advertisement and arranges for the next.
func (adv *advertiser) tick() {
	adv.mu.Lock()
	defer adv.mu.Unlock()
	if !adv.on || adv.p.isClosed() {
		return
	}
	adv.sent++
	adv.last = adv.h.l.Now()
	adv.send(adv.a)
	adv.arrange(adv.interval())
}

// interval is the time to the next unsolicited advertisement. RFC 4861 section 6.2.4: "Whenever a multicast
// advertisement is sent from an interface, the timer is reset to a uniformly distributed random value between
// the interface's configured MinRtrAdvInterval and MaxRtrAdvInterval", and of the first few: "if the randomly
// chosen interval is greater than MAX_INITIAL_RTR_ADVERT_INTERVAL, the timer SHOULD be set to
// MAX_INITIAL_RTR_ADVERT_INTERVAL instead."
func (adv *advertiser) interval() time.Duration {
	if adv.a.Interval < 0 {
		return -1
	}
	longest, shortest := adv.a.interval(), adv.a.MinInterval
	if shortest == 0 {
		shortest = longest / 3
	}
	d := adv.random(shortest, longest)
	if adv.sent < maxInitialAdvs {
		d = min(d, maxInitialAdvInterval)
	}
	return d
}

func (adv *advertiser) random(from, to time.Duration) time.Duration {
	return from + time.Duration(adv.luck.Float64()*float64(to-from))
}

// hear answers solicitations. RFC 4861 section 6.2.6: "In all cases, Router Advertisements sent in response to
// a Router Solicitation MUST be delayed by a random time between 0 and MAX_RA_DELAY_TIME seconds. (If a single
// advertisement is sent in response to multiple solicitations, the delay is relative to the first
// solicitation.) In addition, consecutive Router Advertisements sent to the all-nodes multicast address MUST
// be rate limited to no more than one advertisement every MIN_DELAY_BETWEEN_RAS seconds."
func (adv *advertiser) hear(frame []byte) {
	if !isICMP6(frame, ndp.TypeRouterSolicitation) {
		return
	}
	h := readHeader(frame)
	if ndp.ParseRouterSolicitation(h.src, h.dst, int(h.hopLimit), h.payload) != nil {
		return
	}
	adv.mu.Lock()
	defer adv.mu.Unlock()
	if !adv.on || adv.a.Deaf {
		return
	}
	now := adv.h.l.Now()
	due := now.Add(adv.random(0, maxAdvDelay))
	if earliest := adv.last.Add(minDelayBetweenAdvs); !adv.last.IsZero() && now.Before(earliest) {
		due = earliest.Add(due.Sub(now))
	}
	if adv.cancel == nil || due.Before(adv.next) { // else one goes out soon enough
		adv.arrange(due.Sub(now))
	}
}

// isICMP6 is a quick look at a frame, for there are many.
func isICMP6(frame []byte, typ byte) bool {
	return len(frame) > 54 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == protoICMP6 && frame[54] == typ
}

// send sends one advertisement.
func (adv *advertiser) send(a Advertisement) {
	adv.p.write(multicastFrame(ndp.AllNodes, adv.p.hw, adv.packet(a)))
}

func (adv *advertiser) packet(a Advertisement) []byte {
	src := a.Source
	if !src.IsValid() {
		src = linkLocalOf(adv.h, adv.p)
	}
	ra := a.message(src)
	return ra.Packet(ndp.AllNodes, adv.p.hw)
}

// linkLocalOf is the link-local address of the interface at a port: its first, if it has several, or the one
// that its hardware address makes (RFC 4291 appendix A), if it has none.
func linkLocalOf(h *Host, p *port) netip.Addr {
	if i := interfaceAt(h, p); i != nil {
		for _, a := range i.Addresses() {
			if addr := a.Prefix.Addr(); addr.Is6() && addr.IsLinkLocalUnicast() {
				return addr
			}
		}
	}
	hw := p.hw
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]})
}

func (p *port) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// interfaceAt is the interface that is plugged in at p; nil if it is gone.
func interfaceAt(h *Host, p *port) *stack.Interface {
	for _, i := range h.Interfaces() {
		if h.name+"/"+i.Name() == p.name {
			return i
		}
	}
	return nil
}

// multicastFrame puts an IPv6 packet to a group into a frame (RFC 2464 section 7).
func multicastFrame(group netip.Addr, from, pkt []byte) []byte {
	g := group.As16()
	return etherFrame([]byte{0x33, 0x33, g[12], g[13], g[14], g[15]}, from, etherIPv6, pkt)
}

func etherFrame(to, from []byte, typ uint16, payload []byte) []byte {
	return bytes.Join([][]byte{to, from, {byte(typ >> 8), byte(typ)}, payload}, nil)
}
