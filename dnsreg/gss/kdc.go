package gss

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hextet/hextet/dnsreg"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// kdcs talks to the KDCs of all realms.
type kdcs struct {
	krb         *config.Config
	loginTypes  []int32 // encryption types for ticket-granting tickets
	ticketTypes []int32 // and for the others
	clock       dnsreg.Clock
	stamp       func() time.Time // now, but never the same twice
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	lookup      func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	timeout     time.Duration
}

const (
	maxKDCs     = 8       // tried for one request
	maxKDCReply = 1 << 20 // octets; a ticket with many groups has some ten thousand
	kdcPort     = "88"
)

// ask sends a request to the KDCs of a realm, one after the other until one answers, and returns the answer. It is
// a *kerberosError if that is a KRB_ERROR. Each KDC gets a request made anew: one that says nothing may have taken
// the authenticator and told the others. Everything goes over TCP (RFC 4120 section 7.2.2).
func (k *kdcs) ask(ctx context.Context, realm string, request func() ([]byte, error)) ([]byte, error) {
	addresses, err := k.addresses(ctx, realm)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, address := range addresses[:min(len(addresses), maxKDCs)] {
		b, err := request()
		if err != nil {
			return nil, err
		}
		reply, err := k.exchange(ctx, address, b)
		if err == nil {
			return reply, nil
		}
		if e, ok := errors.AsType[*kerberosError](err); ok && e.code != errorcode.KDC_ERR_SVC_UNAVAILABLE {
			return nil, err
		}
		errs = append(errs, fmt.Errorf("KDC %s: %w", address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// addresses returns host:port of a realm's KDCs.
func (k *kdcs) addresses(ctx context.Context, realm string) ([]string, error) {
	var out []string
	for _, r := range k.krb.Realms {
		if r.Realm != realm {
			continue
		}
		for _, kdc := range r.KDC {
			kdc = strings.TrimPrefix(kdc, "tcp/")
			if _, _, err := net.SplitHostPort(kdc); err != nil { // an IPv6 address without a port
				kdc = net.JoinHostPort(strings.Trim(kdc, "[]"), kdcPort)
			}
			out = append(out, kdc)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if !k.krb.LibDefaults.DNSLookupKDC {
		return nil, permanent("krb5.conf has no KDC for the realm %s, and dns_lookup_kdc = false", realm)
	}
	ctx, cancel := withTimeout(ctx, k.clock, k.timeout)
	defer cancel()
	_, records, err := k.lookup(ctx, "kerberos", "tcp", realm)
	if err != nil {
		return nil, fmt.Errorf("looking for the KDCs of %s: %w", realm, because(ctx, err))
	}
	slices.SortStableFunc(records, func(a, b *net.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, srv := range records {
		if host := strings.TrimSuffix(srv.Target, "."); host != "" { // RFC 2782: "." means that there is none
			out = append(out, net.JoinHostPort(host, strconv.Itoa(int(srv.Port))))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no SRV record names a KDC of %s", realm)
	}
	return out, nil
}

func (k *kdcs) exchange(ctx context.Context, address string, request []byte) ([]byte, error) {
	ctx, cancel := withTimeout(ctx, k.clock, k.timeout)
	defer cancel()
	conn, err := k.dial(ctx, "tcp", address)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // frees who reads or writes
	// "the request ... MUST be preceded by the length of the request as 4 octets in network byte order"
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, because(ctx, err)
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, because(ctx, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 || n > maxKDCReply {
		return nil, fmt.Errorf("it announces an answer of %d octets", n)
	}
	reply := make([]byte, n)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return nil, because(ctx, err)
	}
	var refused messages.KRBError
	if safely(func() error { return refused.Unmarshal(reply) }) == nil {
		return nil, newKerberosError(refused, k.clock.Now())
	}
	return reply, nil
}

// newKerberosError takes over from a message what matters. Its text is quoted: it may be anybody's.
func newKerberosError(k messages.KRBError, now time.Time) *kerberosError {
	e := &kerberosError{code: k.ErrorCode, data: k.EData}
	if k.EText != "" {
		e.text = strconv.Quote(k.EText[:min(len(k.EText), 256)])
	}
	if k.ErrorCode == errorcode.KRB_AP_ERR_SKEW {
		e.skew = k.STime.Sub(now)
	}
	return e
}

// withTimeout is context.WithTimeoutCause on the given clock.
func withTimeout(ctx context.Context, c dnsreg.Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(errTimeout) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}

// because returns the reason why ctx ended in the place of what that did to the connection.
func because(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return err
}
