package dnsreg

import (
	"context"
	"testing"
	"testing/synctest"
)

// What runs because a context has ended is over once stop returns.
func TestOnEndIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release, over := make(chan struct{}), false
		stop := onEnd(ctx, hostClock{}, func() {
			<-release
			over = true
		})
		cancel()
		synctest.Wait() // it runs
		stopped := false
		go func() {
			stop()
			stopped = over
			if !over {
				t.Error("stop has returned, and it still runs")
			}
		}()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if !stopped {
			t.Error("stop does not return")
		}
	})
}

// A context that has not ended costs nothing.
func TestOnEndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		onEnd(ctx, hostClock{}, func() { t.Error("called after stop") })()
		cancel()
		synctest.Wait()
	})
}
