package machine

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

func TestNoted(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "b19237512345678901234567890123456789abcd"}
	for _, tt := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, ""},
		{[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, ""},
		{[]debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}, "b19237512345"},
		{[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, revision}, "b19237512345-dirty"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "7"}}, "7"},
	} {
		if got := noted(tt.settings); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.settings, got, tt.want)
		}
	}
}

// Git names the revision of the directory, and of a directory that has none it is unknown.
func TestDescribed(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIP(git): there is no git")
	}
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", dir)
	t.Chdir(dir)
	if got := described(t.Context()); got != "unknown" {
		t.Errorf("outside of a repository: %q", got)
	}
	const who = "-c user.name=a -c user.email=a@example.com "
	for _, args := range []string{"init -q", who + "commit -q --allow-empty --no-gpg-sign -m x", who + "tag --no-sign -m x v1"} {
		if out, err := exec.CommandContext(t.Context(), "git", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	if got := described(t.Context()); got != "v1" {
		t.Errorf("at a tag: %q", got)
	}
}

// Where the working directory is another module's, its revision is not the program's.
func TestRevisionElsewhere(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && noted(info.Settings) != "" {
		t.Skip("SKIP(vcs): the linker noted the revision")
	}
	t.Chdir("../../..")
	if got := Revision(t.Context()); got != "unknown" {
		t.Errorf("%q", got)
	}
}
