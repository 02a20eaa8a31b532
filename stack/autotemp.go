package stack

import (
	"cmp"
	"slices"
	"time"
)

// The defaults of RFC 8981 section 3.8.
const (
	tempPreferredLifetime = 24 * time.Hour
	tempValidLifetime     = 48 * time.Hour

	// REGEN_ADVANCE is "2 + (TEMP_IDGEN_RETRIES * DupAddrDetectTransmits * RetransTimer / 1000)"
	// seconds, with one transmission and RetransTimer's default.
	regenAdvance = 2*time.Second + idgenRetries*time.Second
)

// maxTemporary bounds the temporary addresses of one prefix.
const maxTemporary = 8

// temporaryAddress is a temporary address (RFC 8981) and what bounds its life.
type temporaryAddress struct {
	*addressEntry
	created time.Time     // CREATION_TIME
	desync  time.Duration // DESYNC_FACTOR
}

func (a *autoconf) tempPreferred() time.Duration {
	return cmp.Or(a.cfg.TemporaryPreferred, tempPreferredLifetime)
}

func (a *autoconf) tempValid() time.Duration { return cmp.Or(a.cfg.TemporaryValid, tempValidLifetime) }

// desyncFactor is random up to MAX_DESYNC_FACTOR, 0.4 * TEMP_PREFERRED_LIFETIME, so that not all hosts of
// a link change addresses at once.
func (a *autoconf) desyncFactor() time.Duration {
	return time.Duration(a.i.s.rand.Int64N(int64(a.tempPreferred())*2/5 + 1))
}

// temporaryFor sees to it that a prefix has a temporary address that will stay preferred for a while.
// RFC 8981 section 3.4, steps 4 and 5: "When creating a temporary address, DESYNC_FACTOR MUST be
// computed and associated with the newly created address, and the address lifetime values MUST be
// derived from the corresponding prefix as follows: Its valid lifetime is the lower of the Valid
// Lifetime of the prefix and TEMP_VALID_LIFETIME. Its preferred lifetime is the lower of the Preferred
// Lifetime of the prefix and TEMP_PREFERRED_LIFETIME - DESYNC_FACTOR. A temporary address is created
// only if this calculated preferred lifetime is greater than REGEN_ADVANCE time units."
func (a *autoconf) temporaryFor(now time.Time, p *learntPrefix) {
	if !a.cfg.TemporaryAddresses || !a.there(p.stable) || a.i.s.book.info(p.stable).State == Duplicate {
		p.renewAt = time.Time{}
		return
	}
	if a.lastsOn(now, p) || p.tempRetries > idgenRetries || len(p.temporary) >= maxTemporary {
		a.setRenewal(now, p)
		return
	}
	public, desync := a.i.s.book.info(p.stable), a.desyncFactor()
	preferred := min(remaining(now, public.PreferredUntil), a.tempPreferred()-desync)
	if preferred <= regenAdvance {
		p.renewAt = time.Time{} // until a router says more
		return
	}
	e, err := a.addAddress(AddressInfo{
		Address: Address{Prefix: random(a.i.s.secure).under(p.prefix), Temporary: true},
		Origin:  OriginAdvertised,
	}, preferred, min(remaining(now, public.ValidUntil), a.tempValid()), a.optimistic(p))
	if err != nil {
		a.i.s.log.Info("no temporary address", "interface", a.i.name, "prefix", p.prefix, "error", err)
		p.renewAt = time.Time{}
		return
	}
	p.temporary = append(p.temporary, &temporaryAddress{e, now, desync})
	a.setRenewal(now, p)
}

// lastsOn reports whether the newest temporary address needs no successor yet.
func (a *autoconf) lastsOn(now time.Time, p *learntPrefix) bool {
	if len(p.temporary) == 0 {
		return false
	}
	newest := p.temporary[len(p.temporary)-1].addressEntry
	info := a.i.s.book.info(newest)
	return a.there(newest) && info.State != Duplicate && remaining(now, info.PreferredUntil) > regenAdvance
}

// setRenewal arranges for the newest temporary address's successor: "REGEN_ADVANCE time units before a
// temporary address becomes deprecated" (RFC 8981 section 3.5).
func (a *autoconf) setRenewal(now time.Time, p *learntPrefix) {
	p.renewAt = time.Time{}
	if len(p.temporary) == 0 {
		return
	}
	until := a.i.s.book.info(p.temporary[len(p.temporary)-1].addressEntry).PreferredUntil
	if at := until.Add(-regenAdvance); !until.IsZero() && at.After(now) {
		p.renewAt = at
	}
}

// refreshTemporary gives the temporary addresses of a prefix what an advertisement says, within their
// bounds. RFC 8981 section 3.4: "When updating the Preferred Lifetime of an existing temporary address,
// it would be set to expire at whichever time is earlier: the time indicated by the received lifetime
// or (CREATION_TIME + TEMP_PREFERRED_LIFETIME - DESYNC_FACTOR). A similar approach can be used with the
// Valid Lifetime."
func (a *autoconf) refreshTemporary(now time.Time, p *learntPrefix, preferred, valid time.Duration) {
	for _, t := range p.temporary {
		v := min(valid, remaining(now, t.created.Add(a.tempValid())))
		pr := min(preferred, v, remaining(now, t.created.Add(a.tempPreferred()-t.desync)))
		if v > 0 && a.there(t.addressEntry) {
			a.i.s.book.setLifetimes(a.i.s.clock, t.addressEntry, pr, v)
		}
	}
}

// renewTemporary makes the successors that are due.
func (a *autoconf) renewTemporary(now time.Time) {
	for _, p := range a.prefixes {
		if passed(now, p.renewAt) {
			if p.tempRetries <= idgenRetries {
				p.tempRetries = 0
			}
			a.temporaryFor(now, p)
		}
	}
}

// duplicateTemporary replaces a temporary address that another station has. RFC 8981 section 3.4, step 7:
// after TEMP_IDGEN_RETRIES attempts in a row that came to nothing a system error is logged, and the
// prefix gets no temporary address any more while the interface stays attached.
func (a *autoconf) duplicateTemporary(p *learntPrefix, e *addressEntry) {
	a.i.removeEntries(e)
	p.temporary = slices.DeleteFunc(p.temporary, func(t *temporaryAddress) bool { return t.addressEntry == e })
	if p.tempRetries++; p.tempRetries > idgenRetries {
		a.i.s.log.Error("no unique temporary address", "interface", a.i.name, "prefix", p.prefix)
		return
	}
	a.temporaryFor(a.i.s.clock.Now(), p)
}
