package tun

import (
	"encoding/binary"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack/offload"
	"golang.org/x/sys/unix"
)

func ip(t *testing.T, args string) string {
	t.Helper()
	return peertest.Run(t, "ip "+args)
}

func mustOpen(t *testing.T, cfg Config) *Device {
	t.Helper()
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// pings runs ping in the namespace; the device's other end answers.
func pings(t *testing.T, d *Device, header int, args string) {
	t.Helper()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		respond(t, d, header)
	}()
	out, err := exec.CommandContext(t.Context(), "ping", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Errorf("ping %s: %v\n%s", args, err, out)
	}
	d.Close()
	<-stopped
}

// respond answers echo requests until the device is closed. header is the size
// of what precedes the IP packet.
func respond(t *testing.T, d *Device, header int) {
	bufs, sizes := buffers(8, d.MTU()+18)
	for {
		n, err := d.ReadPackets(bufs, sizes)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("read: %v", err)
			}
			return
		}
		for i := range n {
			frame := bufs[i][:sizes[i]]
			if !reply(t, frame[header:]) {
				continue
			}
			if header > 0 { // back to where it came from
				copy(frame, frame[6:12])
				copy(frame[6:], d.HardwareAddr())
			}
			if n, err := d.WritePackets([][]byte{frame}); n != 1 || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}
	}
}

// reply turns an echo request into its reply, and checks it first.
func reply(t *testing.T, p []byte) bool {
	switch {
	case len(p) > 48 && p[0]>>4 == 6 && p[6] == 58 && p[40] == 128:
		pseudo := append(append([]byte(nil), p[8:40]...), 0, 0, p[4], p[5], 0, 0, 0, 58)
		if int(binary.BigEndian.Uint16(p[4:])) != len(p)-40 || sum(pseudo, p[40:]) != 0xffff {
			t.Errorf("not a valid echo request: % x", p)
		}
		swap(p[8:24], p[24:40])
		p[40], p[42], p[43] = 129, 0, 0
		binary.BigEndian.PutUint16(p[42:], ^sum(pseudo, p[40:])) // the order of addresses changes no sum
	case len(p) > 28 && p[0] == 0x45 && p[9] == 1 && p[20] == 8:
		if int(binary.BigEndian.Uint16(p[2:])) != len(p) || sum(p[:20]) != 0xffff || sum(p[20:]) != 0xffff {
			t.Errorf("not a valid echo request: % x", p)
		}
		swap(p[12:16], p[16:20])
		p[20], p[22], p[23] = 0, 0, 0
		binary.BigEndian.PutUint16(p[22:], ^sum(p[20:]))
	default:
		return false
	}
	return true
}

