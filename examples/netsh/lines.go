package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hextet/hextet/stack/netsh"
	"golang.org/x/term"
)

// lines are what somebody types, or those of a script.
type lines struct {
	next        func(prompt string) (string, error)
	out         io.Writer
	interactive bool
	close       func()
}

func newLines(in *os.File, out io.Writer, sh *netsh.Shell) (*lines, error) {
	if !term.IsTerminal(int(in.Fd())) {
		scanner := bufio.NewScanner(in)
		return &lines{out: out, close: func() {}, next: func(string) (string, error) {
			if !scanner.Scan() {
				if err := scanner.Err(); err != nil {
					return "", err
				}
				return "", io.EOF
			}
			return scanner.Text(), nil
		}}, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")
	if width, height, err := term.GetSize(int(in.Fd())); err == nil && width > 0 {
		if err := t.SetSize(width, height); err != nil {
			return nil, err
		}
	}
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		all := sh.Complete(line[:pos])
		head := common(all, line[:pos])
		if len(all) > 1 && head == line[:pos] {
			fmt.Fprintln(t, strings.Join(all, "\n"))
		}
		return head + line[pos:], len(head), true
	}
	return &lines{out: t, interactive: true, close: func() { term.Restore(int(in.Fd()), before) }, next: func(prompt string) (string, error) {
		t.SetPrompt(prompt)
		return t.ReadLine()
	}}, nil
}

// common is what all have in common at their beginning, or line if there are none.
func common(all []string, line string) string {
	if len(all) == 0 {
		return line
	}
	head := all[0]
	for _, s := range all[1:] {
		for !strings.HasPrefix(s, head) {
			head = head[:len(head)-1]
		}
	}
	if len(all) == 1 && !strings.HasSuffix(head, "=") {
		head += " "
	}
	return head
}
