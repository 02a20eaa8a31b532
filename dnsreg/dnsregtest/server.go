package dnsregtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Config describes a Server. The zero value serves no zone.
type Config struct {
	// Zones are the names of the zones served. Each starts with an SOA record (MNAME ns1 below the
	// zone, serial 1) and one NS record. A zone below another is a child zone of its own.
	Zones []string
	// Keys are the TSIG secrets by key name. Nil: updates are taken unsigned.
	// Otherwise an unsigned update is answered REFUSED, as BIND does.
	Keys map[string][]byte
	// Now tells the time for TSIG. Nil: time.Now.
	Now func() time.Time
	// Fault is asked what to do with each request. Nil: serve it. It is called by the goroutine that
	// read the request.
	Fault func(Request) Fault
	// Go runs f on a goroutine of its own. Nil: with the go statement. Otherwise Close does not wait
	// for these goroutines: who runs them knows when they have ended.
	Go func(f func())
}

// Stats counts what the server has seen.
type Stats struct {
	Queries     int // requests with opcode QUERY
	QueryBytes  int // their octets, without IP, UDP or TCP framing
	Updates     int // requests with opcode UPDATE, retransmissions and refused ones included
	UpdateBytes int // their octets, signature included
	Changed     int // updates that changed a zone
	TCP         int // requests that came over a stream
	Malformed   int // messages that are no request: dropped
}

// Server is an authoritative server. Its methods may be called from any goroutine.
type Server struct {
	cfg  Config
	keys map[string]string // canonical name to base64 secret, as the codec wants it

	mu     sync.Mutex
	zones  map[string]*zone
	stats  Stats
	open   map[io.Closer]struct{}
	closed bool

	done chan struct{} // closed by Close: delayed replies give up
	wg   sync.WaitGroup
}

// New returns a server for the zones of cfg; it serves once it is given sockets.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg:   cfg,
		keys:  encodeKeys(cfg.Keys),
		zones: make(map[string]*zone),
		open:  make(map[io.Closer]struct{}),
		done:  make(chan struct{}),
	}
	for _, name := range cfg.Zones {
		z, err := newZone(name)
		if err != nil {
			return nil, err
		}
		if s.zones[z.name] != nil {
			return nil, fmt.Errorf("dnsregtest: zone %s is given twice", z.name)
		}
		s.zones[z.name] = z
	}
	return s, nil
}

// Listen binds UDP and TCP to one port of host, a free one, serves both, and returns the address as host:port.
func (s *Server) Listen(host string) (address string, err error) {
	for range 16 { // the TCP port of the same number may be taken
		var pc net.PacketConn
		if pc, err = net.ListenPacket("udp", net.JoinHostPort(host, "0")); err != nil {
			break
		}
		var l net.Listener
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err != nil {
			pc.Close()
			continue
		}
		s.ServePacket(pc)
		s.ServeListener(l)
		return pc.LocalAddr().String(), nil
	}
	return "", fmt.Errorf("dnsregtest: listen on %s: %w", host, err)
}

// ServePacket starts to serve datagrams and returns at once. Close closes pc.
func (s *Server) ServePacket(pc net.PacketConn) {
	s.serve(pc, func() {
		buf := make([]byte, dns.MaxMsgSize)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			s.answer(buf[:n], "udp", func(reply []byte) { pc.WriteTo(reply, from) })
		}
	})
}

// ServeListener starts to serve streams and returns at once. Close closes l and its connections.
func (s *Server) ServeListener(l net.Listener) {
	s.serve(l, func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(conn, func() { s.serveStream(conn) })
		}
	})
}

func (s *Server) serveStream(conn net.Conn) {
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, msg); err != nil {
			return
		}
		s.answer(msg, "tcp", func(reply []byte) {
			conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
		})
	}
}

// serve runs loop until it ends by itself or Close closes c.
func (s *Server) serve(c io.Closer, loop func()) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.Close()
		return
	}
	s.open[c] = struct{}{}
	s.start(func() {
		loop()
		c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	})
	s.mu.Unlock()
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
// Config.Go's.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
