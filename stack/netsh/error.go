package netsh

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrSyntax is what errors.Is finds in the error about a line that is not in the language.
var ErrSyntax = errors.New("netsh: syntax")

// ErrExit is what Run returns for bye, exit and quit.
var ErrExit = errors.New("netsh: bye")

// An Error says what is wrong with a line, and where.
type Error struct {
	Command string // as far as it was understood, in full words: "interface ipv4 add address"
	Word    string // that is wrong. Empty: none, or one that is missing
	Column  int    // of Word in the line, in bytes from 1. 0: no word
	Problem string // with it
	Want    string // instead. Empty: nothing in particular
	Nearest string // of what is wanted, if Word looks like a slip of it

	// Err is ErrSyntax, errors.ErrUnsupported for what Windows has and a Stack has not, an errno, or what
	// the stack or the Registrar said.
	Err error
}

// maxShown is how much of a word an error repeats, in bytes.
const maxShown = 64

// Error returns one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("netsh: ")
	if e.Command != "" {
		b.WriteString(e.Command + ": ")
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, "%s at column %d: ", quoted(e.Word), e.Column)
	}
	b.WriteString(e.Problem)
	if e.Want != "" {
		b.WriteString("; want " + e.Want)
	}
	if e.Nearest != "" {
		b.WriteString("; did you mean " + e.Nearest + "?")
	}
	return strings.ReplaceAll(b.String(), "\n", "; ") // joined errors have a line each
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// quoted shows a word whatever is in it, in bounded length.
func quoted(s string) string {
	if len(s) > maxShown {
		return fmt.Sprintf("%.*q...", maxShown, s)
	}
	return fmt.Sprintf("%q", s)
}

// problem is an Error of some kind that does not yet know its word.
func problem(kind error, format string, args ...any) *Error {
	return &Error{Problem: fmt.Sprintf(format, args...), Err: kind}
}

// wanting adds what is wanted instead.
func (e *Error) wanting(format string, args ...any) *Error {
	e.Want = fmt.Sprintf(format, args...)
	return e
}

// at adds the word that an error is about, unless it knows one.
func (e *Error) at(w word) *Error {
	if e.Column == 0 {
		e.Word, e.Column = w.text, w.column
	}
	return e
}

// oneOf lists what is possible, and which of it s is nearest to.
func (e *Error) oneOf(s string, names []string) *Error {
	e.Want, e.Nearest = alternatives(names), nearest(s, names)
	return e
}

// alternatives joins names as prose does.
func alternatives(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

// nearest returns the name that s is most likely a slip of, or "".
func nearest(s string, names []string) string {
	s = strings.ToLower(s)
	if len(s) < 2 || len(s) > maxShown {
		return ""
	}
	best, at := "", max(1, len(s)/3)+1
	for _, name := range names {
		if d := distance(s, strings.ToLower(name)); d < at {
			best, at = name, d
		}
	}
	return best
}

// distance is how many bytes to insert, delete or replace, or neighbours to swap, to make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, slices.Clone(before)
	}
	return last[len(b)]
}
