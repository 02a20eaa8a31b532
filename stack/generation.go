package stack

import "sync/atomic"

// generation numbers the states of what decides where a packet goes and from which source: addresses
// with their flags, routes, policy, interfaces, path MTUs. Whoever changes one of these bumps it
// afterwards; who keeps a decision reads it before deciding and asks again once it has moved on.
type generation struct{ n atomic.Uint64 }

func (g *generation) now() uint64 { return g.n.Load() }
func (g *generation) bump()       { g.n.Add(1) }
