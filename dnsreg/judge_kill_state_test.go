//go:build unix

package dnsreg

import (
	"testing"
)

func (w *world) keeping(st State, change ...func(*Config)) *Registrar {
	w.t.Helper()
	return w.registrar(append(change, func(c *Config) { c.State = st })...)
}

// What was found as it should be is kept like what was written: it goes when the host has lost the address.
func TestStateHasWhatWasFound(t *testing.T) {
	for _, test := range []struct {
		name    string
		restart bool
	}{{"the same life", false}, {"the next life", true}} {
		t.Run(test.name, func(t *testing.T) {
			w, st := newWorld(t), tempState(t)
			w.table.Set(host("192.0.2.1", "2001:db8::1")...)
			w.sync(w.registrar()) // leaves no state
			r := w.keeping(st)
			w.sync(r)
			if test.restart {
				r = w.keeping(st)
			}
			w.table.Set(host("192.0.2.2", "2001:db8::1")...)
			w.sync(r)
			w.holds("192.0.2.2", "2001:db8::1")
		})
	}
}
