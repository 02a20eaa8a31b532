package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RunStories tells every story of a directory, the files whose names end in .txt, as a subtest of its own,
// which fails where the output of a step is not what stands beneath it. If the test binary has a flag named
// update, which it defines itself, and it is set, or if LAB_UPDATE=1 is in the environment, the files are
// written anew with the output that there was. STORIES.md has the grammar.
//
//	func TestStories(t *testing.T) { lab.RunStories(t, "testdata/stories") }
//
// T is *testing.T.
func RunStories[T interface {
	TB
	Run(name string, f func(T)) bool
}](t T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	var files []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".txt" {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no file %s", filepath.Join(dir, "*.txt"))
	}
	if err != nil {
		t.Fatalf("lab: stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t T) { runStoryFile(t, file) })
	}
}

func runStoryFile(t TB, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("lab: stories: %v", err)
	}
	tl := &tale{ctx: context.Background(), open: func(cfg Config) (*Lab, error) { return New(t, cfg), nil }}
	told, err := tl.tell(filepath.ToSlash(file), string(text))
	if told != "" && updating() {
		if err := os.WriteFile(file, []byte(told), 0o666); err != nil {
			t.Fatalf("lab: stories: %v", err)
		}
		if _, ok := errors.AsType[*storyDiffers](err); ok {
			return
		}
	}
	if err != nil {
		if tl.l != nil {
			tl.l.complain(err)
		}
		t.Errorf("%v", err)
	}
}

// RunStory tells one story outside of tests. name is what errors call it: the file's name. The error is a
// *StoryError for what can't be told at all, or lists the steps whose output is not what stands beneath them,
// or is what Lab.Close has to say.
func RunStory(ctx context.Context, name, text string) error {
	_, differs, err := tellAlone(ctx, name, text)
	return errors.Join(differs, err)
}

// TellStory tells a story as RunStory does, whatever output stands in it, and returns it with the output that
// its steps had instead: as -update writes it, up to the step that could not be told, if there is an error.
func TellStory(ctx context.Context, name, text string) (told string, err error) {
	told, _, err = tellAlone(ctx, name, text)
	return told, err
}

// tellAlone tells a story in a lab that is no test's.
func tellAlone(ctx context.Context, name, text string) (told string, differs, err error) {
	tl := &tale{ctx: ctx, open: func(cfg Config) (*Lab, error) { return Start(ctx, cfg) }}
	told, err = tl.tell(name, text)
	if d, ok := errors.AsType[*storyDiffers](err); ok {
		differs, err = d, nil
	}
	if tl.l != nil {
		err = errors.Join(err, tl.l.Close())
	}
	return told, differs, err
}

// storyDiffers is the error about output that is not what is expected, and about nothing else.
type storyDiffers struct{ text string }

func (e *storyDiffers) Error() string { return e.text }

const maxStoryDiffs = 5

// tell runs a story. It returns the text with the output that there was.
func (tl *tale) tell(file, text string) (string, error) {
	s, err := parseStory(file, text)
	if err != nil {
		return "", err
	}
	return tl.perform(s, file)
}

// perform is tell of a story that was read. Its parts that are not told, behind stop or an error, stay as
// they are.
func (tl *tale) perform(s *story, file string) (string, error) {
	var out strings.Builder
	var differs []string
	var failed error // what ends the story
	for _, item := range s.items {
		l := item.line
		if l == nil {
			fmt.Fprintln(&out, item.comment)
			continue
		}
		want, got := dedent(l.want), dedent(l.want)
		if !tl.stopped {
			var output string
			if output, failed = tl.play(l); failed == nil {
				got = dedent(strings.Split(output, "\n"))
			}
			tl.stopped = tl.stopped || failed != nil
		}
		fmt.Fprintln(&out, l.text)
		for _, s := range got {
			fmt.Fprintln(&out, "  "+s)
		}
		if d := diff(want, got); d != "" {
			differs = append(differs, fmt.Sprintf("%s:%d: %s\n\t%s", file, l.n, l.text, strings.ReplaceAll(d, "\n", "\n\t")))
		}
	}
	if n := len(differs) - maxStoryDiffs; n > 0 {
		differs = append(differs[:maxStoryDiffs], fmt.Sprintf("%s: and %d more steps", file, n))
	}
	if failed != nil {
		return out.String(), failed
	}
	if len(differs) > 0 {
		return out.String(), &storyDiffers{"lab: the story is not as it is told (LAB_UPDATE=1 writes it anew):\n" + strings.Join(differs, "\n")}
	}
	return out.String(), nil
}

// dedent takes away blank lines, blanks at the ends of lines, and the blanks with which all lines begin.
func dedent(text []string) []string {
	var all []string
	least := -1
	for _, s := range text {
		s = strings.TrimRight(strings.ReplaceAll(s, "\t", "    "), " \r")
		if s == "" {
			continue
		}
		all = append(all, s)
		if n := len(s) - len(strings.TrimLeft(s, " ")); least < 0 || n < least {
			least = n
		}
	}
	for i := range all {
		all[i] = all[i][least:]
	}
	return all
}
