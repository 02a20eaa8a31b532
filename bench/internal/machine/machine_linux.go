package machine

import (
	"os"
	"strings"
)

func (i *Info) readSystem() {
	i.Kernel = read("/proc/sys/kernel/osrelease")
	i.Governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	if f := strings.Fields(read("/proc/loadavg")); len(f) >= 3 {
		i.Load = strings.Join(f[:3], " ")
	}
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the CPU is unknown
	i.CPU = cpu(string(text))
}

// read returns a file's first line; nothing if it can't be read.
func read(name string) string {
	b, _ := os.ReadFile(name)
	return firstLine(b)
}

// cpu returns the first processor's name in /proc/cpuinfo, with the numbers that tell
// generations apart where virtual machines hide the name.
func cpu(info string) string {
	first, _, _ := strings.Cut(info, "\n\n")
	field := map[string]string{}
	for line := range strings.Lines(first) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			field[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	s := field["model name"]
	if f := field["cpu family"]; f != "" {
		s += " (family " + f + " model " + field["model"] + " stepping " + field["stepping"] + ")"
	}
	return strings.TrimSpace(s)
}
