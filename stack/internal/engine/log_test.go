package engine

import (
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/log"
)

// As network/ipv4 has one, from before there is a stack.
var early = log.BasicRateLimitedLogger(time.Hour)

func TestQuiet(t *testing.T) {
	New(Options{NoTCP: true}).Destroy()
	if early.IsLogging(log.Info) {
		t.Error("a logger that is older than the stack still writes to standard error")
	}
	if _, ok := log.Log().Emitter.(discard); !ok {
		t.Errorf("gVisor logs to %T", log.Log().Emitter)
	}
}
