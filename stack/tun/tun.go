package tun

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
)

// Config names a device. The zero value is a TUN device with a name and an MTU
// of the kernel's choice.
type Config struct {
	// Name of the device, at most 15 bytes. Empty: the first free of tun0, tun1
	// and so on, or tap0, ... A persistent device of that name is attached to.
	Name string
	// TAP asks for Ethernet frames. False: bare IP packets.
	TAP bool
	// MTU to set, in bytes of IP packet. Zero: leave the device's.
	MTU int
	// HardwareAddr is the stack's address on a TAP device, 6 bytes, unicast, and
	// not the kernel's on the same device. Nil: a random, locally administered one.
	// A TUN device has none.
	HardwareAddr net.HardwareAddr
	// NoOffload keeps large segments and unfinished checksums from crossing the
	// device: the kernel gets and sends each packet as on a wire. False: they cross
	// it (IFF_VNET_HDR).
	NoOffload bool
}

// Counters say what became of packets and bytes, Ethernet headers included. A
// large segment counts as the packets that it stands for.
type Counters struct {
	PacketsRead    uint64
	BytesRead      uint64
	PacketsWritten uint64
	BytesWritten   uint64
	// WriteDrops counts packets that the kernel did not take: the device is down
	// or has no memory for them, or what is in them is no IP packet or frame.
	WriteDrops uint64
	// ReadDrops counts packets with a virtio header that makes no sense.
	ReadDrops uint64
}

// A Device is a TUN or TAP device. One goroutine may read while another writes
// and others call the rest; concurrent reads, and concurrent writes, take turns.
type Device struct {
	name   string
	mtu    int
	hw     net.HardwareAddr
	file   *os.File
	raw    syscall.RawConn // of file
	vnet   bool            // a struct virtio_net_hdr precedes each packet
	closed atomic.Bool

	reader reader
	writer writer

	packetsRead, bytesRead, readDrops, packetsWritten, bytesWritten, writeDrops atomic.Uint64
}

// Open creates the device, or attaches to it if it is persistent, and fails with
// an error that names it: os.ErrPermission without the privilege, syscall.EBUSY
// when it is in use, syscall.EINVAL when it is of another kind, os.ErrNotExist
// where the kernel has no /dev/net/tun, and errors.ErrUnsupported where there is
// no Linux.
func Open(cfg Config) (*Device, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.TAP && cfg.HardwareAddr == nil {
		cfg.HardwareAddr = randomAddr()
	}
	d, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("tun: open %q: %w", cfg.Name, err)
	}
	return d, nil
}

func (cfg Config) check() error {
	hw := cfg.HardwareAddr
	switch {
	case len(cfg.Name) > 15:
		return fmt.Errorf("tun: name %q has %d bytes, at most 15 are possible", cfg.Name, len(cfg.Name))
	case strings.ContainsAny(cfg.Name, "/:%\x00 \t\n\r\v\f") || cfg.Name == "." || cfg.Name == "..":
		return fmt.Errorf("tun: name %q is not a device name", cfg.Name)
	case cfg.MTU < 0 || cfg.MTU > 65535:
		return fmt.Errorf("tun: MTU %d is not within 0 to 65535", cfg.MTU)
	case hw != nil && !cfg.TAP:
		return fmt.Errorf("tun: hardware address %s: a TUN device has none", hw)
	case hw != nil && (len(hw) != 6 || hw[0]&1 != 0 || slices.Max(hw) == 0):
		return fmt.Errorf("tun: hardware address %s is not a unicast address of 6 bytes", hw)
	}
	return nil
}

// randomAddr makes a unicast address with the local bit set.
func randomAddr() net.HardwareAddr {
	hw := make(net.HardwareAddr, 6)
	rand.Read(hw)
	hw[0] = hw[0]&^1 | 2
	return hw
}

// Name is the name of the device in the kernel, as it was after Open.
func (d *Device) Name() string { return d.name }

// MTU is the size of the largest IP packet, in bytes, as it was after Open.
func (d *Device) MTU() int { return d.mtu }

// HardwareAddr is the stack's own address on a TAP device, and nil for TUN. The
// caller may keep and change it.
func (d *Device) HardwareAddr() net.HardwareAddr { return slices.Clone(d.hw) }

// linkHeader is the size of an Ethernet header.
const linkHeader = 14

// network is where IP headers start.
func (d *Device) network() int {
	if d.hw != nil {
		return linkHeader
	}
	return 0
}

// Counters returns a snapshot; each number is exact, their sums may be a packet
// apart while packets move.
func (d *Device) Counters() Counters {
	return Counters{
		PacketsRead: d.packetsRead.Load(), BytesRead: d.bytesRead.Load(),
		PacketsWritten: d.packetsWritten.Load(), BytesWritten: d.bytesWritten.Load(),
		WriteDrops: d.writeDrops.Load(), ReadDrops: d.readDrops.Load(),
	}
}

// fault names the device in an error, and tells a closed one from a broken one.
func (d *Device) fault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case d.closed.Load():
		return fmt.Errorf("tun: %s %s: %w", op, d.name, net.ErrClosed)
	}
	return fmt.Errorf("tun: %s %s: %w", op, d.name, err)
}

// Close ends a waiting ReadPackets and gives the device back. Further calls do
// nothing and return nil.
func (d *Device) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	if d.vnet {
		d.raw.Control(endOffload) // a persistent device may have a plain reader next
	}
	return d.file.Close()
}
