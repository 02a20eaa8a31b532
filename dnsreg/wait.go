package dnsreg

// Waiter is a Clock that has to know who waits: one whose time stands still while anybody has something left
// to do, as that of a simulated network does. On such a Clock a Registrar waits through Wait, for the time, for
// the Source and for its turn, and starts its goroutines by Go.
type Waiter interface {
	Clock
	// Wait returns when ready returns true, or when the Clock has come to an end. ready is called from any
	// goroutine each time that something may have changed, and does not block.
	Wait(ready func() bool)
	// Go runs f on a goroutine of its own.
	Go(f func())
}

// await receives from one of the channels, of those that are ready the first, and returns it. At most five
// may be given. A channel is one that is closed some time or has room for tokens; nil is never ready.
func await(c Clock, channels ...<-chan struct{}) <-chan struct{} {
	if w, ok := c.(Waiter); ok {
		w.Wait(func() bool { return firstReady(channels) != nil })
	}
	if ch := firstReady(channels); ch != nil {
		select {
		case <-ch:
			return ch
		default: // somebody else has taken the token
		}
	}
	var ch [5]<-chan struct{}
	copy(ch[:], channels)
	select {
	case <-ch[0]:
		return ch[0]
	case <-ch[1]:
		return ch[1]
	case <-ch[2]:
		return ch[2]
	case <-ch[3]:
		return ch[3]
	case <-ch[4]:
		return ch[4]
	}
}

// firstReady returns the first channel of which a receive would not block, nil if there is none. Tokens stay
// where they are.
func firstReady(channels []<-chan struct{}) <-chan struct{} {
	for _, ch := range channels {
		if cap(ch) > 0 {
			if len(ch) > 0 {
				return ch
			}
			continue
		}
		select {
		case <-ch:
			return ch
		default:
		}
	}
	return nil
}

// start runs f on a goroutine of its own, the Clock's if it has some.
func start(c Clock, f func()) {
	if w, ok := c.(Waiter); ok {
		w.Go(f)
		return
	}
	go f()
}
