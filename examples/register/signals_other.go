//go:build !unix

package main

import "os"

// hangups tells nothing: there is no SIGHUP.
func hangups() <-chan os.Signal { return nil }
