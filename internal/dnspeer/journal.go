//go:build unix

package dnspeer

import (
	"bytes"
	"strings"
	"sync"
)

// maxLines is how much of its log is kept of a server.
const maxLines = 2000

// journal keeps the last lines of a log. It may be used from several goroutines.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) >= maxLines {
		j.lines = append(j.lines[:0], j.lines[maxLines/2:]...)
	}
	j.lines = append(j.lines, line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// lineWriter calls line for each full line written to it.
type lineWriter struct {
	line func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.line(string(line))
		w.rest = rest
	}
}

// contains is strings.Contains whatever the case, which differs between versions of the servers.
func contains(line, part string) bool { return strings.Contains(strings.ToLower(line), part) }
