package dnsreg

import (
	"context"
	"fmt"
)

// key returns the key for a zone's server, nil if nothing is signed.
func (r *Registrar) key(ctx context.Context, p place) (Key, error) {
	if r.cfg.Auth == nil {
		return nil, nil
	}
	key, err := r.cfg.Auth.Key(ctx, p.server)
	if err != nil {
		return nil, fmt.Errorf("dnsreg: key for %s: %w", p.server, err)
	}
	return key, nil
}

func (r *Registrar) journal([]edit) {}

func (d decision) allNames() (names []string) {
	for _, n := range d.names {
		names = append(names, n.name)
	}
	return names
}
