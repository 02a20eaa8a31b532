package engine

import (
	"io"
	rand1 "math/rand"
	"math/rand/v2"

	"github.com/hextet/hextet/stack/internal/turn"
)

// source lets gVisor's RandSource be s. nil stays nil: gVisor then seeds its own.
func source(s rand.Source) rand1.Source {
	if s == nil {
		return nil
	}
	return source1{s}
}

// reader lets gVisor's SecureRNG be s. nil stays nil: gVisor then reads crypto/rand.
func reader(s rand.Source) io.Reader {
	if s == nil {
		return nil
	}
	return turn.Reader(s)
}

// source1 is a source as math/rand has it.
type source1 struct{ rand.Source }

var _ rand1.Source64 = source1{}

func (s source1) Int63() int64 { return int64(s.Uint64() >> 1) }
func (s source1) Seed(int64)   {}
