package stack

import (
	"net/netip"
	"time"

	"github.com/hextet/hextet/stack/internal/engine"
	"github.com/hextet/hextet/stack/internal/ndp"
)

// Router solicitations: the delay of RFC 4861 section 10, and the retransmission of RFC 7559 section 2.
const (
	maxSolicitationDelay  = time.Second
	initialRetransmission = 4 * time.Second // IRT
	maxRetransmission     = time.Hour       // MRT
)

// startSoliciting arranges for the first solicitation. RFC 4861 section 6.3.7: "Before a host sends an
// initial solicitation, it SHOULD delay the transmission for a random amount of time between 0 and
// MAX_RTR_SOLICITATION_DELAY."
func (a *autoconf) startSoliciting(now time.Time) {
	a.solicitAt = now.Add(time.Duration(a.i.s.rand.Int64N(int64(maxSolicitationDelay))) + 1)
	a.solicitFor = 0
}

func (a *autoconf) stopSoliciting() { a.solicitAt = time.Time{} }

// solicit asks the routers of the link to advertise themselves, and arranges for the next time. It goes
// on until there is a default router. The source is the link-local address, even one flagged
// SkipAsSource, or unspecified while that is tentative.
func (a *autoconf) solicit(now time.Time) {
	src := netip.IPv6Unspecified()
	if a.there(a.linkLocal) && a.i.s.book.info(a.linkLocal).State == Assigned {
		src = a.linkLocal.Prefix.Addr()
	}
	engine.Solicit(a.i.s.gv, a.i.index, ndp.Solicitation(src, a.i.hw))
	a.solicitFor = nextRetransmission(a.solicitFor, a.i.s.rand.Float64()*0.2-0.1)
	a.solicitAt = now.Add(a.solicitFor)
}

// nextRetransmission is RT of RFC 8415 section 15, which RFC 7559 refers to. random is RAND, from -0.1 to
// 0.1, and previous 0 for the first transmission:
//
//	RT for the first message transmission is based on IRT: RT = IRT + RAND*IRT
//	RT for each subsequent message transmission is based on the previous value of RT:
//	RT = 2*RTprev + RAND*RTprev
//	if (RT > MRT) RT = MRT + RAND*MRT
func nextRetransmission(previous time.Duration, random float64) time.Duration {
	base := previous
	rt := 2*previous + time.Duration(random*float64(previous))
	if previous == 0 {
		base = initialRetransmission
		rt = base + time.Duration(random*float64(base))
	}
	if rt > maxRetransmission {
		rt = maxRetransmission + time.Duration(random*float64(maxRetransmission))
	}
	return rt
}
