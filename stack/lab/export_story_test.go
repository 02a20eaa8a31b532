package lab

import (
	"fmt"
	"strings"
)

// StoryTable is the table of STORIES.md.
func StoryTable() string {
	var b strings.Builder
	fmt.Fprint(&b, "\n| step | what it does, and shows |\n|---|---|\n")
	for _, s := range storySteps {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSpace(s.name+" "+s.usage), s.does)
	}
	fmt.Fprint(&b, "\n| word | is |\n|---|---|\n")
	for _, k := range []string{"N", "BYTE", "HEX", "SHARE", "TIME", "ADDRESS", "PREFIX", "ENDPOINT", "PORT"} {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k, storyKinds[k].want)
	}
	fmt.Fprintln(&b)
	return b.String()
}

// FormatStory reads a story and shows it as it would be written if all output were as expected.
func FormatStory(file, text string) (string, error) {
	s, err := parseStory(file, text)
	if err != nil {
		return "", err
	}
	tl := &tale{stopped: true}
	return tl.perform(s, file)
}
