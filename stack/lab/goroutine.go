package lab

import (
	"bytes"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// goroutineID returns the number by which the runtime's stack dumps call the calling goroutine. It is never
// used again after its end.
func goroutineID() uint64 {
	var buf [64]byte
	id, _, _ := parseGoroutine(buf[:runtime.Stack(buf[:], false)])
	return id
}

// parseGoroutine reads the first line of a goroutine in a stack dump: "goroutine 7 [chan receive, 2 minutes]:".
func parseGoroutine(line []byte) (id uint64, state string, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("goroutine "))
	if !ok {
		return 0, "", false
	}
	number, rest, _ := bytes.Cut(rest, []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return 0, "", false
	}
	if open := bytes.IndexByte(rest, '['); open >= 0 { // what stands before is of no matter here
		rest = rest[open+1:]
	}
	end := bytes.IndexAny(rest, ",]")
	if end < 0 {
		end = len(rest)
	}
	return id, string(rest[:end]), true
}

// waits reports whether a goroutine in that state waits for another one, or for time.
func waits(state string) bool {
	switch state {
	case "running", "runnable", "syscall", "preempted", "copystack", "dead", "":
		return false
	}
	return !strings.HasPrefix(state, "GC ")
}

// dump returns the stacks of all goroutines by their number, each as the runtime prints it.
func dump() map[uint64][]byte {
	buf := make([]byte, 256<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 256<<20 {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	all := make(map[uint64][]byte)
	for g := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
		if id, _, ok := parseGoroutine(g); ok {
			all[id] = g
		}
	}
	return all
}

// allWait reports whether each of the goroutines waits or has ended. One without a number, 0, has not begun.
func allWait(ids []uint64) bool {
	if slices.Contains(ids, 0) {
		return false
	}
	all := dump()
	for _, id := range ids {
		g, there := all[id]
		if _, state, _ := parseGoroutine(g); there && !waits(state) {
			return false
		}
	}
	return true
}
