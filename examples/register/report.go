package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/hextet/hextet/dnsreg"
)

// A reporter writes plans and states, as text or as lines of JSON. It may be used from several goroutines.
type reporter struct {
	mu           sync.Mutex
	out          io.Writer
	json, script bool
	names        func() map[int]string // of interfaces
}

// line is one of JSON: the field that Kind names, and what the interfaces are called.
type line struct {
	Kind       string         `json:"kind"` // "status", "plan" or "update"
	Interfaces map[int]string `json:"interfaces,omitempty"`
	Status     *dnsreg.Status `json:"status,omitempty"`
	Plan       *planLine      `json:"plan,omitempty"`
	Update     *updateLine    `json:"update,omitempty"`
}

type planLine struct {
	Name      string              `json:"name"`
	Addresses []dnsreg.Verdict    `json:"addresses"`
	Updates   []updateLine        `json:"updates"`
	Skipped   []dnsreg.SkippedPTR `json:"skipped,omitempty"`
}

// updateLine is an update message in the words of nsupdate, and what came of it.
type updateLine struct {
	Zone          string   `json:"zone"`
	Server        string   `json:"server"`
	Prerequisites []string `json:"prerequisites,omitempty"`
	Deletes       []string `json:"deletes,omitempty"`
	Adds          []string `json:"adds,omitempty"`
	Error         string   `json:"error,omitempty"`
	Class         string   `json:"class,omitempty"` // of the error
}

func newUpdateLine(z dnsreg.ZonePlan, err error) updateLine {
	u := updateLine{Zone: z.Zone, Server: z.Server, Prerequisites: z.Prerequisites, Deletes: z.Deletes, Adds: z.Adds}
	if err != nil {
		u.Error, u.Class = oneLine(err), dnsreg.ClassOf(err).String()
	}
	return u
}

func (r *reporter) status(s dnsreg.Status) error {
	if r.json {
		return r.write(line{Kind: "status", Interfaces: r.interfaces(s.Addresses), Status: &s})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return writeStatus(r.out, s, r.names())
}

func (r *reporter) plan(p dnsreg.Plan) error {
	if r.json {
		l := planLine{Name: p.Name, Addresses: p.Addresses, Updates: []updateLine{}, Skipped: p.Skipped}
		for _, z := range p.Zones {
			l.Updates = append(l.Updates, newUpdateLine(z, nil))
		}
		return r.write(line{Kind: "plan", Interfaces: r.interfaces(p.Addresses), Plan: &l})
	}
	text := p.String()
	if r.script {
		text = p.Script()
	}
	_, err := fmt.Fprint(r.out, text)
	return err
}

// sent tells in JSON of an update message; who reads text has the log.
func (r *reporter) sent(z dnsreg.ZonePlan, err error) error {
	if !r.json {
		return nil
	}
	u := newUpdateLine(z, err)
	return r.write(line{Kind: "update", Update: &u})
}

func (r *reporter) write(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.out.Write(append(b, '\n'))
	return err
}

// interfaces are the names of those that have one of the addresses.
func (r *reporter) interfaces(verdicts []dnsreg.Verdict) map[int]string {
	names, all := make(map[int]string), r.names()
	for _, v := range verdicts {
		if name := all[v.Address.Interface]; name != "" {
			names[v.Address.Interface] = name
		}
	}
	return names
}

// oneLine is the text of joined errors without line breaks.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
