package netsh

import (
	"fmt"
	"strings"
)

// help tells what there is at a place: the commands below it, or the parameters of the command.
func help(b *strings.Builder, at place) {
	n := at.last()
	if n.run != nil {
		usage(b, at)
		return
	}
	if len(at) == 1 {
		fmt.Fprintf(b, "\nCommands:\n\n")
	} else {
		fmt.Fprintf(b, "\nCommands in %s:\n\n", at)
	}
	for _, c := range n.sub {
		fmt.Fprintf(b, "%-16s - %s\n", c.name, c.help)
	}
	if n.context {
		fmt.Fprintf(b, "%-16s - %s\n", "..", "Goes up one context.")
		fmt.Fprintf(b, "%-16s - %s\n", "bye, exit, quit", "Leaves.")
		fmt.Fprintf(b, "%-16s - %s\n", "ipconfig", "Shows the configuration, with /all all of it; /registerdns registers it.")
	}
	fmt.Fprintf(b, "\nA command with ? behind it tells more.\n")
}

func usage(b *strings.Builder, at place) {
	n := at.last()
	fmt.Fprintf(b, "\nUsage: %s\n\n%s\n", strings.Join(n.usage(at.String()), "\n             "), n.help)
	if len(n.params) == 0 {
		return
	}
	fmt.Fprintf(b, "\nParameters:\n\n")
	for _, p := range n.params {
		fmt.Fprintf(b, "  %-18s - %s\n", p.name, p.text())
	}
}

// usage returns lines of at most 80 characters or one parameter.
func (n *node) usage(command string) []string {
	lines := []string{command}
	for _, p := range n.params {
		last := &lines[len(lines)-1]
		if len(*last)+len(p.usage()) > 66 {
			lines = append(lines, p.usage())
			continue
		}
		*last += " " + p.usage()
	}
	return lines
}

// usage writes a parameter as Microsoft does: [name=]<string>, in brackets if it need not be there.
func (p *param) usage() string {
	u := "[" + p.name + "=]" + p.kind.usage
	if !p.need {
		u = "[" + u + "]"
	}
	return u
}

func (p *param) text() string {
	if p.def != "" {
		return p.help + " Without it: " + p.def + "."
	}
	return p.help
}

// Commands returns the whole language as Markdown: a table of the commands, with their parameters, in the
// order in which help lists them.
func Commands() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n|---|---|\n")
	commands(&b, place{root})
	for _, c := range ipconfigCommands {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.line, c.help)
	}
	return b.String()
}

func commands(b *strings.Builder, at place) {
	n := at.last()
	if n.run != nil {
		line := "netsh " + at.String()
		for _, p := range n.params {
			line += " " + p.usage()
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(line, "|", `\|`), n.help)
	}
	for _, c := range n.sub {
		commands(b, at.then(c))
	}
}
