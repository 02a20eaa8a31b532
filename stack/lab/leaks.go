package lab

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"
)

var labs atomic.Uint64

// newLabel returns what goroutines of one lab's tasks, and those that they start, are labelled with.
func newLabel() string { return fmt.Sprint(labs.Add(1)) }

// leaks returns an error that names the goroutines that tasks have started and that do not end.
func (l *Lab) leaks() error {
	var left []string
	began := time.Now()
	for pause := quietPause; ; pause *= 2 {
		if left = labelled(l.label); len(left) == 0 {
			return nil
		}
		if time.Since(began) > leakPatience {
			break
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("lab: goroutines that tasks have started are left (Config.AllowLeaks):\n%s", strings.Join(left, "\n"))
}

// labelled returns the stacks of the goroutines with a label, as the goroutine profile has them: those with
// equal stacks together, after their number.
func labelled(label string) []string {
	var b bytes.Buffer
	if pprof.Lookup("goroutine").WriteTo(&b, 1) != nil {
		return nil // what can't be told is no error
	}
	return selectLabelled(b.String(), label)
}

func selectLabelled(profile, label string) []string {
	var found []string
	for entry := range strings.SplitSeq(profile, "\n\n") {
		_, labels, ok := strings.Cut(entry, "\n# labels: ")
		labels, stack, _ := strings.Cut(labels, "\n")
		if !ok || !strings.Contains(labels, fmt.Sprintf("%q:%q", "lab", label)) {
			continue
		}
		count, _, _ := strings.Cut(entry, " @")
		_, task, _ := strings.Cut(labels, `"lab.task":`)
		task, _, _ = strings.Cut(task, "}")
		found = append(found, fmt.Sprintf("\t%s started by task %s:\n%s", strings.TrimSpace(count), task, indent([]byte(stack))))
	}
	return found
}
