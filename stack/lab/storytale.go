package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/netsh"
)

// tale is a story while it is told.
type tale struct {
	ctx     context.Context
	open    func(Config) (*Lab, error)
	l       *Lab // nil: nothing was declared so far
	cast    []*player
	dns     []*DNS
	conns   map[string]net.Conn
	marked  int // number of the last packet before the latest mark
	pings   int
	stopped bool
}

// player is a host of a story.
type player struct {
	*Host
	shell  *netsh.Shell
	router *Router // nil: it is none
	rules  map[string][]Rule
	careOf map[netip.Addr]bool // of which the stack knows nothing
}

// lab returns the story's lab, which begins at its first use.
func (tl *tale) lab(cfg ...Config) (*Lab, error) {
	if tl.l != nil {
		return tl.l, nil
	}
	var c Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	var err error
	tl.l, err = tl.open(c)
	return tl.l, err
}

// play runs one line, once for each number of its range.
func (tl *tale) play(l *storyLine) (string, error) {
	texts, _ := l.expand()
	if texts == nil {
		return tl.playOne(l)
	}
	var all strings.Builder
	for _, text := range texts {
		one := l.with(text)
		if err := one.parseOne(); err != nil {
			return "", err
		}
		output, err := tl.playOne(one)
		if err != nil {
			return "", err
		}
		if output != "" {
			all.WriteString(strings.TrimSuffix(output, "\n") + "\n")
		}
	}
	return all.String(), nil
}

func (tl *tale) playOne(l *storyLine) (string, error) {
	if tl.ctx.Err() != nil {
		return "", fmt.Errorf("lab: story: %w", context.Cause(tl.ctx))
	}
	if l.host != "" {
		return tl.netsh(l)
	}
	output, err := l.step.run(tl, l)
	var e *StoryError
	if err != nil && !errors.As(err, &e) {
		err = l.wrong(storyWord{}, "%s", strings.TrimPrefix(err.Error(), "lab: "))
	}
	return output, err
}

// netsh runs a line on a host. An error is output: stories tell of them, too.
func (tl *tale) netsh(l *storyLine) (string, error) {
	p, _, err := tl.find(l, l.host)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := p.shell.Run(tl.ctx, l.command, &out); err != nil {
		return "error: " + err.Error(), nil
	}
	if s := strings.TrimSpace(out.String()); s == "Ok." {
		return "", nil
	}
	return out.String(), nil
}

// find returns the host that a word names, and its interface: "web" or "web/eth1".
func (tl *tale) find(l *storyLine, word string) (*player, *stack.Interface, error) {
	name, iface, hasIface := strings.Cut(word, "/")
	at := l.word(word)
	i := slices.IndexFunc(tl.cast, func(p *player) bool { return p.name == name })
	if i < 0 {
		return nil, nil, l.wrong(at, "a host is expected: %s", tl.names())
	}
	p := tl.cast[i]
	var known []string
	for k, i := range p.Stack.Interfaces() {
		if i.Name() == iface || !hasIface && k == 0 {
			return p, i, nil
		}
		known = append(known, p.name+"/"+i.Name())
	}
	return nil, nil, l.wrong(at, "an interface is expected: %s", alternatives(known))
}

func (tl *tale) names() string {
	var names []string
	for _, p := range tl.cast {
		names = append(names, p.name)
	}
	if names == nil {
		return "there is none so far"
	}
	return alternatives(names)
}

// enter adds a host to the cast. name is what it is to be registered as, if it is not empty.
func (tl *tale) enter(h *Host, r *Router, name string) error {
	cfg := netsh.Config{Stack: h.Stack, HostName: h.name}
	if name != "" {
		var servers []string
		for _, a := range h.Stack.Nameservers() {
			servers = append(servers, a.String())
		}
		reg, err := dnsreg.New(dnsreg.Config{
			Name: name, Source: h.Stack, Servers: servers, Clock: tl.l.Clock(), Dial: h.Stack.DialContext,
		})
		if err != nil {
			return err
		}
		cfg.HostName, cfg.Registrar = name, reg
	}
	shell, err := netsh.New(cfg)
	if err != nil {
		return err
	}
	tl.cast = append(tl.cast, &player{Host: h, shell: shell, router: r, rules: make(map[string][]Rule), careOf: make(map[netip.Addr]bool)})
	return nil
}

// segment finds a segment by its name.
func (tl *tale) segment(l *storyLine, name string) (*Segment, error) {
	var segments []*Segment
	if tl.l != nil {
		tl.l.mu.Lock()
		segments = slices.Clone(tl.l.segments)
		tl.l.mu.Unlock()
	}
	var names []string
	for _, s := range segments {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	at := l.word(name)
	if names == nil {
		return nil, l.wrong(at, "a segment is expected: there is none so far")
	}
	return nil, l.wrong(at, "a segment is expected: %s", alternatives(names))
}

// outcome is an error as output.
func outcome(err error) string { return fmt.Sprintf("error: %v", err) }
