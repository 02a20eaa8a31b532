package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/hextet/hextet/dnsreg"
)

// A reporter writes plans and states, as text or as lines of JSON.
type reporter struct {
	out    io.Writer
	json   bool
	nameOf func(index int) string
}

type addressLine struct {
	Address   netip.Addr `json:"address"`
	Interface string     `json:"interface,omitempty"`
	Reason    string     `json:"reason"`
}

type zoneLine struct {
	Zone        string    `json:"zone"`
	Server      string    `json:"server"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Error       string    `json:"error,omitempty"`
	Class       string    `json:"class,omitempty"`
	Failures    int       `json:"failures,omitempty"`
	Next        time.Time `json:"next,omitzero"`
}

type changeLine struct {
	Zone          string   `json:"zone"`
	Server        string   `json:"server"`
	Prerequisites []string `json:"prerequisites,omitempty"`
	Deletes       []string `json:"deletes,omitempty"`
	Adds          []string `json:"adds,omitempty"`
}

type skippedLine struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// line is a status, which has Zones, or a plan, which has Changes.
type line struct {
	Kind       string           `json:"kind"` // "status" or "plan"
	Name       string           `json:"name"`
	Addresses  []addressLine    `json:"addresses"`
	Registered []netip.Addr     `json:"registered,omitempty"`
	Zones      []zoneLine       `json:"zones,omitempty"`
	Changes    []changeLine     `json:"changes,omitempty"`
	Skipped    []skippedLine    `json:"skipped,omitempty"`
	Error      string           `json:"error,omitempty"`
	Counters   *dnsreg.Counters `json:"counters,omitempty"`
}

func (r *reporter) status(s dnsreg.Status) error {
	if r.json {
		return r.write(r.statusLine(s))
	}
	return r.statusText(s)
}

func (r *reporter) plan(p dnsreg.Plan) error {
	if !r.json {
		_, err := fmt.Fprint(r.out, p)
		return err
	}
	l := line{Kind: "plan", Name: p.Name, Addresses: r.addresses(p.Addresses), Skipped: skipped(p.Skipped)}
	for _, z := range p.Zones {
		l.Changes = append(l.Changes, changeLine(z))
	}
	return r.write(l)
}

func (r *reporter) write(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = r.out.Write(append(b, '\n'))
	return err
}

func (r *reporter) statusLine(s dnsreg.Status) line {
	l := line{
		Kind: "status", Name: s.Name, Addresses: r.addresses(s.Addresses), Registered: s.Registered,
		Skipped: skipped(s.Skipped), Error: errorText(s.Err), Counters: &s.Counters,
	}
	for _, z := range s.Zones {
		zl := zoneLine{
			Zone: z.Zone, Server: z.Server, LastSuccess: z.LastSuccess, Failures: z.Failures, Next: z.Next, Error: errorText(z.Err),
		}
		if z.Err != nil {
			zl.Class = dnsreg.ClassOf(z.Err).String()
		}
		l.Zones = append(l.Zones, zl)
	}
	return l
}

func (r *reporter) addresses(verdicts []dnsreg.Verdict) []addressLine {
	all := make([]addressLine, 0, len(verdicts))
	for _, v := range verdicts {
		all = append(all, addressLine{v.Address.Prefix.Addr(), r.nameOf(v.Address.Interface), v.Reason.String()})
	}
	return all
}

func skipped(all []dnsreg.SkippedPTR) (lines []skippedLine) {
	for _, s := range all {
		lines = append(lines, skippedLine{s.Name, errorText(s.Err)})
	}
	return lines
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
