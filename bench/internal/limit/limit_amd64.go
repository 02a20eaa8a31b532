package limit

import "golang.org/x/sys/cpu"

// Available says whether Loads can run here.
func Available() bool { return cpu.X86.HasAVX2 }

// Loads loads b in vectors of 32 bytes, eight loads a turn; it loads the end of b
// with one vector that overlaps the one before. Less than 32 bytes are loaded in
// words. Zen 4 does two such loads a cycle, as many bytes as with wider ones.
//
//go:noescape
func Loads(b []byte)

// Call returns at once.
//
//go:noescape
func Call(b []byte, initial uint16) uint16
