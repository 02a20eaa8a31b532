package dnsregtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/miekg/dns"
)

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

// ServePacket starts to serve datagrams and returns at once. Close closes pc, and tells if reading from it has failed.
func (s *Server) ServePacket(pc net.PacketConn) {
	s.serve(pc, func() error {
		buf := make([]byte, dns.MaxMsgSize)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return err
			}
			s.answer(buf[:n], "udp", func(reply []byte) { pc.WriteTo(reply, from) })
		}
	})
}

// ServeListener starts to serve streams and returns at once. Close closes l and its connections, and tells if Accept
// has failed.
func (s *Server) ServeListener(l net.Listener) {
	s.serve(l, func() error {
		for {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			st := &stream{conn: conn}
			if s.admit(st) {
				s.serve(conn, func() error { s.serveStream(st); return nil })
			}
		}
	})
}

// serve runs loop until it ends by itself or Close closes c.
func (s *Server) serve(c io.Closer, loop func() error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.Close()
		return
	}
	s.open[c] = struct{}{}
	s.start(func() {
		err := loop()
		c.Close()
		s.mu.Lock()
		delete(s.open, c)
		if err != nil && !s.closed && !errors.Is(err, net.ErrClosed) {
			s.failed = append(s.failed, fmt.Errorf("dnsregtest: served no more: %w", err))
		}
		s.mu.Unlock()
	})
	s.mu.Unlock()
}

// stream is one connection over TCP. Any number of requests may follow one another; they are carried out
// and, unless a Fault holds one back, answered in order (RFC 7766 section 6.2.1.1).
type stream struct {
	conn net.Conn
	used uint64     // Server.uses when it last asked something
	mu   sync.Mutex // of writing: one message after another
}

// admit makes room for a stream, unless the server is down.
func (s *Server) admit(st *stream) bool {
	s.mu.Lock()
	if s.down || s.closed {
		s.mu.Unlock()
		st.conn.Close()
		return false
	}
	var idlest *stream
	if len(s.streams) >= s.cfg.MaxStreams {
		for other := range s.streams {
			if idlest == nil || other.used < idlest.used {
				idlest = other
			}
		}
		delete(s.streams, idlest)
		s.stats.Evicted++
	}
	s.uses++
	st.used = s.uses
	s.streams[st] = struct{}{}
	s.mu.Unlock()
	if idlest != nil {
		idlest.conn.Close() // its goroutine ends
	}
	return true
}

func (s *Server) serveStream(st *stream) {
	defer func() {
		s.mu.Lock()
		delete(s.streams, st)
		s.mu.Unlock()
	}()
	for {
		stop := s.idle(st)
		var size [2]byte
		_, err := io.ReadFull(st.conn, size[:])
		if err != nil {
			stop()
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		_, err = io.ReadFull(st.conn, msg)
		stop()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.uses++
		st.used = s.uses
		s.mu.Unlock()
		s.answer(msg, "tcp", st.send)
	}
}

func (st *stream) send(reply []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}

// idle closes the stream if it asks nothing for Config.IdleTimeout. stop prevents that.
func (s *Server) idle(st *stream) (stop func()) {
	if s.cfg.IdleTimeout <= 0 {
		return func() {}
	}
	return s.after(s.cfg.IdleTimeout, func() {
		s.count(func(stats *Stats) { stats.Evicted++ })
		st.conn.Close()
	})
}
