package compare

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hextet/hextet/bench/internal/results"
)

// Conditions says what else than the program is different between two runs, one thing a
// line, or that it isn't known.
func Conditions(old, now results.Results) (lines []string) {
	if old.Machine.Go == "" || now.Machine.Go == "" {
		return []string{"nothing is known of the machine of one of them: there is no machine.json beside its rows"}
	}
	a, b := old.Machine, now.Machine
	for _, f := range []struct{ what, old, now string }{
		{"CPU", a.CPU, b.CPU},
		{"cores", fmt.Sprint(a.Cores), fmt.Sprint(b.Cores)},
		{"GOMAXPROCS", fmt.Sprint(a.GOMAXPROCS), fmt.Sprint(b.GOMAXPROCS)},
		{"system", a.System, b.System},
		{"kernel", a.Kernel, b.Kernel},
		{"Go", a.Go, b.Go},
		{"GODEBUG", a.GODEBUG, b.GODEBUG},
		{"governor", a.Governor, b.Governor},
		{"checksum tier", a.Tier, b.Tier},
		{"revision", old.Run.Revision, now.Run.Revision},
		{"command", old.Run.Command, now.Run.Command},
	} {
		if f.old != f.now {
			lines = append(lines, fmt.Sprintf("%s: %s before, %s now", f.what, known(f.old), known(f.now)))
		}
	}
	lines = append(lines, modules(a.Modules, b.Modules)...)
	if a.Busy() || b.Busy() {
		lines = append(lines, fmt.Sprintf("busy: load %s before, %s now, on %d and %d cores", a.Load, b.Load, a.Cores, b.Cores))
	}
	return lines
}

// modules tells of versions that differ. A module that only one run has linked in
// belongs to a peer that came or went.
func modules(old, now map[string]string) (lines []string) {
	all := maps.Clone(old)
	maps.Copy(all, now)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if old[path] != now[path] {
			lines = append(lines, fmt.Sprintf("%s: %s before, %s now", path, known(old[path]), known(now[path])))
		}
	}
	return lines
}

func known(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
