package lab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/hextet/hextet/stack/offload"
	"github.com/hextet/hextet/stack/vxlan"
)

// UplinkConfig configures an Uplink. The zero UplinkConfig listens on UDP port 4789 for segment 0, and answers
// whoever comes.
type UplinkConfig struct {
	// Segment is the one that reaches beyond the lab. nil: the lab's first.
	Segment *Segment

	// VNI is the segment's number in the fabric, at most 1<<24 - 1.
	VNI uint32

	// Peers are where the segment goes on: other labs' uplinks, or any other VXLAN tunnel end point. A port
	// of zero is vxlan.Port.
	Peers []netip.AddrPort

	// PeersOnly drops what comes from other addresses. False: anyone who reaches the socket can put frames
	// into the segment. VXLAN has no authentication, and addresses can be forged.
	PeersOnly bool

	// Listen is the UDP address of this end. Empty: port 4789 of all addresses.
	Listen string

	// Conn is a UDP socket, instead of Listen. The lab takes it over, and closes it in any case.
	Conn net.PacketConn

	// Impair is what happens to packets between the segment and the uplink, either way.
	Impair Impairment
}

// An Uplink is where a segment leaves the lab: by VXLAN (RFC 7348), for the labs of other processes or machines, or
// for a Linux bridge or a switch. Its methods may be called from several goroutines at once.
//
// Nobody stands still because a lab does, so the lab has to have Config.RealTime: its clock goes as the world's,
// latencies, timers and deadlines are real, Sleep and Advance wait for so long, and no two runs are alike. The
// packets of the other side are in the trace, from "lan1/uplink". Hardware addresses are random in such a lab,
// since the other lab's hosts are on the same wire.
//
// The segment's MTU is that of the frames inside. 50 bytes are added to each over IPv4, and 70 over IPv6, so
// across machines SegmentConfig.MTU should be 1430; larger packets leave it to the socket to fragment them.
type Uplink struct {
	endpoint *vxlan.Endpoint
	link     *vxlan.Link
	port     *port
	turns    *turns
	done     sync.WaitGroup
	room     chan struct{} // a token for each frame on its way into the segment
	failed   error         // before done
	told     sync.Once     // failed was
}

// maxUplinkFrames bounds the frames that came through the tunnel and wait for the lab. What comes beyond them
// waits in the tunnel's own queue, as far as that goes (vxlan.Counters).
const maxUplinkFrames = 1024

// AddUplink adds an uplink. The lab closes it.
func (l *Lab) AddUplink(cfg UplinkConfig) (*Uplink, error) {
	u, err := l.addUplink(cfg)
	if err != nil {
		if cfg.Conn != nil {
			cfg.Conn.Close()
		}
		return nil, fmt.Errorf("lab: uplink: %w", err)
	}
	return u, nil
}

// Uplink is AddUplink for tests, which an error ends. Outside of one it panics.
func (l *Lab) Uplink(cfg UplinkConfig) *Uplink {
	if l.tb != nil {
		l.tb.Helper()
	}
	return must(l, cfg, l.AddUplink)
}

func (l *Lab) addUplink(cfg UplinkConfig) (*Uplink, error) {
	switch {
	case l.sched.real == nil:
		return nil, errors.New("the lab's time is its own, and the other end's is not: it needs Config.RealTime")
	case cfg.Segment != nil && cfg.Segment.l != l:
		return nil, fmt.Errorf("segment %q is another lab's", cfg.Segment.name)
	case cfg.Conn != nil && cfg.Listen != "":
		return nil, errors.New("UplinkConfig has a Conn and a Listen, where one is enough")
	}
	err := cfg.Impair.check()
	if err != nil {
		return nil, err
	}
	if cfg.Segment == nil {
		if cfg.Segment, err = l.firstSegment(); err != nil {
			return nil, err
		}
	}
	u := &Uplink{room: make(chan struct{}, maxUplinkFrames)}
	if err := u.open(cfg); err != nil {
		return nil, err
	}
	u.plugIn(cfg)
	u.done.Go(u.receive)
	if !l.closeLater(u.Close) {
		return nil, errors.Join(errClosed, u.Close())
	}
	return u, nil
}

// closeLater has close called by Close, unless that was called before.
func (l *Lab) closeLater(close func() error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closing {
		l.closers = append(l.closers, close)
	}
	return !l.closing
}

