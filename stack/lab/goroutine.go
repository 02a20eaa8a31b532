package lab

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
)

// goroutine is one in a stack dump.
type goroutine struct {
	id      uint64
	state   string
	started bool   // by another one
	by      uint64 // that is; 0: the runtime
	stack   []byte // as the runtime prints it
}

// goroutineID returns the number by which the runtime's stack dumps call the calling goroutine. It is never
// used again after its end.
func goroutineID() uint64 {
	var buf [64]byte
	g, _ := parseGoroutine(buf[:runtime.Stack(buf[:], false)])
	return g.id
}

// parseGoroutine reads a goroutine in a stack dump. The first line is as in "goroutine 7 [chan receive, 2 minutes]:",
// and the one before the last, if another one started it, as in "created by main.main in goroutine 1".
func parseGoroutine(stack []byte) (g goroutine, ok bool) {
	line, rest, _ := bytes.Cut(stack, []byte("\n"))
	line, ok = bytes.CutPrefix(line, []byte("goroutine "))
	if !ok {
		return goroutine{}, false
	}
	number, line, _ := bytes.Cut(line, []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return goroutine{}, false
	}
	if open := bytes.IndexByte(line, '['); open >= 0 { // what stands before is of no matter here
		line = line[open+1:]
	}
	end := bytes.IndexAny(line, ",]")
	if end < 0 {
		end = len(line)
	}
	g = goroutine{id: id, state: string(line[:end]), stack: stack}
	at := bytes.LastIndex(rest, []byte("created by "))
	if g.started = at == 0 || at > 0 && rest[at-1] == '\n'; g.started {
		line, _, _ := bytes.Cut(rest[at:], []byte("\n"))
		if _, by, found := bytes.Cut(line, []byte(" in goroutine ")); found {
			g.by, _ = strconv.ParseUint(string(by), 10, 64)
		}
	}
	return g, true
}

// waits reports whether the goroutine waits for another one, for time or for the world outside. Who waits for
// the runtime works: as it collects garbage, or dumps these very stacks.
func (g goroutine) waits() bool {
	_, stack, _ := bytes.Cut(g.stack, []byte("\n"))
	at, _, _ := bytes.Cut(stack, []byte("("))
	switch g.state {
	case "semacquire": // where an allocation waits for its turn to start a collection too, and calls nobody's function
		return bytes.HasSuffix(at, []byte(".runtime_Semacquire"))
	case "syscall":
		return string(at) == "os/signal.signal_recv" // as it always does
	case "coroutine", "IO wait":
		return true
	}
	for _, waits := range []string{"chan receive", "chan send", "select", "sleep", "sync.", "synctest."} {
		if strings.HasPrefix(g.state, waits) {
			return true
		}
	}
	return false
}

// goroutines are all that there are, by their number.
type goroutines map[uint64]goroutine

// dump stops the world, so what it returns is of one moment.
func dump() goroutines {
	buf := make([]byte, 256<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 256<<20 {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	all := make(goroutines)
	for stack := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
		if g, ok := parseGoroutine(stack); ok {
			all[g.id] = g
		}
	}
	return all
}

// wait reports whether each of those waits or has ended. One without a number, 0, has not begun.
func (all goroutines) wait(ids []uint64) bool {
	for _, id := range ids {
		if g, there := all[id]; id == 0 || there && !g.waits() {
			return false
		}
	}
	return true
}

// works reports whether one of some goroutines works, or one that these may have started, except for one.
func (all goroutines) works(some map[uint64]bool, except uint64) bool {
	for id, g := range all {
		if id != except && !g.waits() && all.mayBeOf(g, some) {
			return true
		}
	}
	return false
}

// mayBeOf reports whether g is one of some goroutines or was started by one of them, or by one that was, and so on.
// Where one on the way has ended, or it is the runtime, nobody can tell, and g may be.
func (all goroutines) mayBeOf(g goroutine, some map[uint64]bool) bool {
	for !some[g.id] {
		if !g.started { // the program's main one
			return false
		}
		by, there := all[g.by]
		if !there {
			return true
		}
		g = by
	}
	return true
}

// allWait is wait now.
func allWait(ids []uint64) bool { return dump().wait(ids) }