func swap(a, b []byte) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// sum is RFC 1071's, slow and plain; the pieces are even but for the last.
func sum(pieces ...[]byte) uint16 {
	var s uint32
	for _, p := range pieces {
		for i, b := range p {
			s += uint32(b) << (8 * (1 - i%2))
		}
	}
	for s>>16 != 0 {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func TestKernelPings(t *testing.T) {
	for _, c := range []struct{ name, args string }{
		{"IPv6", "-6 -c 3 -i 0.05 -W 5 2001:db8::2"},
		{"IPv6, odd size", "-6 -c 3 -i 0.05 -W 5 -s 1001 2001:db8::2"},
		{"IPv4", "-4 -c 3 -i 0.05 -W 5 192.0.2.2"},
		{"flood", "-6 -q -f -c 500 -W 5 2001:db8::2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			peertest.EnterNetns(t, "ping")
			d := mustOpen(t, Config{})
			if d.Name() != "tun0" || d.MTU() != 1500 || d.HardwareAddr() != nil {
				t.Errorf("opened %s, MTU %d, address %s", d.Name(), d.MTU(), d.HardwareAddr())
			}
			ip(t, "address add 2001:db8::1/64 dev tun0 nodad")
			ip(t, "address add 192.0.2.1/24 dev tun0")
			ip(t, "link set tun0 up")
			pings(t, d, 0, c.args)
			if c := d.Counters(); c.PacketsRead < 3 || c.PacketsWritten < 3 || c.WriteDrops != 0 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

func TestTAP(t *testing.T) {
	peertest.EnterNetns(t, "ping")
	hw := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	d := mustOpen(t, Config{Name: "wire", TAP: true, MTU: 1400, HardwareAddr: hw})
	hw[5] = 9 // the device has its own copy
	if got := d.HardwareAddr().String(); got != "02:00:00:00:00:02" {
		t.Errorf("address %s", got)
	}
	link := ip(t, "link show wire")
	if d.MTU() != 1400 || !strings.Contains(link, "mtu 1400") || strings.Contains(link, "02:00:00:00:00:02") {
		t.Errorf("MTU %d, and the kernel has %s", d.MTU(), link)
	}
	ip(t, "address add 2001:db8::1/64 dev wire nodad")
	ip(t, "neighbour add 2001:db8::2 lladdr 02:00:00:00:00:02 dev wire")
	ip(t, "link set wire up")
	pings(t, d, 14, "-6 -c 3 -i 0.05 -W 5 -s 1352 2001:db8::2")

	if d := mustOpen(t, Config{TAP: true}); d.Name() != "tap0" || len(d.HardwareAddr()) != 6 {
		t.Errorf("zero config: %s with address %s", d.Name(), d.HardwareAddr())
	}
}

func TestKernelDrops(t *testing.T) {
	peertest.EnterNetns(t)
	d := mustOpen(t, Config{})
	packet := make([]byte, 40)
	packet[0], packet[6] = 0x60, 59
	if n, err := d.WritePackets([][]byte{packet}); n != 1 || err != nil || d.Counters().WriteDrops != 1 {
		t.Errorf("device down: %d, %v, %+v", n, err, d.Counters())
	}
	ip(t, "link set tun0 up")
	if n, err := d.WritePackets([][]byte{{0xf0, 1, 2}, {}, packet}); n != 3 || err != nil {
		t.Errorf("garbage: %d, %v", n, err)
	}
	if c := d.Counters(); c.PacketsWritten != 1 || c.BytesWritten != 40 || c.WriteDrops != 3 {
		t.Errorf("counters %+v, want 1 written, 3 dropped", c)
	}
}

func TestDeletedDevice(t *testing.T) {
	for name, read := range map[string]func(*Device) error{
		"ReadPackets": func(d *Device) error {
			bufs, sizes := buffers(1, 2000)
			_, err := d.ReadPackets(bufs, sizes)
			return err
		},
		"ReadOffload": func(d *Device) error { return d.ReadOffload(func(offload.Packet) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			peertest.EnterNetns(t)
			d := mustOpen(t, Config{})
			failed := make(chan error)
			go func() { failed <- read(d) }()
			waitParked(t)
			ip(t, "link delete tun0")
			if err := <-failed; !errors.Is(err, unix.EBADFD) || !strings.Contains(err.Error(), "tun0") {
				t.Errorf("blocked: %v, want an error that names the device", err)
			}
			if err := read(d); !errors.Is(err, unix.EBADFD) {
				t.Errorf("again: %v", err)
			}
			if n, err := d.WritePackets([][]byte{make([]byte, 40)}); n != 0 || !errors.Is(err, unix.EBADFD) {
				t.Errorf("WritePackets: %d, %v", n, err)
			}
			if n, err := d.WriteOffload([]offload.Packet{{Pieces: [][]byte{make([]byte, 40)}}}); n != 0 || !errors.Is(err, unix.EBADFD) {
				t.Errorf("WriteOffload: %d, %v", n, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The kernel closes and opens the device while somebody waits for packets.
func TestDownAndUp(t *testing.T) {
	peertest.EnterNetns(t, "ping")
	d := mustOpen(t, Config{})
	ip(t, "address add 192.0.2.1/24 dev tun0")
	ip(t, "link set tun0 up")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		respond(t, d, 0)
	}()
	for range 2 {
		peertest.Run(t, "ping -4 -c 1 -W 5 192.0.2.2")
		waitParked(t)
		ip(t, "link set tun0 down")
		ip(t, "link set tun0 up")
	}
	peertest.Run(t, "ping -4 -c 1 -W 5 192.0.2.2")
	d.Close()
	<-stopped
}

// Who raises the MTU of an open device gets what ReadPackets says: packets cut off, and ReadOffload whole.
func TestMTUChanges(t *testing.T) {
	peertest.EnterNetns(t)
	d := mustOpen(t, Config{MTU: 1400})
	ip(t, "address add 192.0.2.1/24 dev tun0")
	ip(t, "link set tun0 addrgenmode none") // no packets but ours
	ip(t, "link set tun0 mtu 9000 up")
	if d.MTU() != 1400 {
		t.Errorf("MTU %d, want that after Open", d.MTU())
	}
	c, err := net.Dial("udp4", "192.0.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := map[string]func() int{
		"ReadPackets": func() int {
			bufs, sizes := buffers(1, d.MTU())
			if n, err := d.ReadPackets(bufs, sizes); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			return sizes[0]
		},
		"ReadOffload": func() (size int) {
			if err := d.ReadOffload(func(p offload.Packet) { size = p.Len() }); err != nil {
				t.Fatal(err)
			}
			return size
		},
	}
	for name, want := range map[string]int{"ReadPackets": 1400, "ReadOffload": 5028} {
		if _, err := c.Write(make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
		if got := read[name](); got != want {
			t.Errorf("%s: %d bytes, want %d", name, got, want)
		}
	}
}
