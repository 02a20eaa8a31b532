package engine

import (
	"io"
	rand1 "math/rand"
	"math/rand/v2"

	"github.com/hextet/hextet/stack/internal/turn"
)

// source lets gVisor's RandSource be s. Without one it is the runtime's, which takes neither a lock nor, as
// gVisor's own does, 5 KiB.
func source(s rand.Source) rand1.Source {
	if s == nil {
		s = runtimeSource{}
	}
	return source1{s}
}

type runtimeSource struct{}

func (runtimeSource) Uint64() uint64 { return rand.Uint64() }

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
