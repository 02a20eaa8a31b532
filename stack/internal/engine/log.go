package engine

import (
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/log"
)

// quiet keeps gVisor from writing to standard error, which belongs to the program. Its log is global
// to the process and names no stack, so it can't go to a stack's own logger: what matters to the
// embedder is returned as an error or counted.
var quiet = sync.OnceFunc(func() {
	// SetTarget replaces the global logger. Loggers that were derived from it before, when packages
	// were initialised, keep the old one: IPv4's about martian packets, which any peer can make it use.
	log.SetLevel(log.Warning)
	log.SetTarget(discard{})
})

type discard struct{}

func (discard) Emit(int, log.Level, time.Time, string, ...any) {}
