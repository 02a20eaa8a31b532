// Bench measures hextet against its peers on this machine, and says of each figure
// whether it reaches its goal. METHOD.md says how.
//
//	go run -C bench .                           everything that this machine and user allow
//	go run -C bench . -only checksum,select     parts, or cases by the beginning of their names
//	go run -C bench . -quick -json              in well under a minute, one JSON object a line
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/hextet/hextet/bench/internal/choices"
	"github.com/hextet/hextet/bench/internal/connects"
	"github.com/hextet/hextet/bench/internal/hosts"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/networks"
	"github.com/hextet/hextet/bench/internal/raw"
	"github.com/hextet/hextet/bench/internal/streams"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/bench/internal/sums"
	"github.com/hextet/hextet/bench/internal/udp"
	"github.com/hextet/hextet/bench/internal/updates"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt kills
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errUsage):
		os.Exit(2)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errUsage is what the flags' own message was written for.
var errUsage = errors.New("wrong usage")

// options are the flags.
type options struct {
	only, out, profiles string
	quick, json         bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.only, "only", "", "parts or cases to measure, separated by `commas`: checksum,select/linux")
	flags.BoolVar(&o.quick, "quick", false, "fewer and shorter rounds: everything in under 45 s")
	flags.BoolVar(&o.json, "json", false, "one JSON object a line instead of the table")
	flags.StringVar(&o.out, "out", "", "`directory` for results.jsonl, results.txt and machine.json")
	flags.StringVar(&o.profiles, "cpuprofile", "", "`directory` for a CPU profile of ours for each case")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "bench: unexpected argument %q; -only takes parts and rows\n", flags.Arg(0))
		return o, errUsage
	}
	return o, nil
}

// rounds returns how long to measure.
func (o options) rounds() measure.Config {
	if o.quick {
		return measure.Config{Rounds: 31, Round: 500 * time.Microsecond}
	}
	return measure.Config{Rounds: 101, Round: time.Millisecond}
}

// cases returns all cases, in the order of the report.
func (o options) cases() []suite.Case {
	return slices.Concat(sums.Cases(), choices.Cases(), raw.Cases(), udp.Cases(), streams.Cases(), connects.Cases(), hosts.Cases(o.quick), updates.Cases(o.quick), networks.Cases(o.quick))
}

// run does what the arguments say. Rows that were measured before ctx ended are
// written, and ctx's error is returned.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	picked, err := suite.Pick(o.cases(), o.only)
	if err != nil {
		return err
	}
	out, err := newOutput(o, stdout, stderr)
	if err != nil {
		return err
	}
	r := suite.Runner{Measure: o.rounds(), Row: out.row, Omit: out.omit, Progress: out.progress, Profiles: o.profiles}
	err = r.Run(ctx, picked)
	return errors.Join(err, out.finish(err))
}
