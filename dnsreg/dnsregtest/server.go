package dnsregtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Config describes a Server. The zero value serves no zone.
type Config struct {
	// Zones are the names of the zones served. Each starts with an SOA record (MNAME ns1 below the
	// zone, serial 1) and one NS record. A zone below another is a child zone of its own.
	Zones []string
	// ReadOnly are those of Zones that take no update: REFUSED.
	ReadOnly []string
	// Keys are the TSIG secrets by key name. Nil: updates are taken unsigned.
	// Otherwise, even without a key, an unsigned update is answered REFUSED, as BIND does.
	Keys map[string][]byte
	// Algorithms ties keys of Keys, by name, to one algorithm ("hmac-sha256"): any other is answered
	// BADKEY. Keys without an entry work with HMAC-SHA-1, 224, 256, 384 and 512.
	Algorithms map[string]string
	// AnyName takes A, AAAA, PTR and so on with names that are none of hosts, as BIND does with
	// "check-names ignore". False: REFUSED.
	AnyName bool
	// MaxRecords is how many records an RRset may have: an update that adds more is answered SERVFAIL and
	// undone. 0: any number. BIND's max-records-per-type is 100 by default.
	MaxRecords int
	// MaxStreams is how many streams may be open: for one more, the one that has been idle for longest is
	// closed. 0: 256.
	MaxStreams int
	// IdleTimeout closes streams that ask nothing for so long. 0: never.
	IdleTimeout time.Duration
	// Now tells the time for TSIG. Nil: time.Now.
	Now func() time.Time
	// AfterFunc calls f in a goroutine of its own after d; stop prevents that. Fault.Delay and IdleTimeout
	// need it, and nothing else here waits for time. Nil: time.AfterFunc. Like stop and Go it is called while the
	// server is locked: it must neither call the server nor wait for f.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
	// Fault is asked what to do with each request. Nil: serve it. It is called by the goroutine that
	// read the request, so for several requests at once.
	Fault func(Request) Fault
	// Go starts f on a goroutine of its own. Nil: with the go statement. Otherwise Close does not wait
	// for these goroutines: who runs them knows when they have ended.
	Go func(f func())
}

// Stats counts what has reached the server, also while it was down.
type Stats struct {
	Queries     int // requests with another opcode than UPDATE
	QueryBytes  int // their octets, without IP, UDP or TCP framing
	Updates     int // requests with opcode UPDATE, retransmissions and refused ones included
	UpdateBytes int // their octets, signature included
	Changed     int // updates that changed a zone
	Transfers   int // zones sent whole
	TCP         int // requests that came over a stream
	Malformed   int // messages that are no request, or none that can be read: those are answered FORMERR
	Dropped     int // messages that got no answer, for want of a header or by a Fault
	Evicted     int // streams closed for a new one, or because they were idle
}

// Server is an authoritative server. Its methods may be called from any goroutine.
type Server struct {
	cfg  Config
	keys map[string]key // by canonical name

	mu      sync.Mutex
	zones   map[string]*zone
	stats   Stats
	open    map[io.Closer]struct{} // sockets and streams
	streams map[*stream]struct{}
	uses    uint64 // counts the requests of all streams, to find the one that was idle for longest
	closed  bool

	down    bool
	epoch   int      // counts crashes
	changes uint64   // number of the last change
	pending []change // not acknowledged yet, in order
	held    int      // replies that are held back
	later   []reply  // those of them that wait for another reply
	sending int      // datagrams that are being sent
	sent    sync.Cond
	failed  []error // of sockets that are served no more

	timers uint64
	stops  map[uint64]func() bool // of timers that are set

	done chan struct{} // closed by Close: delayed replies give up
	wg   sync.WaitGroup
}

// New returns a server for the zones of cfg; it serves once it is given sockets.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AfterFunc == nil {
		cfg.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if cfg.MaxStreams < 0 {
		return nil, fmt.Errorf("dnsregtest: MaxStreams: %d is negative", cfg.MaxStreams)
	}
	cfg.MaxStreams = cmp.Or(cfg.MaxStreams, 256)
	keys, err := newKeys(cfg.Keys, cfg.Algorithms)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		keys:    keys,
		zones:   make(map[string]*zone),
		open:    make(map[io.Closer]struct{}),
		streams: make(map[*stream]struct{}),
		stops:   make(map[uint64]func() bool),
		done:    make(chan struct{}),
	}
	s.sent.L = &s.mu
	for _, name := range cfg.Zones {
		z, err := newZone(name)
		if err != nil {
			return nil, err
		}
		z.anyName = cfg.AnyName
		if s.zones[z.name] != nil {
			return nil, fmt.Errorf("dnsregtest: zone %s is given twice", z.name)
		}
		s.zones[z.name] = z
	}
	for _, name := range cfg.ReadOnly {
		z := s.zones[dns.CanonicalName(name)]
		if z == nil {
			return nil, fmt.Errorf("dnsregtest: read-only zone %q is none of the zones", name)
		}
		z.readOnly = true
	}
	return s, nil
}

// start runs f on a goroutine of its own.
func (s *Server) start(f func()) {
	if s.cfg.Go == nil {
		s.wg.Go(f)
		return
	}
	s.cfg.Go(f)
}

// Close closes every socket that the server was given and waits for its goroutines, unless they are
// Config.Go's. The error says which sockets had failed before, and were served no more.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	for c := range s.open {
		c.Close()
	}
	for id, stop := range s.stops {
		stop()
		delete(s.stops, id)
	}
	failed := errors.Join(s.failed...)
	s.mu.Unlock()
	s.wg.Wait()
	return failed
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
