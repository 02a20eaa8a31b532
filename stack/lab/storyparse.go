package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A StoryError says what is wrong with a line of a story.
type StoryError struct {
	File    string // as it was given
	Line    int    // from 1
	Column  int    // of Word, in bytes from 1; 0: no word
	Word    string // that is wrong. Empty: none, or one that is missing
	Problem string // what was expected, or what went wrong
}

func (e *StoryError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
	}
	return fmt.Sprintf("%s:%d:%d: %q: %s", e.File, e.Line, e.Column, e.Word, e.Problem)
}

const (
	maxStory      = 1 << 20 // bytes
	maxStoryRange = 1000    // lines that one with a range stands for
)

// storyLine is a step as it is written, and what is expected beneath it.
type storyLine struct {
	file string
	n    int // line number
	text string
	want []string // as it is written

	host    string // of "host> line"; empty: a step
	command string // what the host runs
	step    *storyStep
	words   []storyWord // behind the step's name
	args    []string
	options map[string]string
	flags   map[string]bool
}

// wrong returns a *StoryError about a word of the line; about the line if the word is empty.
func (l *storyLine) wrong(w storyWord, format string, args ...any) error {
	return &StoryError{File: l.file, Line: l.n, Column: w.at, Word: w.text, Problem: fmt.Sprintf(format, args...)}
}

// word finds an argument, or a value of an option.
func (l *storyLine) word(text string) storyWord {
	for _, w := range l.words {
		if w.text == text {
			return w
		}
		name, values, _ := strings.Cut(w.text, "=")
		at := len(name) + 1
		for value := range strings.SplitSeq(values, ",") {
			if value == text {
				return storyWord{text: text, at: w.column(at)}
			}
			at += len(value) + 1
		}
	}
	return storyWord{text: text, at: 1} // host> line
}

// duration and number are of options that were checked; zero is what is there without one.
func (l *storyLine) duration(name string, zero time.Duration) time.Duration {
	if d, err := storyDuration(l.options[name]); err == nil {
		return d
	}
	return zero
}

func (l *storyLine) number(name string, zero int) int {
	if n, err := strconv.Atoi(l.options[name]); err == nil {
		return n
	}
	return zero
}

func (l *storyLine) share(name string) float64 {
	f, _ := strconv.ParseFloat(l.options[name], 64)
	return f
}

// list returns the values of an option; nil if it is not there.
func (l *storyLine) list(name string) []string {
	if l.options[name] == "" {
		return nil
	}
	return strings.Split(l.options[name], ",")
}

// story is a text taken apart. Lines that are no steps, comments and blank ones, stay as they are.
type story struct {
	items []storyItem
}

type storyItem struct {
	comment string // or a blank line, if line is nil
	line    *storyLine
}

// parseStory reads a story and refuses it at the first word that can't be meant.
func parseStory(file, text string) (*story, error) {
	if len(text) > maxStory {
		return nil, &StoryError{File: file, Line: 1, Problem: fmt.Sprintf("the story has %d bytes, more than %d", len(text), maxStory)}
	}
	s := new(story)
	var last *storyLine // that output belongs to
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			s.items = append(s.items, storyItem{})
		case line[0] == '#':
			s.items = append(s.items, storyItem{comment: line})
			last = nil
		case line[0] == ' ' || line[0] == '\t':
			if last == nil {
				return nil, &StoryError{File: file, Line: i + 1, Problem: "output is expected beneath a step, and steps begin in the first column"}
			}
			s.dropBlanks()
			last.want = append(last.want, line)
		default:
			last = &storyLine{file: file, n: i + 1, text: line}
			if err := last.parse(); err != nil {
				return nil, err
			}
			s.items = append(s.items, storyItem{line: last})
		}
	}
	return s, nil
}

// dropBlanks takes out the blank lines within output, which does not have any.
func (s *story) dropBlanks() {
	for n := len(s.items) - 1; s.items[n].line == nil; n-- {
		s.items = s.items[:n]
	}
}

var storyPrompt = regexp.MustCompile(`^([^\s">]+)>(?:\s+(.*))?$`)

// parse takes one line apart; of a line with a range, the first and the last of those that it stands for.
func (l *storyLine) parse() error {
	texts, err := l.expand()
	if err != nil {
		return err
	}
	if texts == nil {
		return l.parseOne()
	}
	for _, text := range []string{texts[0], texts[len(texts)-1]} {
		if err := l.with(text).parseOne(); err != nil {
			return err
		}
	}
	return nil
}

