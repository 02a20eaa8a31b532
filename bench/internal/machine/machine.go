// Package machine says on what a measurement was made: a figure without its machine
// is no figure.
package machine

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/hextet/hextet/icmp6/checksum"
)

// Info describes machine and program. What can't be found out is empty.
type Info struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`      // that this process may use
	GOMAXPROCS int    `json:"gomaxprocs"` // that Go uses
	System     string `json:"system"`     // GOOS/GOARCH
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	GODEBUG    string `json:"godebug"`
	Governor   string `json:"governor"` // of processor 0's frequency
	Load       string `json:"load"`     // averages over 1, 5 and 15 minutes
	Tier       string `json:"tier"`     // of the checksum

	Modules map[string]string `json:"modules"` // versions of what was linked in, by path
}

// Read looks at the machine as it is now.
func Read() Info {
	i := Info{
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		GODEBUG: os.Getenv("GODEBUG"), Tier: checksum.Implementation(), Modules: modules(),
	}
	i.readSystem()
	return i
}

// modules returns the versions of the modules that were linked in, peers above all.
func modules() map[string]string {
	m := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, d := range info.Deps {
		if d.Replace == nil { // hextet itself comes from the directory above
			m[d.Path] = d.Version
		}
	}
	return m
}

// Busy says whether others use so much of the machine that figures will spread.
func (i Info) Busy() bool {
	first, _, _ := strings.Cut(i.Load, " ")
	load, err := strconv.ParseFloat(first, 64)
	return err == nil && load > float64(i.Cores)/2
}

// Write writes the description in a few lines for people.
func (i Info) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CPU %s, %d cores, GOMAXPROCS %d, governor %s, load %s\n", known(i.CPU), i.Cores, i.GOMAXPROCS, known(i.Governor), known(i.Load))
	fmt.Fprintf(&b, "%s %s, kernel %s, checksum tier %s", i.Go, i.System, known(i.Kernel), i.Tier)
	if i.GODEBUG != "" {
		fmt.Fprintf(&b, ", GODEBUG=%s", i.GODEBUG)
	}
	b.WriteByte('\n')
	for _, path := range slices.Sorted(maps.Keys(i.Modules)) {
		fmt.Fprintf(&b, "%s %s\n", path, i.Modules[path])
	}
	if i.Busy() {
		fmt.Fprintf(&b, "The machine is busy: expect wide spreads, and nothing of two readers.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func known(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// firstLine returns the text before the first line break, without spaces around it.
func firstLine(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(s)
}
