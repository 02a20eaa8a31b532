package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A storyStep is a kind of step of a story. Its usage is its grammar:
//
//	NAME          an argument, of the kind that storyKinds has by this name
//	[NAME]        one that may be left out
//	NAME...       one or more, up to the end of the line; [NAME...]: or none
//	[name=NAME]   an option, in any place
//	[word]        a flag, in any place
type storyStep struct {
	name  string // one word or more
	usage string
	does  string
	run   func(*tale, *storyLine) (output string, err error)

	words   []string // of the name
	grammar storyGrammar
}

// storyKinds are the kinds of arguments: what is expected in their place, and whether a word is that. A kind
// that is not here is any word. With ",..." a kind is a list without blanks.
var storyKinds = map[string]struct {
	want string
	ok   func(string) bool
}{
	"N":        {"a number up to 2147483647", func(s string) bool { _, err := strconv.ParseUint(s, 10, 31); return err == nil }},
	"SHARE":    {"a share from 0 to 1", func(s string) bool { f, err := strconv.ParseFloat(s, 64); return err == nil && f >= 0 && f <= 1 }},
	"TIME":     {"a duration, such as 10ms, 1h or 30d", func(s string) bool { _, err := storyDuration(s); return err == nil }},
	"ADDRESS":  {"an IP address", func(s string) bool { _, err := netip.ParseAddr(s); return err == nil }},
	"PREFIX":   {"an address and the length of its prefix, such as 2001:db8::1/64", func(s string) bool { _, err := netip.ParsePrefix(s); return err == nil }},
	"PORT":     {"a port from 1 to 65535", isPort},
	"HEX":      {"16 bits in hexadecimal, such as 0 or dead", func(s string) bool { _, err := strconv.ParseUint(s, 16, 16); return err == nil }},
	"BYTE":     {"a number up to 255", func(s string) bool { _, err := strconv.ParseUint(s, 10, 8); return err == nil }},
	"ENDPOINT": {"an address or a name, a colon and a port, such as 203.0.113.5:25 or [2001:db8::1]:25", isEndpoint},
}

func isEndpoint(s string) bool {
	host, port, ok := cutLast(s, ":")
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	return ok && host != "" && isPort(port) && (bracketed || !strings.Contains(host, ":"))
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// storyDuration is time.ParseDuration with days.
func storyDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, e := strconv.ParseUint(days, 10, 16)
		d, err = time.Duration(n)*24*time.Hour, e
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	return d, nil
}

// storyGrammar is what a usage says.
type storyGrammar struct {
	args    []storyArg
	options map[string]string // kind by name
	flags   []string
}

type storyArg struct {
	kind           string
	optional, many bool
}

func grammarOf(usage string) storyGrammar {
	g := storyGrammar{options: make(map[string]string)}
	for _, w := range strings.Fields(usage) {
		inner, optional := strings.CutPrefix(w, "[")
		inner = strings.TrimSuffix(inner, "]")
		name, kind, isOption := strings.Cut(inner, "=")
		switch {
		case isOption:
			g.options[name] = kind
		case optional && inner == strings.ToLower(inner):
			g.flags = append(g.flags, inner)
		default:
			kind, many := strings.CutSuffix(inner, "...")
			g.args = append(g.args, storyArg{kind, optional, many})
		}
	}
	return g
}

// read takes the words of a step apart.
func (g storyGrammar) read(l *storyLine, words []storyWord) error {
	l.options, l.flags = make(map[string]string), make(map[string]bool)
	for _, w := range words {
		rest := len(l.args) >= len(g.args) && len(g.args) > 0 && g.args[len(g.args)-1].many // its words are its own
		name, value, isOption := strings.Cut(w.text, "=")
		kind, known := g.options[name]
		switch {
		case slices.Contains(g.flags, w.text):
			l.flags[w.text] = true
		case isOption && known:
			if _, twice := l.options[name]; twice {
				return l.wrong(w, "%s= is there twice", name)
			}
			if err := checkKind(l, w, kind, value); err != nil {
				return err
			}
			l.options[name] = value
		case len(l.args) < len(g.args) || rest:
			if err := checkKind(l, w, g.args[min(len(l.args), len(g.args)-1)].kind, w.text); err != nil {
				return err
			}
			l.args = append(l.args, w.text)
		default:
			return l.wrong(w, "%s is expected", alternatives(g.more()))
		}
	}
	if n := len(l.args); n < len(g.args) && !g.args[n].optional {
		return l.wrong(storyWord{}, "%s is missing: %s", g.args[n].kind, l.step.name+" "+l.step.usage)
	}
	return nil
}

// more lists what may stand where all arguments are there.
func (g storyGrammar) more() []string {
	var all []string
	for name, kind := range g.options {
		all = append(all, name+"="+kind)
	}
	all = append(all, g.flags...)
	slices.Sort(all)
	return append(all, "the end of the line")
}

func alternatives(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}

// checkKind reports a value that is not of its kind.
func checkKind(l *storyLine, w storyWord, kind, value string) error {
	values := []string{value}
	if one, isList := strings.CutSuffix(kind, ",..."); isList {
		kind, values = one, strings.Split(value, ",")
	}
	for _, v := range values {
		if v == "" {
			return l.wrong(w, "%s is expected, not nothing", kind)
		}
		if k, ok := storyKinds[kind]; ok && !k.ok(v) {
			return l.wrong(w, "%s is expected", k.want)
		}
	}
	return nil
}
