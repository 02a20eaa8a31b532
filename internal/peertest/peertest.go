// Package peertest lets tests meet real peers where they can, and skip visibly, with the reason, where
// they can't. An environment variable per kind of peer turns such a skip into a failure ("require")
// or silences it ("off").
package peertest

import (
	"os"
	"os/exec"
	"testing"
)

// A Kind of peer that tests need.
type Kind struct {
	Env  string // "NETNS_TESTS"
	Word string // "netns", as printed in SKIP(netns)
}

// The kinds of peers.
var (
	Netns = Kind{"NETNS_TESTS", "netns"} // the kernel's network namespaces, and the tools to use them
	DNS   = Kind{"DNS_TESTS", "dns"}     // name servers

	Browser = Kind{"BROWSER_TESTS", "browser"} // a Chromium without a screen
)

// Off skips the test if tests of the kind are switched off.
func (k Kind) Off(t testing.TB) {
	t.Helper()
	if os.Getenv(k.Env) == "off" {
		t.Skipf("SKIP(%s): %s=off", k.Word, k.Env)
	}
}

// Missing ends the test because something is not there: it fails if the kind is required.
func (k Kind) Missing(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv(k.Env) == "require" {
		t.Fatalf("%s=require: %s: %v", k.Env, what, err)
	}
	t.Skipf("SKIP(%s): %s: %v (uid %d)", k.Word, what, err, os.Getuid())
}

// Tools skips or fails the test unless all the programs are installed.
func (k Kind) Tools(t testing.TB, names ...string) {
	t.Helper()
	k.Off(t)
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			k.Missing(t, "program "+name, err)
		}
	}
}
