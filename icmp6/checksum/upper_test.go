package checksum_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Code that returns with the upper halves of Y0 to Y15 in use slows down the SSE code
// after it on some processors, and no result shows it. So the sources are read: no
// path through them may end like that.
func TestUpperHalvesCleared(t *testing.T) {
	files, err := filepath.Glob("*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Skip("SKIP(source): the assembly is not here")
	}
	header, err := os.ReadFile("avx2_amd64.h")
	if err != nil {
		t.Fatal(err)
	}
	using := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range strings.Split(string(src), "\nTEXT ")[1:] {
			faults, uses := upperHalves(expand(string(header), text))
			for _, f := range faults {
				t.Errorf("%s: %s", file, f)
			}
			if uses {
				using++
			}
		}
	}
	if using < 3 { // sum, sumAVX2, copyAVX2
		t.Errorf("%d functions use them: the sources are not understood", using)
	}
}

// upperHalves must see what is wrong, on any path.
func TestUpperHalvesFault(t *testing.T) {
	for _, body := range []string{
		"VPXOR Y0, Y0, Y0\nRET",
		"VMOVDQU (SI), Z15\nJMP ·sum(SB)",
		"VPXOR Y0, Y0, Y0\nJZ out\nVZEROUPPER\nout:\nRET",
		"JMP in\nout:\nRET\nin:\nVPADDD Y1, Y2, Y3\nJMP out",
	} {
		if faults, _ := upperHalves("·f(SB), 0, $0-0\n" + body); len(faults) != 1 {
			t.Errorf("%q: %d faults, want 1", body, len(faults))
		}
	}
	if faults, uses := upperHalves("·f(SB), 0, $0-0\nVPXOR X0, X0, X0\nVPADDD Z16, Z17, Y31\nRET"); len(faults) != 0 || uses {
		t.Errorf("other registers: %v", faults)
	}
}

// expand puts the macros that a header defines in the place of their names.
func expand(header, text string) string {
	for _, m := range strings.Split(header, "\n#define ")[1:] {
		name, body, _ := strings.Cut(m, " ")
		body, _, _ = strings.Cut(body, "\n\n")
		text = strings.ReplaceAll(text, "\t"+name+"\n", strings.NewReplacer("; \\", "", "\\\n", "").Replace(body)+"\n")
	}
	return text
}

func TestExpand(t *testing.T) {
	const header = "// A macro.\n#define ADD \\\n\tVPADDD Y1, Y0, Y0; \\\n\tINCL AX\n\n// Another one.\n#define END \\\n\tRET"
	if got, want := expand(header, "·f(SB)\n\tADD\n\tADDQ AX, BX\n\tEND\n"), "·f(SB)\n\tVPADDD Y1, Y0, Y0\n\tINCL AX\n\tADDQ AX, BX\n\tRET\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

var (
	upperRegister = regexp.MustCompile(`\b[YZ](\d|1[0-5])\b`)
	comment       = regexp.MustCompile(`//.*`)
)

// upperHalves follows all paths through a function, the text after TEXT, and returns
// where one leaves it with upper halves in use, and whether there is such use at all.
func upperHalves(text string) (faults []string, uses bool) {
	lines := strings.Split(comment.ReplaceAllString(text, ""), "\n")
	type state struct {
		line int
		used bool
	}
	seen := map[state]bool{}
	todo := []state{{line: 1}}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.line >= len(lines) || seen[s] {
			continue
		}
		seen[s] = true
		op, args, _ := strings.Cut(strings.TrimSpace(lines[s.line]), " ")
		args = strings.TrimSpace(args)
		next := state{s.line + 1, s.used}
		target := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == args+":" })
		jump := strings.HasPrefix(op, "J")
		switch {
		case op == "VZEROUPPER":
			next.used = false
		case op == "RET", jump && target < 0:
			if s.used {
				faults = append(faults, fmt.Sprintf("%s, line %d: %s %s with upper halves in use", strings.Fields(text)[0], s.line+1, op, args))
			}
		case jump:
			todo = append(todo, state{target, s.used})
		case upperRegister.MatchString(args):
			next.used, uses = true, true
		}
		if op == "RET" || op == "JMP" || op == "UNDEF" {
			continue
		}
		todo = append(todo, next)
	}
	return faults, uses
}
