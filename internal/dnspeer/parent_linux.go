package dnspeer

import "syscall"

// dieWithParent has the kernel kill the server when the thread that started it ends, as it does with a test that
// panics or takes too long.
var dieWithParent = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
