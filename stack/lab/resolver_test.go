package lab_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/hextet/hextet/dnsreg/dnsregtest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// A Resolver's lookups take a deadline of the lab's for what it is, not for one that passed many years ago.
func TestResolverDeadlines(t *testing.T) {
	for name, start := range map[string]time.Time{"long ago": {}, "in the future": time.Now().Add(1e5 * time.Hour)} {
		t.Run(name, func(t *testing.T) {
			deaf := false
			l, _, client, _ := named(t, lab.Config{Start: start}, lab.Impairment{Latency: 10 * time.Millisecond}, lab.DNSConfig{
				Fault: func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: deaf} },
			})
			ctx, cancel := l.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if txt, err := client.Resolver().LookupTXT(ctx, "text.example.test."); err != nil || fmt.Sprint(txt) != "[hello]" {
				t.Error(txt, err)
			}
			if hosts, err := client.Resolver().LookupHost(ctx, "web.example.test."); err != nil || len(hosts) != 2 {
				t.Error(hosts, err)
			}
			deaf = true
			ctx, cancel = l.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := l.Now()
			_, err := client.Resolver().LookupTXT(ctx, "text.example.test.")
			var dns *net.DNSError
			if took := l.Now().Sub(began); !errors.As(err, &dns) || !dns.IsTimeout || took != 3*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
		})
	}
}

// A lookup that ends with a context says so, whatever that was derived from.
func TestLookupEndsWithContext(t *testing.T) {
	l, _, client, _ := named(t, lab.Config{}, lab.Impairment{}, lab.DNSConfig{
		Fault: func(dnsregtest.Request) dnsregtest.Fault { return dnsregtest.Fault{Drop: true} },
	})
	timeout, cancel := l.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	ctx, cancel := context.WithCancel(timeout)
	defer cancel()
	began := l.Now()
	d := stack.Dialer{Stack: client.Stack, FallbackDelay: -1}
	_, err := d.DialContext(ctx, "tcp", "web.example.test.:80")
	var timed net.Error
	if took := l.Now().Sub(began); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timed) || !timed.Timeout() || took != 3*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// An address that does not answer has its share of the lab's time, not all of it.
func TestDialSharesLabTime(t *testing.T) {
	l, _, client, web := named(t, lab.Config{}, lab.Impairment{}, lab.DNSConfig{Records: []string{
		"half.example.test. 60 AAAA 2001:db8::dead", "half.example.test. 60 A 10.0.0.80",
	}})
	ln, err := web.Listen(t.Context(), "tcp4", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	// Something takes what is sent to the dead address, and says nothing.
	l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::dead/64"), Stack: stack.Config{}}).
		SetFirewall("", lab.NewFirewall(lab.Rule{Direction: lab.Out, Protocol: 6}))
	ctx, cancel := l.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := l.Now()
	d := stack.Dialer{Stack: client.Stack, FallbackDelay: -1}
	c, err := d.DialContext(ctx, "tcp", "half.example.test.:80")
	if took := l.Now().Sub(began); err != nil || c.RemoteAddr().String() != "10.0.0.80:80" || took != 5*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}
