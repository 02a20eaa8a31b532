package stack

import (
	"sync"
	"sync/atomic"
)

// maxErrors bounds the errors that wait for a socket's next call.
const maxErrors = 16

// errorQueue holds the errors that wait for a socket's next call. No packet is read that came after one of
// them: it was pushed before the packet, so who takes packets, and holds their queue's lock, finds that
// it waits.
type errorQueue struct {
	count atomic.Int32 // of list, read without the lock

	mu   sync.Mutex
	list []*ICMPError
}

// push adds an error, or reports false.
func (e *errorQueue) push(err *ICMPError) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) >= maxErrors {
		return false
	}
	e.list = append(e.list, err)
	e.count.Store(int32(len(e.list)))
	return true
}

// waits reports whether pop would return an error.
func (e *errorQueue) waits() bool { return e.count.Load() > 0 }

// pop returns the oldest error, or nil.
func (e *errorQueue) pop() error {
	if !e.waits() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) == 0 {
		return nil
	}
	err := e.list[0]
	e.list = e.list[1:]
	e.count.Store(int32(len(e.list)))
	return err
}
