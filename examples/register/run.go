package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path"
	"slices"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/hextet/hextet/srcselect"
)

// farewell bounds the removal of records after an interruption.
const farewell = 20 * time.Second

// program is a run of register, with the world that it sees.
type program struct {
	args     []string
	out, log io.Writer
	again    <-chan os.Signal // asks for a pass at once
	open     func(context.Context, *settings, *slog.Logger) (*origin, error)
}

// run returns the exit status.
func (p *program) run(ctx context.Context) int {
	c, err := parseArgs(p.args, p.out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintf(p.log, "register: %v\nregister -help tells more\n", err)
		return exitUsage
	case c.printConfig:
		return p.written(printConfig(p.out, c.settings))
	case c.demo:
		return p.written(demo(ctx, p.out))
	}
	level := slog.LevelInfo
	if c.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: level}))
	job, err := p.prepare(ctx, c, log)
	if err != nil {
		fmt.Fprintf(p.log, "register: %v\n", err)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		return exitUsage
	}
	code := job.do(ctx, c)
	if err := job.close(); err != nil {
		log.Error("close", "error", err)
	}
	return code
}

func (p *program) written(err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(p.log, "register: %v\n", err)
	return exitFailed
}

// prepare opens what is needed for a job.
func (p *program) prepare(ctx context.Context, c *command, log *slog.Logger) (*job, error) {
	cfg, err := registrarConfig(ctx, c.settings, log)
	if err != nil {
		return nil, err
	}
	o, err := p.open(ctx, c.settings, log)
	if err != nil {
		return nil, err
	}
	cfg.Source, cfg.Dial, cfg.Filter = o.source, o.dial, c.filter(o.nameOf)
	r, err := dnsreg.New(cfg)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return &job{r, reporter{p.out, c.json, o.nameOf}, log, p.again, o.close}, nil
}

// registrarConfig is the settings in dnsreg's words, without what the origin brings. It fills in what the host
// knows of itself.
func registrarConfig(ctx context.Context, s *settings, log *slog.Logger) (cfg dnsreg.Config, err error) {
	if s.name == "" {
		if s.name, err = localName(ctx); err != nil {
			return cfg, err
		}
	}
	if len(s.servers) == 0 && len(s.resolvers) == 0 {
		if s.resolvers, err = localResolvers(resolvConf); err != nil {
			return cfg, err
		}
	}
	cfg = dnsreg.Config{
		Name: s.name, Servers: s.servers, Resolvers: s.resolvers, TTL: s.ttl, Refresh: s.refresh, Timeout: s.timeout,
		MaxAddresses: s.max, NoPTR: !s.ptr, TCP: s.tcp, Logger: log,
		Adopt: func(addr netip.Addr) bool { return contains(s.adopt, addr) },
	}
	if s.key != "" {
		cfg.Auth, err = readKey(s.key, log)
	}
	return cfg, err
}

// filter narrows to interfaces by their names; nil when all are meant.
func (s *settings) filter(nameOf func(int) string) func(srcselect.Address) bool {
	if len(s.interfaces) == 0 && len(s.except) == 0 {
		return nil
	}
	return func(a srcselect.Address) bool {
		name := nameOf(a.Interface)
		matches := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
		return (len(s.interfaces) == 0 || slices.ContainsFunc(s.interfaces, matches)) && !slices.ContainsFunc(s.except, matches)
	}
}
