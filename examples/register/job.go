package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/hextet/hextet/dnsreg"
)

// job is a registrar and what the command line wants of it.
type job struct {
	*dnsreg.Registrar
	report *reporter
	log    *slog.Logger
	again  <-chan os.Signal
	close  func() error
}

// do returns the exit status.
func (j *job) do(ctx context.Context, c *command) int {
	switch {
	case c.dryRun:
		plan, err := j.Plan(ctx)
		err = errors.Join(err, j.report.plan(plan))
		failed(j.log, "plan", err)
		return registerCode(ctx, err, plan.Addresses)
	case c.deregister:
		err := j.Deregister(ctx)
		j.show()
		return exitCode(ctx, errors.Join(err, j.unkept()))
	case c.once:
		err := j.sync(ctx)
		return registerCode(ctx, errors.Join(err, j.unkept()), j.Status().Addresses)
	}
	return j.keep(ctx, c.deregisterOnExit)
}

// keep registers until ctx ends.
func (j *job) keep(ctx context.Context, remove bool) int {
	j.sync(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		j.Run(ctx) // its error is the context's
	}()
	for ctx.Err() == nil {
		select {
		case <-j.again:
			j.sync(ctx)
		case <-ctx.Done():
		}
	}
	<-ended
	j.log.Info("ending", "why", context.Cause(ctx))
	if remove {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		err := errors.Join(j.Deregister(last), j.unkept())
		if code := exitCode(context.Background(), err); code != exitDone {
			return code
		}
	}
	j.show()
	if terminated(ctx) {
		return exitDone
	}
	return exitInterrupted
}

// sync makes a pass and prints what has come of it. The Registrar logs what fails.
func (j *job) sync(ctx context.Context) error {
	err := j.Sync(ctx)
	if ctx.Err() == nil {
		j.show()
	}
	return err
}

// unkept is why the state could not be saved, which is no error of a pass.
func (j *job) unkept() error {
	if e, ok := errors.AsType[*dnsreg.StateError](j.Status().Err); ok {
		return e
	}
	return nil
}

func (j *job) show() { failed(j.log, "write", j.report.status(j.Status())) }

func failed(log *slog.Logger, what string, err error) {
	if err != nil {
		log.Error(what, "class", dnsreg.ClassOf(err), "error", err)
	}
}
