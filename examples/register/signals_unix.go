//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups starts to tell of each request for a pass at once.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
