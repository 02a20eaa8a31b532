package stack

import (
	"math"
	"net/netip"
	"time"
)

// never is a lifetime without an end.
const never time.Duration = math.MaxInt64

// forever turns a lifetime as an Address has it into one that may end at once: 0 stands for never.
func forever(d time.Duration) time.Duration {
	if d == 0 {
		return never
	}
	return d
}

// SetLifetimes gives an address new lifetimes, counted from now, as a router or a DHCPv6 server does
// when it renews one (RFC 4862 section 5.5.3, RFC 8415 section 18.2.10.1). Zero: for ever. An address
// whose preferred lifetime had ended is preferred again, unless it was added as Deprecated.
func (i *Interface) SetLifetimes(addr netip.Addr, preferred, valid time.Duration) error {
	e, err := i.entry(addr)
	if err != nil {
		return err
	}
	if err := (Address{Prefix: e.Prefix, Preferred: preferred, Valid: valid}).check(); err != nil {
		return err
	}
	if !i.s.book.setLifetimes(i.s.clock, e, forever(preferred), forever(valid)) {
		return i.errNoAddress(addr) // any more
	}
	return nil
}

// setLifetimes arranges for what RFC 4862 section 5.5.4 says of an address whose preferred, then valid,
// lifetime ends. A preferred lifetime of 0 has ended. It returns false if the entry is gone.
func (b *addressBook) setLifetimes(clock Clock, e *addressEntry, preferred, valid time.Duration) (there bool) {
	now := clock.Now()
	var life uint64
	there = b.update(e, func(e *addressEntry) {
		e.stopExpiry()
		e.life++
		life = e.life
		if preferred > 0 || !passed(now, e.PreferredUntil) {
			e.Preferred, e.PreferredUntil = ending(now, preferred)
		}
		e.Valid, e.ValidUntil = ending(now, valid)
		e.Deprecated = e.deprecated || preferred == 0
	})
	if !there {
		return false
	}
	if preferred > 0 && preferred != never {
		b.expire(clock, e, life, 0, preferred, func() {
			b.update(e, func(e *addressEntry) { e.Deprecated = e.Deprecated || e.life == life })
		})
	}
	if valid != never {
		b.expire(clock, e, life, 1, valid, func() { e.i.removeExpired(e, life) })
	}
	return true
}

// removeExpired removes e unless it got other lifetimes, for which it may have to wait its turn.
func (i *Interface) removeExpired(e *addressEntry, life uint64) {
	i.admin.Lock()
	defer i.admin.Unlock()
	i.withdraw(i.s.book.removeIf(func(e *addressEntry) bool { return e.life == life }, e))
}

// ending returns a lifetime as AddressInfo has it, and when it ends.
func ending(now time.Time, d time.Duration) (time.Duration, time.Time) {
	if d == never {
		return 0, time.Time{}
	}
	return d, now.Add(d)
}

// expire runs f once d has passed, unless e has been removed or got other lifetimes. f must still look,
// since a timer that is stopped may be running.
func (b *addressBook) expire(clock Clock, e *addressEntry, life uint64, which int, d time.Duration, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.there && e.life == life {
		e.expiry[which] = clock.AfterFunc(d, f)
	}
}

func (e *addressEntry) stopExpiry() {
	for n, stop := range e.expiry {
		if stop != nil {
			stop()
		}
		e.expiry[n] = nil
	}
}
