package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFullName(t *testing.T) {
	for _, tt := range []struct{ host, canonical, want string }{
		{"web.example.test", "", "web.example.test"},
		{"web", "web.example.test.", "web.example.test"},
		{"Web", "web.example.test.", "web.example.test"},
		{"web", "localhost.localdomain.", ""}, // of 127.0.1.1, say
		{"web", "web.", ""},
		{"web", "", ""},
	} {
		got, err := fullName(t.Context(), tt.host, func(_ context.Context, host string) (string, error) {
			if host != tt.host || tt.canonical == "" {
				return "", errors.New("no such host")
			}
			return tt.canonical, nil
		})
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s, which is %q: %q, %v", tt.host, tt.canonical, got, err)
		}
	}
}

// Whether the DNS is away or knows no such host makes a difference to who tries again.
func TestLookupStatus(t *testing.T) {
	for want, err := range map[int]error{
		exitFailed: &net.DNSError{Err: "server misbehaving", IsTemporary: true},
		exitUsage:  &net.DNSError{Err: "no such host", IsNotFound: true},
	} {
		_, got := fullName(t.Context(), "web", func(context.Context, string) (string, error) { return "", err })
		if got == nil || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("%v: %v", err, got)
		}
		var w world
		p := w.program("-name", "host.example.test", "-server", "192.0.2.53", "-once")
		p.open = func(context.Context, *settings, *slog.Logger) (*origin, error) { return nil, got }
		if code := p.run(t.Context()); code != want {
			t.Errorf("%v: exit status %d, want %d", got, code, want)
		}
	}
}

func TestLocalResolvers(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
		err  string
	}{
		{"# made by hand\nsearch example.test\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 \nnameserver fe80::1%eth0\nnameserver nonsense\n; nameserver 192.0.2.54\n",
			[]string{"192.0.2.53:53", "[2001:db8::53]:53", "[fe80::1%eth0]:53"}, ""},
		{"search example.test\n", nil, "names no resolver"},
	} {
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := localResolvers(file)
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
	}
	if _, err := localResolvers(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "neither server nor resolver") {
		t.Errorf("no file: %v", err)
	}
}
