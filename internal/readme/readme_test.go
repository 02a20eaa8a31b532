package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// README shows examples/hello: its main function as it is, and what it prints.
func TestHello(t *testing.T) {
	readme, program := read(t, "README.md"), read(t, "examples/hello/main.go")
	start := strings.Index(program, "func main()")
	end := strings.Index(program, "\n}\n") + len("\n}\n")
	if start < 0 || end < start {
		t.Fatal("examples/hello has no main function")
	}
	if !strings.Contains(readme, "```go\n"+program[start:end]+"```") {
		t.Errorf("README does not show main of examples/hello:\n%s", program[start:end])
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/hello")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go run ./examples/hello: %v", err)
	}
	if !strings.Contains(readme, "```\n"+string(out)+"```") {
		t.Errorf("README does not show what examples/hello prints:\n%s", out)
	}
}

// README's links to files lead somewhere.
func TestLinks(t *testing.T) {
	readme := read(t, "README.md")
	links := 0
	for rest := readme; ; links++ {
		_, after, ok := strings.Cut(rest, "](")
		if !ok {
			break
		}
		var target string
		target, rest, _ = strings.Cut(after, ")")
		if _, err := os.Stat(filepath.Join("../..", target)); err != nil && !strings.Contains(target, "://") {
			t.Errorf("README links to %s: %v", target, err)
		}
	}
	if links < 5 {
		t.Errorf("only %d links found", links)
	}
}
