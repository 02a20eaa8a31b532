// Bench measures hextet against its peers on this machine, and says of each figure
// whether it reaches its goal. METHOD.md says how.
//
//	go run -C bench .                           everything that this machine and user allow
//	go run -C bench . -only checksum,select     parts, or cases by the beginning of their names
//	go run -C bench . -quick -json              in well under a minute, one JSON object a line
//	go run -C bench . -compare results          what changed since another run
//	go run -C bench . -from out -out out        pictures and pages anew, without measuring
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
	"github.com/hextet/hextet/bench/internal/machine"
	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/networks"
	"github.com/hextet/hextet/bench/internal/raw"
	"github.com/hextet/hextet/bench/internal/results"
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
		for _, other := range besides(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "bench:", other)
		}
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// besides returns the errors joined in err that are not another one.
func besides(err, not error) (others []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case ok:
		for _, e := range joined.Unwrap() {
			others = append(others, besides(e, not)...)
		}
	case !errors.Is(err, not):
		others = append(others, err)
	}
	return others
}

// errUsage is what the flags' own message was written for.
var errUsage = errors.New("wrong usage")

// options are the flags.
type options struct {
	only, out, markdown, profiles string
	from, compare                 string
	quick, json                   bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.only, "only", "", "parts or cases to measure, separated by `commas`: checksum,select/linux")
	flags.BoolVar(&o.quick, "quick", false, "fewer and shorter rounds: everything in under 45 s")
	flags.BoolVar(&o.json, "json", false, "one JSON object a line instead of the table")
	flags.StringVar(&o.out, "out", "", "`directory` for the rows, the table, the pictures, report.html and RESULTS.md")
	flags.StringVar(&o.markdown, "md", "", "`file` to write instead of RESULTS.md in -out's directory")
	flags.StringVar(&o.from, "from", "", "measure nothing, take the rows of an earlier run: what -out wrote, a `directory`")
	flags.StringVar(&o.compare, "compare", "", "say what changed since an earlier run: a `directory` or a file of rows")
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
	if wrong := o.contradiction(); wrong != "" {
		fmt.Fprintln(stderr, "bench:", wrong)
		return o, errUsage
	}
	return o, nil
}

// contradiction says which flags don't go together. Empty: none.
func (o options) contradiction() string {
	switch {
	case o.markdown != "" && o.out == "":
		return "-md needs -out, where the pictures are that it shows"
	case o.from != "" && (o.quick || o.profiles != ""):
		return "-from measures nothing, so it goes with neither -quick nor -cpuprofile"
	case o.from != "" && o.only != "" && o.out != "":
		return "-from with -only would pass a part of a run for all of it in -out"
	}
	return ""
}

// command is what measures the same again, whatever is done with the rows.
func (o options) command() string {
	c := "go run -C bench ."
	if o.only != "" {
		c += " -only " + o.only
	}
	if o.quick {
		c += " -quick"
	}
	return c
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
	return slices.Concat(sums.Cases(), choices.Cases(o.quick), raw.Cases(), udp.Cases(), streams.Cases(o.quick), connects.Cases(o.quick),
		hosts.Cases(o.quick), updates.Cases(o.quick), networks.Cases(o.quick))
}

// run does what the arguments say. Rows that were measured before ctx ended are
// written, and ctx's error is returned.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	old, err := earlier(o.compare) // before -out may write to the same place
	if err != nil {
		return err
	}
	if o.from != "" {
		return again(o, old, stdout, stderr)
	}
	picked, err := suite.Pick(o.cases(), o.only)
	if err != nil {
		return err
	}
	start := time.Now()
	made := results.Run{Command: o.command(), Only: o.only, Quick: o.quick, Revision: machine.Revision(ctx), Begun: start.UTC().Truncate(time.Second)}
	out, err := newOutput(o, machine.Read(), made, stdout, stderr)
	if err != nil {
		return err
	}
	r := suite.Runner{Measure: o.rounds(), Row: out.row, Omit: out.omit, Progress: out.progress, Profiles: o.profiles}
	err = r.Run(ctx, picked)
	out.whole = err == nil
	out.now.Run.Complete = out.whole
	out.now.Run.Seconds = time.Since(start).Round(time.Second).Seconds()
	out.now.Run.Load = machine.Read().Load
	return errors.Join(err, out.finish(old))
}

// earlier reads the results of an earlier run. nil: there is no path to them.
func earlier(path string) (*results.Results, error) {
	if path == "" {
		return nil, nil
	}
	r, err := results.Read(path)
	return &r, err
}

// again tells of an earlier run what a new one would tell of itself.
func again(o options, old *results.Results, stdout, stderr io.Writer) error {
	was, err := earlier(o.from)
	if err != nil {
		return err
	}
	if o.out != "" && was.Machine.Go == "" {
		return fmt.Errorf("-from %s: rows alone don't say of what machine they are; -out needs the directory that they were written to", o.from)
	}
	out, err := newOutput(o, was.Machine, was.Run, stdout, stderr)
	if err != nil {
		return err
	}
	for _, r := range was.Rows {
		if !suite.Within(r.Name, o.only) {
			continue
		}
		if err := out.row(r); err != nil {
			return errors.Join(err, out.finish(nil))
		}
	}
	out.whole = true
	return out.finish(old)
}
