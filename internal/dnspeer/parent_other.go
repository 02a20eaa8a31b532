//go:build unix && !linux

package dnspeer

import "syscall"

// dieWithParent does nothing: a test that panics leaves its servers behind.
var dieWithParent *syscall.SysProcAttr
