package netsh

import (
	"strings"
	"unicode"
)

// A word of a line, without the quotes around it or around a part of it.
type word struct {
	text   string
	column int  // of its first byte in the line, from 1
	eq     int  // where in text the first = outside of quotes is, else -1
	quoted bool // some of it was in quotes
}

// split takes a line apart at white space outside of double quotes. What stands in quotes is taken as it
// is: there is no way to write a quote itself, as in Windows. A quote that is not closed goes on to the end
// of the line, and open says where it is, else 0.
func split(line string) (words []word, open int) {
	var text strings.Builder
	var w word
	inside := false
	end := func() {
		if inside {
			w.text = text.String()
			words = append(words, w)
			text.Reset()
			inside = false
		}
	}
	for i, r := range line {
		if open == 0 && unicode.IsSpace(r) {
			end()
			continue
		}
		if !inside {
			w, inside = word{column: i + 1, eq: -1}, true
		}
		switch {
		case r == '"' && open == 0:
			open, w.quoted = i+1, true
		case r == '"':
			open = 0
		default:
			if r == '=' && open == 0 && w.eq < 0 {
				w.eq = text.Len()
			}
			text.WriteString(line[i : i+runeLen(line[i:], r)])
		}
	}
	end()
	return words, open
}

// runeLen is how many bytes r, the first of s, takes there: one if it is none.
func runeLen(s string, r rune) int {
	if r == unicode.ReplacementChar && !strings.HasPrefix(s, string(r)) {
		return 1
	}
	return len(string(r))
}

// is reports whether a word that is not quoted is one of these.
func (w word) is(texts ...string) bool {
	for _, t := range texts {
		if !w.quoted && strings.EqualFold(w.text, t) {
			return true
		}
	}
	return false
}

// quote returns s as a line can have it.
func quote(s string) string {
	if s == "" || strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "=") || s == "?" || s == "/?" {
		return `"` + s + `"`
	}
	return s
}