// open opens the tunnel. On an error the socket is closed.
func (u *Uplink) open(cfg UplinkConfig) (err error) {
	conn := cfg.Conn
	if conn == nil {
		if cfg.Listen == "" {
			cfg.Listen = fmt.Sprintf(":%d", vxlan.Port)
		}
		if conn, err = net.ListenPacket("udp", cfg.Listen); err != nil {
			return err
		}
	}
	if u.endpoint, err = vxlan.New(vxlan.Config{Conn: conn}); err != nil {
		conn.Close()
		return err
	}
	if u.link, err = u.endpoint.Open(vxlan.Segment{VNI: cfg.VNI, Peers: cfg.Peers, PeersOnly: cfg.PeersOnly, MTU: cfg.Segment.mtu}); err != nil {
		u.endpoint.Close()
	}
	return err
}

// plugIn connects the tunnel to the segment's switch.
func (u *Uplink) plugIn(cfg UplinkConfig) {
	s := cfg.Segment
	name := s.name + "/uplink"
	h := &Host{l: s.l, name: s.name, turns: newTurns(s.l.sched, name, s.l.cfg.Seed)}
	c := InterfaceConfig{Segment: s, HardwareAddr: u.link.HardwareAddr(), Send: cfg.Impair, Receive: cfg.Impair}
	c.Stack.Name = "uplink"
	u.turns, u.port = h.turns, newPort(h, c)
	u.port.all = true
	u.port.deliverTo(func(pkt offload.Packet) { u.link.WritePackets(pkt.Pieces) })
	u.port.plug(s)
}

// receive takes over what comes through the tunnel until that is closed or fails.
func (u *Uplink) receive() {
	bufs, sizes := make([][]byte, 64), make([]int, 64)
	for i := range bufs {
		bufs[i] = make([]byte, u.link.MTU()+14)
	}
	for {
		n, err := u.link.ReadPackets(bufs, sizes)
		if err != nil {
			u.end(err)
			return
		}
		for i := range n {
			select {
			case u.room <- struct{}{}:
			case <-u.port.closed: // nobody makes room any more
				return
			}
			u.turns.s.after(u.turns, 0, u.send(bufs[i][:sizes[i]]))
		}
	}
}

// end notes why nothing comes any more, unless that is Close.
func (u *Uplink) end(err error) {
	select {
	case <-u.port.closed:
		return
	default:
	}
	u.failed = fmt.Errorf("lab: uplink of segment %q: %w", u.port.h.name, err)
	if log := u.port.h.l.cfg.Logger; log != nil {
		log.Error("nothing comes through an uplink any more", "segment", u.port.h.name, "err", err)
	}
}

// send returns what puts a copy of the frame onto the segment.
func (u *Uplink) send(frame []byte) func() {
	frame = append([]byte(nil), frame...)
	return func() {
		<-u.room
		u.port.write(frame)
	}
}

// LocalAddr is the UDP address of this end.
func (u *Uplink) LocalAddr() netip.AddrPort { return u.endpoint.LocalAddr() }

// AddPeer adds a place where the segment goes on.
func (u *Uplink) AddPeer(p netip.AddrPort) error { return u.link.AddPeer(p) }

// RemovePeer removes one, and says whether it was there.
func (u *Uplink) RemovePeer(p netip.AddrPort) bool { return u.link.RemovePeer(p) }

// SetFirewall puts w between the segment and the uplink, seen from the other side: what it sends is Out. A nil
// w lets everything through.
func (u *Uplink) SetFirewall(w *Firewall) { u.port.gate.wall.Store(w) }

// Counters are the tunnel's.
func (u *Uplink) Counters() vxlan.Counters { return u.link.Counters() }

// Close unplugs the uplink. If its socket failed before, it returns why. Closing twice is no error.
func (u *Uplink) Close() error {
	u.port.Close()
	err := u.endpoint.Close()
	u.done.Wait()
	u.told.Do(func() { err = errors.Join(err, u.failed) })
	return err
}

// hardwareAddr is the address of the kth interface of the nth host.
func (l *Lab) hardwareAddr(n, k int) net.HardwareAddr {
	hw := net.HardwareAddr{2, byte(k), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	if l.sched.real != nil {
		rand.Read(hw[1:])
	}
	return hw
}
