package peertest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reason is how a skip begins, so that whoever reads `go test -v` can search for all of them.
var reason = regexp.MustCompile("^[\"`]SKIP\\(([a-z]+|%s)\\): ")

// unsaid returns the places of a file that skip a test and don't begin to say why, and how many skip.
func unsaid(set *token.FileSet, file *ast.File) (places []string, skips int) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "Skip" && f.Sel.Name != "Skipf" && f.Sel.Name != "SkipNow" {
			return true
		}
		skips++
		if len(call.Args) > 0 {
			if text, ok := call.Args[0].(*ast.BasicLit); ok && reason.MatchString(text.Value) {
				return true
			}
		}
		places = append(places, fmt.Sprint(set.Position(call.Pos())))
		return true
	})
	return places, skips
}

// No test of the repository skips without SKIP(word) and a reason.
func TestSkipsSayWhy(t *testing.T) {
	set, all := token.NewFileSet(), 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		places, skips := unsaid(set, file)
		for _, p := range places {
			t.Errorf("%s: a skip begins with \"SKIP(word): \"", p)
		}
		all += skips
		return nil
	})
	if err != nil || all < 10 {
		t.Errorf("%d skips found, %v: the sources are not understood", all, err)
	}
}

func TestUnsaid(t *testing.T) {
	const src = `package p
func f(t *testing.T) {
	t.Skip("SKIP(short): said"); t.Skipf("SKIP(%s): %v", w, err)
	t.Skip(err); t.SkipNow(); t.Skipf("because %v", err); t.Skip("SKIP(): no word")
}`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if places, skips := unsaid(set, file); len(places) != 4 || skips != 6 {
		t.Errorf("%d of %d: %v", len(places), skips, places)
	}
}
