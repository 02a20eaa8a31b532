package machine

import (
	"context"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// Revision names the source that this program was built from, and whether it was changed since:
// by what the linker noted, else by git, which is asked only in the directory of the
// program's own module.
func Revision(ctx context.Context) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if r := noted(info.Settings); r != "" {
		return r
	}
	if mod, err := os.ReadFile("go.mod"); err != nil || !strings.HasPrefix(string(mod), "module "+info.Main.Path+"\n") {
		return "unknown"
	}
	return described(ctx)
}

// noted is the revision among a build's settings. Empty: it has none, as with go run.
func noted(settings []debug.BuildSetting) (revision string) {
	dirty := ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}

// described asks git.
func described(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // it looks at every file
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return firstLine(out)
}