// with is one of the lines that l stands for.
func (l *storyLine) with(text string) *storyLine { return &storyLine{file: l.file, n: l.n, text: text} }

// parseOne takes a line without a range apart.
func (l *storyLine) parseOne() error {
	if m := storyPrompt.FindStringSubmatch(l.text); m != nil {
		l.host, l.command = m[1], strings.TrimSpace(m[2])
		return nil
	}
	words, err := l.split()
	if err != nil {
		return err
	}
	var n int
	if l.step, n = findStep(words); l.step == nil {
		return l.wrong(words[0], "a step is expected: %s", alternatives(stepNames()))
	}
	l.words = words[n:]
	if err := l.step.grammar.read(l, l.words); err != nil {
		return err
	}
	return l.parseFilter()
}

// parseFilter refuses a filter that is none before the story begins.
func (l *storyLine) parseFilter() error {
	if !strings.Contains(l.step.usage, "FILTER") {
		return nil
	}
	if _, err := ParseFilter(l.filter()); err != nil {
		return l.wrong(storyWord{}, "%s", strings.TrimPrefix(err.Error(), "lab: "))
	}
	return nil
}

// filter is the text of the filter that ends the arguments.
func (l *storyLine) filter() string {
	i := slices.IndexFunc(l.step.grammar.args, func(a storyArg) bool { return a.kind == "FILTER" })
	return strings.Join(l.args[min(i, len(l.args)):], " ")
}

// storyWord is a word, without its quotes, and where it is.
type storyWord struct {
	text   string
	at     int   // from 1; 0: nowhere
	quotes []int // each was before this byte of text, or, one that opened, before the byte before it
}

// column is where a part of the word is that begins with the ith byte of text: its quote, if it begins with one.
func (w storyWord) column(i int) int {
	column := w.at + i
	for _, q := range w.quotes {
		if q <= i {
			column++
		}
	}
	return column
}

// split cuts the line into words. Double quotes hold together what has blanks.
func (l *storyLine) split() ([]storyWord, error) {
	var words []storyWord
	var w strings.Builder
	var quotes []int
	at, quote := 0, 0
	for i := 0; i <= len(l.text); i++ {
		switch {
		case i == len(l.text) || quote == 0 && (l.text[i] == ' ' || l.text[i] == '\t'):
			if at > 0 {
				words = append(words, storyWord{w.String(), at, quotes})
			}
			w.Reset()
			at, quotes = 0, nil
			continue
		case at == 0:
			at = i + 1
		}
		switch {
		case l.text[i] != '"':
			w.WriteByte(l.text[i])
		case quote == 0:
			quote, quotes = i+1, append(quotes, w.Len()+1)
		default:
			quote, quotes = 0, append(quotes, w.Len())
		}
	}
	if quote > 0 {
		return nil, l.wrong(storyWord{text: l.text[quote-1:], at: quote}, "the quote is not closed")
	}
	return words, nil
}

// findStep returns the step that words begin with, and how many of them are its name: the longest.
func findStep(words []storyWord) (found *storyStep, n int) {
	for i := range storySteps {
		name := storySteps[i].words
		if storySteps[i].run != nil && len(name) > n && len(name) <= len(words) && slices.EqualFunc(name, words[:len(name)], func(s string, w storyWord) bool { return s == w.text }) {
			found, n = &storySteps[i], len(name)
		}
	}
	return found, n
}

func stepNames() []string {
	var names []string
	for _, s := range storySteps {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

var storyRange = regexp.MustCompile(`\{(\d{1,9})\.\.(\d{1,9})\}`)

// expand returns the lines that one with a range such as {1..50} stands for; nil if there is none.
func (l *storyLine) expand() ([]string, error) {
	m := storyRange.FindStringSubmatchIndex(l.text)
	if m == nil {
		return nil, nil
	}
	word := storyWord{text: l.text[m[0]:m[1]], at: m[0] + 1}
	from, _ := strconv.Atoi(l.text[m[2]:m[3]])
	to, _ := strconv.Atoi(l.text[m[4]:m[5]])
	switch {
	case storyRange.MatchString(l.text[m[1]:]) || storyRange.MatchString(l.text[:m[0]]+l.text[m[2]:m[3]]+l.text[m[1]:]):
		return nil, l.wrong(word, "a line has one range, this has more") // beside it, or around it
	case to < from || to-from >= maxStoryRange:
		return nil, l.wrong(word, "a range is expected that goes up, by less than %d", maxStoryRange)
	}
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, l.text[:m[0]]+strconv.Itoa(n)+l.text[m[1]:])
	}
	return all, nil
}
