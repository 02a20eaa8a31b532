package lab

// Foreign reports whether a goroutine was noticed that is none of the lab's.
func (l *Lab) Foreign() bool { return l.sched.foreign.Load() }
