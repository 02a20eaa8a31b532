package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// command is what the command line asks for.
type command struct {
	*settings
	config                                      string
	demo, dryRun, once, deregister, printConfig bool
	json, script, verbose                       bool
}

// parseArgs reads the command line and the configuration file that it names. flag.ErrHelp: help was asked
// for, and written to out.
func parseArgs(args []string, out io.Writer) (*command, error) {
	c := &command{settings: defaults()}
	fs := flag.NewFlagSet("register", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	actions := c.actions()
	for _, a := range actions {
		fs.Var(a.value, a.key, "")
	}
	knobs := c.knobs()
	for _, k := range knobs {
		fs.Var(k.value, k.key, "")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(out, actions, knobs)
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if c.config != "" {
		entries, err := readConfigFile(c.config)
		if err == nil {
			err = apply(entries, knobs, given)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, c.oneAction()
}

// actions are the flags that no configuration file has.
func (c *command) actions() []knob {
	return []knob{
		{"demo", yesNo{&c.demo}, "", "Show what this program does, on a network in memory."},
		{"dry-run", yesNo{&c.dryRun}, "", "Print what would be sent, and send no update."},
		{"once", yesNo{&c.once}, "", "Make one pass, print the state and exit."},
		{"deregister", yesNo{&c.deregister}, "", "Remove the records and exit."},
		{"print-config", yesNo{&c.printConfig}, "", "Print a configuration file with all settings as they are now."},
		{"config", text{&c.config}, "FILE", "Read settings from this file. Flags go before it."},
		{"json", yesNo{&c.json}, "", "Print states and plans as lines of JSON."},
		{"script", yesNo{&c.script}, "", "With -dry-run: print the plan as nsupdate reads it."},
		{"v", yesNo{&c.verbose}, "", "Tell more on standard error."},
	}
}

// oneAction reports actions and flags that don't go together.
func (c *command) oneAction() error {
	var all []string
	for _, a := range c.actions()[:5] {
		if a.value.String() == "yes" {
			all = append(all, "-"+a.key)
		}
	}
	if len(all) > 1 {
		return fmt.Errorf("%s exclude each other", strings.Join(all, " and "))
	}
	if c.script && (!c.dryRun || c.json) {
		return errors.New("-script needs -dry-run, and no -json")
	}
	return nil
}

func usage(w io.Writer, actions, knobs []knob) {
	fmt.Fprint(w, "Usage: register [flags]\n\nKeeps the DNS records of this host to the addresses that it speaks from, until it is\ninterrupted. Flags say otherwise:\n\n")
	describe := func(k knob) {
		value := ""
		if _, ok := k.value.(yesNo); !ok {
			value = " " + cmp.Or(k.example, k.value.String())
		}
		fmt.Fprintf(w, "  -%s%s\n        %s\n", k.key, value, strings.ReplaceAll(k.help, "\n", "\n        "))
	}
	for _, a := range actions {
		describe(a)
	}
	fmt.Fprint(w, "\nSettings, which the configuration file may have as well (yes or no: -ptr=no):\n\n")
	for _, k := range knobs {
		describe(k)
		if k.example == "" {
			fmt.Fprintf(w, "        Default: %s\n", k.value)
		}
	}
	fmt.Fprint(w, "\nSIGHUP makes a pass at once and prints the state; actions that end by themselves ignore it.\nA second interruption ends the program at once.\n\n", exitHelp)
}
