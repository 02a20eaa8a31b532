package netsh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hextet/hextet/stack"
)

// A Registrar registers a host's addresses in DNS. A *dnsreg.Registrar is one.
type Registrar interface {
	// Sync brings the records up to date, and returns what is wrong if it can't.
	Sync(ctx context.Context) error
}

// Config configures a Shell. Only Stack is required.
type Config struct {
	// Stack is the host that the commands are about. It stays the caller's.
	Stack *stack.Stack

	// Registrar is what ipconfig /registerdns asks. nil: there is nobody to ask, and it says so.
	Registrar Registrar

	// HostName is what ipconfig /all calls the host: a name, or a name and a suffix. Empty: nothing.
	HostName string
}

// A Shell runs lines of the language on one stack, and remembers in which context it is. It serves one
// goroutine at a time; the stack may have several Shells, and be changed beside them.
type Shell struct {
	stack     *stack.Stack
	registrar Registrar
	host      string
	at        place
}

// New returns a Shell in the outermost context.
func New(cfg Config) (*Shell, error) {
	if cfg.Stack == nil {
		return nil, errors.New("netsh: Config.Stack is required")
	}
	return &Shell{stack: cfg.Stack, registrar: cfg.Registrar, host: cfg.HostName, at: place{root}}, nil
}

// MaxLine is how long a line may be, in bytes: as long as Windows' own shell takes.
const MaxLine = 8191

// Prompt returns what to ask for the next line with: "netsh interface ipv4>".
func (s *Shell) Prompt() string {
	return strings.TrimSpace("netsh "+s.at.String()) + ">"
}

// Run runs one line and writes what there is to show to out, in one piece. An empty line, and one that
// begins with #, do nothing.
//
// Errors are an *Error, but for ErrExit, which bye, exit and quit return, and what out says. After an error
// nothing is changed, and nothing written. ctx is for what waits: ipconfig /registerdns.
func (s *Shell) Run(ctx context.Context, line string, out io.Writer) error {
	if len(line) > MaxLine {
		return problem(ErrSyntax, "the line has %d bytes", len(line)).wanting("at most %d", MaxLine)
	}
	words, open := split(line)
	if len(words) == 0 || strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	if open > 0 {
		return &Error{Word: words[len(words)-1].text, Column: open, Problem: "the quote is not closed", Err: ErrSyntax}
	}
	var b strings.Builder
	if err := s.run(ctx, words, &b); err != nil {
		return err
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (s *Shell) run(ctx context.Context, words []word, out *strings.Builder) error {
	first, rest := words[0], words[1:]
	switch {
	case first.is("ipconfig", "ipconfig.exe"):
		return s.ipconfig(ctx, rest, out)
	case first.is("netsh", "netsh.exe"):
		if len(rest) == 0 {
			s.at = place{root}
			return nil
		}
		return s.command(ctx, place{root}, rest, out)
	}
	return s.command(ctx, s.at, words, out)
}

// command runs words in a context, or where they have a meaning in one outside of it.
func (s *Shell) command(ctx context.Context, in place, words []word, out *strings.Builder) error {
	if done, err := s.builtin(in, words); done {
		return err
	}
	at, rest, e := walk(in, words)
	for outer := in; e != nil && len(at) == len(in) && len(outer) > 1; {
		outer = outer[:len(outer)-1]
		if a, r, f := walk(outer, words); f == nil || len(a) > len(outer) {
			at, rest, e = a, r, f
			break
		}
	}
	switch n := at.last(); {
	case e != nil:
		e.Command = at.String()
		return e
	case asksHelp(rest):
		help(out, at)
		return nil
	case n.run != nil:
		return s.call(ctx, at, rest, out)
	case n.context:
		s.at = at
		return nil
	default:
		return &Error{
			Command: at.String(), Problem: "the command is not complete",
			Want: alternatives(namesOf(n.sub, (*node).names)), Err: ErrSyntax,
		}
	}
}

// builtin does what means the same in every context.
func (s *Shell) builtin(in place, words []word) (done bool, err error) {
	first := words[0]
	leaves := first.is("bye", "exit", "quit")
	switch {
	case !leaves && !first.is(".."):
		return false, nil
	case len(words) > 1:
		return true, problem(ErrSyntax, "%s stands alone", first.text).at(words[1])
	case leaves:
		return true, ErrExit
	}
	s.at = in[:max(1, len(in)-1)]
	return true, nil
}

// walk follows words from a place as far as they name commands, and returns what is left for the command.
func walk(from place, words []word) (at place, rest []word, e *Error) {
	at = from
	for i, w := range words {
		if at.last().run != nil || w.is("?", "/?", "help") {
			return at, words[i:], nil
		}
		n, e := at.last().child(w)
		if e != nil {
			return at, words[i:], e
		}
		at = at.then(n)
	}
	return at, nil, nil
}

// asksHelp reports whether words, which come after a command, ask what it does: with the first or the last.
func asksHelp(words []word) bool {
	return len(words) > 0 && (words[len(words)-1].is("?", "/?") || words[0].is("?", "/?", "help"))
}

// call runs a command.
func (s *Shell) call(ctx context.Context, at place, words []word, out *strings.Builder) error {
	n := at.last()
	c := &call{ctx: ctx, sh: s, out: out, command: at.String()}
	if e := c.parse(n.params, words); e != nil {
		e.Command = c.command
		return e
	}
	if err := n.run(c); err != nil {
		return c.failed(err)
	}
	if n.changes {
		fmt.Fprint(out, "Ok.\n\n")
	}
	return nil
}

// failed makes what a stack says an *Error.
func (c *call) failed(err error) error {
	var e *Error
	if errors.As(err, &e) {
		if e.Command == "" {
			e.Command = c.command
		}
		return e
	}
	return &Error{Command: c.command, Problem: err.Error(), Err: err}
}
