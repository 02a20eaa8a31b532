package dnsreg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what to register, and where. Name or Names, Source and one of Servers and Resolvers are
// needed; the zero value of every other field works.
type Config struct {
	// Name is the host's fully qualified name. A final dot is optional; international labels become
	// A-labels. Empty: it has those of Names only.
	Name string
	// Names has further names of the host. The PTR record of an address points to the first name that
	// takes it, Name before these. A name may be given only once. Empty: no further ones.
	Names []HostName
	// Suffixes has the connection-specific DNS suffixes by interface index, as Windows knows them: the
	// addresses of the interface are registered as <first label of Name>.<suffix> too. PTR records prefer
	// Name and Names. A suffix that gives Name itself adds nothing. Empty: none.
	Suffixes map[int]string
	// Underscore permits underscores in names, as in host_1 or _x. BIND takes an address record at such a
	// name only with "check-names ignore". Wildcards are refused all the same. False: letters, digits and
	// hyphens only (RFC 1123 section 2.1).
	Underscore bool
	// Source tells the host's addresses.
	Source Source
	// Servers are the servers to send updates to, as host:port, in order of preference: the first that is
	// authoritative for a zone gets its updates, the next if that one refuses or is silent.
	// With Resolvers they are the last resort, and may be empty. With Auth, what they say of their zones is
	// believed: "internal." and "lan." are zones, and home.arpa or 10.in-addr.arpa may be their own MNAME.
	// Without, and through Resolvers, the first two are top-level domains, and the others empty zones.
	Servers []string
	// Resolvers are recursive servers, as host:port, through which zones and their servers are found,
	// unsigned: the primary by the name in the zone's SOA record, then the servers by its NS records, at port
	// 53, IPv6 first, then Servers. Whoever forges their replies diverts updates. Empty: only Servers are asked.
	Resolvers []string
	// Auth signs what goes to the servers. Several Registrars may have the same one if it is safe for that, as
	// those of this package and of package gss are. Nil: nothing is signed, and replies are only as trustworthy
	// as the path.
	Auth Auth
	// TTL of the records, in whole seconds. 0: 20 minutes, as Windows registers.
	TTL time.Duration
	// Refresh is the time after which Run confirms the records, shortened by up to a tenth at random so
	// that hosts started together drift apart. 0: 24 hours. Negative: never; then only Sync looks again for a
	// reverse zone that was missing.
	Refresh time.Duration
	// MaxAddresses is how many addresses of one family may be registered under one name. 0: 64.
	// BIND refuses more than 100 records of a type.
	MaxAddresses int
	// Policy narrows the eligible addresses. Zero: all of them are registered.
	Policy Policy
	// Adopt claims A and AAAA records found at Name that an earlier run may have left, beyond those
	// whose address the host has now: they are removed, with their PTR records. It is called on the goroutine
	// of Sync, Plan, Deregister or Run, and must not call these. Nil: none.
	Adopt func(netip.Addr) bool
	// Owner marks the names with a record of ownership, and names that have somebody else's are left alone.
	// Zero: no mark, and nobody's is looked for.
	Owner Owner
	// State keeps what is ours over a crash or a restart: see StateFile. Nil: nothing is kept, and own
	// records are known by reading back, as far as that tells: of addresses that the host no longer has at all
	// it tells nothing. If it can't be saved, changes are made all the same, and Status.Err says so.
	State State
	// Pin says which updates are tied to the serial of the zone, so that a recording of them is worth
	// nothing. Zero: PinChanges.
	Pin Pin
	// NoPTR leaves the reverse zones alone.
	NoPTR bool
	// TCP sends everything over TCP. False: only what exceeds 512 octets or came back truncated.
	TCP bool
	// Timeout bounds one exchange with a server, retransmissions included. 0: 5 seconds.
	Timeout time.Duration
	// Clock tells and passes the time. Nil: the host's.
	Clock Clock
	// Dial opens connections, network being "udp" or "tcp"; DialContext of a userspace stack fits. They
	// are to have read deadlines, and are read on the goroutine of Sync or Run.
	// Nil: net.Dialer's DialContext. With Servers or Resolvers given as names it has to resolve them.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets one record for each change (Info) and failure (Warn), and more at Debug. Nil: nothing
	// is logged.
	Logger *slog.Logger
	// Hooks are told what happens. Zero: nobody is.
	Hooks Hooks
}

const (
	defaultTTL          = 20 * time.Minute
	defaultRefresh      = 24 * time.Hour
	defaultMaxAddresses = 64
	defaultTimeout      = 5 * time.Second
)

// check fills the defaults in, Names with every name of the host, Name's own first, and returns every error
// it finds, joined.
func (cfg *Config) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dnsreg: "+format, args...)) }
	errs = append(errs, cfg.expandNames()...)
	if cfg.Source == nil {
		fail("Config.Source is nil")
	}
	if len(cfg.Servers) == 0 && len(cfg.Resolvers) == 0 {
		fail("Config.Servers and Config.Resolvers are both empty: nowhere to send updates to")
	}
	cfg.Servers, cfg.Resolvers = slices.Clone(cfg.Servers), slices.Clone(cfg.Resolvers)
	for _, s := range cfg.Servers {
		if err := checkHostPort(s); err != nil {
			fail("Config.Servers: %q is not host:port: %w", s, err)
		}
	}
	for _, s := range cfg.Resolvers {
		if err := checkHostPort(s); err != nil {
			fail("Config.Resolvers: %q is not host:port: %w", s, err)
		}
	}
	if cfg.Auth != nil {
		if err := cfg.Auth.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if cfg.TTL < 0 || cfg.TTL%time.Second != 0 || cfg.TTL > math.MaxInt32*time.Second { // RFC 2181 section 8
		fail("Config.TTL: %v is not a whole number of seconds from 0 to 2^31-1", cfg.TTL)
	}
	if cfg.Timeout < 0 {
		fail("Config.Timeout: %v is negative", cfg.Timeout)
	}
	if cfg.MaxAddresses < 0 {
		fail("Config.MaxAddresses: %d is negative", cfg.MaxAddresses)
	}
	errs = append(errs, cfg.Policy.check("Config.Policy")...)
	if err := cfg.Owner.Validate(); err != nil {
		errs = append(errs, err)
	}
	cfg.fill()
	return errors.Join(errs...)
}

func (cfg *Config) fill() {
	if cfg.TTL == 0 {
		cfg.TTL = defaultTTL
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = defaultRefresh
	}
	if cfg.MaxAddresses == 0 {
		cfg.MaxAddresses = defaultMaxAddresses
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = hostClock{}
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

func checkHostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "address "+s+": "))
	}
	if host == "" {
		return errors.New("no host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("no port number")
	}
	return nil
}
