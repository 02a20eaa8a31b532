package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFile bounds what is read of a configuration or key file.
const maxFile = 1 << 20

// entry is a line of the configuration file.
type entry struct {
	line       int
	key, value string
}

// readConfigFile reads and checks a file.
func readConfigFile(name string) ([]entry, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	entries, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", name, err)
	}
	return entries, nil
}

func readFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	return string(b), err
}

// parseConfig returns the lines of a configuration, all of them valid, or all that is wrong with it.
func parseConfig(text string) ([]entry, error) {
	knobs := defaults().knobs()
	var entries []entry
	var errs []error
	first := make(map[string]int) // line by key
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		e, err := parseLine(number, line, knobs)
		if err == nil {
			before := first[e.key]
			if _, many := find(knobs, e.key).value.(repeated); before != 0 && !many {
				err = fmt.Errorf("%s is given a second time, after line %d", e.key, before)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		first[e.key] = number
		entries = append(entries, e)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return entries, nil
}

func parseLine(number int, line string, knobs []knob) (entry, error) {
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	k := find(knobs, key)
	switch {
	case !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }):
		return entry{}, fmt.Errorf("%q is not text", line)
	case !ok:
		return entry{}, fmt.Errorf("%q is not of the form key = value", line)
	case k == nil:
		return entry{}, fmt.Errorf("there is no key %q; there are %s", key, keys(knobs))
	case value == "":
		return entry{}, fmt.Errorf("%s has no value: leave the line out, or make it a comment with #", key)
	case strings.Contains(value, " #") || strings.Contains(value, "\t#"):
		return entry{}, fmt.Errorf("%s = %s: a comment needs a line of its own", key, value)
	}
	if err := k.value.Set(value); err != nil {
		return entry{}, fmt.Errorf("%s = %s: %w", key, value, err)
	}
	return entry{number, key, value}, nil
}

// apply sets what the file says, except what the command line has said.
func apply(entries []entry, knobs []knob, given map[string]bool) error {
	for _, e := range entries {
		if given[e.key] {
			continue
		}
		if err := find(knobs, e.key).value.Set(e.value); err != nil {
			return fmt.Errorf("line %d: %w", e.line, err)
		}
	}
	return nil
}

func find(knobs []knob, key string) *knob {
	for i := range knobs {
		if knobs[i].key == key {
			return &knobs[i]
		}
	}
	return nil
}

func keys(knobs []knob) string {
	var all []string
	for _, k := range knobs {
		all = append(all, k.key)
	}
	return strings.Join(all, ", ")
}

// printConfig writes a configuration file that explains itself: every setting with its value, and those
// without one as a comment.
func printConfig(w io.Writer, s *settings) error {
	b := bufio.NewWriter(w)
	b.WriteString("# Configuration of register: key = value, one a line; # begins a line of comment.\n" +
		"# A flag of the same name on the command line goes before all lines of that key.\n")
	for _, k := range s.knobs() {
		fmt.Fprintf(b, "\n# %s\n", strings.ReplaceAll(k.help, "\n", "\n# "))
		values := []string{k.value.String()}
		if r, ok := k.value.(repeated); ok {
			values = r.texts()
		}
		if len(values) == 0 || values[0] == "" {
			fmt.Fprintf(b, "#%s = %s\n", k.key, k.example)
			continue
		}
		for _, v := range values {
			fmt.Fprintf(b, "%s = %s\n", k.key, v)
		}
	}
	return b.Flush()
}
