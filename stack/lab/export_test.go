package lab

import "time"

// SetLeakPatience, SetClosePatience and SetHelpPatience let tests wait for less, until undone.
func SetLeakPatience(d time.Duration) (undo func())  { return set(&leakPatience, d) }
func SetClosePatience(d time.Duration) (undo func()) { return set(&closePatience, d) }
func SetHelpPatience(d time.Duration) (undo func())  { return set(&helpPatience, d) }

func set[T any](at *T, to T) (undo func()) {
	was := *at
	*at = to
	return func() { *at = was }
}

// Foreign reports whether a goroutine that is not the lab's was noticed.
func (l *Lab) Foreign() bool { return l.sched.foreign.Load() }
