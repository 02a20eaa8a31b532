package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
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
		return p.written(ctx, printConfig(p.out, c.settings))
	case c.demo:
		return p.written(ctx, demo(ctx, p.out))
	}
	level := slog.LevelInfo
	if c.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: level}))
	job, err := p.prepare(ctx, c, log)
	if err != nil {
		fmt.Fprintf(p.log, "register: %v\n", err)
		return startCode(ctx, err)
	}
	code := job.do(ctx, c)
	if err := job.close(); err != nil {
		log.Error("close", "error", err)
	}
	return code
}

// written returns the exit status of what only writes.
func (p *program) written(ctx context.Context, err error) int {
	if err != nil {
		fmt.Fprintf(p.log, "register: %v\n", err)
	}
	return exitCode(ctx, err)
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
	report := &reporter{out: p.out, json: c.json, script: c.script, names: o.names}
	cfg.Source, cfg.Dial, cfg.Policy.Filter = o.source, o.dial, c.filter(o.names)
	cfg.Hooks.Sent = func(z dnsreg.ZonePlan, err error) { failed(log, "write", report.sent(z, err)) }
	cfg.Suffixes, err = c.suffixesByIndex(o.names())
	var r *dnsreg.Registrar
	if err == nil {
		r, err = dnsreg.New(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return &job{r, report, log, p.again, o.close}, nil
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
		MaxAddresses: s.max, NoPTR: !s.ptr, TCP: s.tcp, Underscore: s.underscore, Pin: s.pin, Logger: log,
		Policy: dnsreg.Policy{
			NoIPv4: !s.ipv4, NoIPv6: !s.ipv6, NoPrivate: !s.private, Prefixes: s.prefixes, NotPrefixes: s.without,
		},
		Adopt: func(addr netip.Addr) bool { return contains(s.adopt, addr) },
	}
	for _, name := range s.also {
		cfg.Names = append(cfg.Names, dnsreg.HostName{Name: name})
	}
	if s.state != "" {
		cfg.State = dnsreg.StateFile(s.state)
	}
	if cfg.Owner, err = owner(s.ownerTXT, s.ownerDHCID); err != nil {
		return cfg, err
	}
	if s.key != "" {
		cfg.Auth, err = readKey(s.key, s.sha1, log)
	}
	return cfg, err
}

// filter narrows to interfaces by their names; nil when all are meant.
func (s *settings) filter(names func() map[int]string) func(srcselect.Address) bool {
	if len(s.interfaces) == 0 && len(s.except) == 0 {
		return nil
	}
	return func(a srcselect.Address) bool {
		name := names()[a.Interface]
		matches := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
		return (len(s.interfaces) == 0 || slices.ContainsFunc(s.interfaces, matches)) && !slices.ContainsFunc(s.except, matches)
	}
}

// suffixesByIndex is what dnsreg.Config.Suffixes wants.
func (s *settings) suffixesByIndex(names map[int]string) (map[int]string, error) {
	all := make(map[int]string)
	for _, x := range s.suffixes {
		found := false
		for index, name := range names {
			if name == x.link {
				all[index], found = x.domain, true
			}
		}
		if !found {
			return nil, fmt.Errorf("suffix = %v: there is no interface %s; there are %s",
				x, x.link, strings.Join(slices.Sorted(maps.Values(names)), ", "))
		}
	}
	return all, nil
}
