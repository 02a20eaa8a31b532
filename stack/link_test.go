package stack_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hextet/hextet/stack"
)

func TestPipeCarriesPacketsInOrder(t *testing.T) {
	a, b := stack.Pipe(1500)
	defer a.Close()
	defer b.Close()
	var want [][]byte
	for n := range 100 { // more than the ring starts with
		want = append(want, bytes.Repeat([]byte{byte(n)}, 1+n*14))
	}
	if n, err := a.WritePackets(want); n != len(want) || err != nil {
		t.Fatalf("WritePackets: %d, %v", n, err)
	}
	bufs, sizes := [][]byte{make([]byte, 1500), make([]byte, 1500), make([]byte, 1500)}, make([]int, 3)
	for len(want) > 0 {
		n, err := b.ReadPackets(bufs, sizes)
		if err != nil || n < 1 || n > 3 {
			t.Fatalf("ReadPackets: %d, %v", n, err)
		}
		for i := range n {
			if !bytes.Equal(bufs[i][:sizes[i]], want[i]) {
				t.Fatalf("packet of %d bytes, want %d", sizes[i], len(want[i]))
			}
		}
		want = want[n:]
	}
}

func TestPipeDropsWhenFull(t *testing.T) {
	a, b := stack.Pipe(1280)
	defer b.Close()
	taken := 0
	for {
		n, err := a.WritePackets([][]byte{{byte(taken), byte(taken >> 8)}})
		if n == 0 {
			if err == nil || !strings.Contains(err.Error(), "full") {
				t.Errorf("error %v", err)
			}
			break
		}
		taken++
	}
	if taken != 4096 {
		t.Errorf("%d packets fit, want 4096", taken)
	}
	buf, sizes := [][]byte{make([]byte, 1280)}, []int{0}
	for n := range taken {
		if _, err := b.ReadPackets(buf, sizes); err != nil || int(buf[0][0])+int(buf[0][1])<<8 != n {
			t.Fatalf("packet %d: %v", n, err)
		}
	}
}

func TestPipeClose(t *testing.T) {
	a, b := stack.Pipe(1500)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := b.ReadPackets([][]byte{make([]byte, 1500)}, []int{0}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a waiting read: %v", err)
		}
	})
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if _, err := b.WritePackets([][]byte{{1}}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	a.Close()
}

// What was sent before one end closed arrives; then the other end waits until it is closed itself.
func TestPipeUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := stack.Pipe(1500)
		a.WritePackets([][]byte{{1}, {2}})
		a.Close()
		bufs, sizes := [][]byte{make([]byte, 1500), make([]byte, 1500)}, make([]int, 2)
		if n, err := b.ReadPackets(bufs, sizes); n != 2 || err != nil || bufs[0][0] != 1 || bufs[1][0] != 2 {
			t.Errorf("read %d packets, %v", n, err)
		}
		if n, err := b.WritePackets([][]byte{{3}}); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("wrote %d packets, %v", n, err)
		}
		read := async(func() error { _, err := b.ReadPackets(bufs, sizes); return err })
		synctest.Wait()
		select {
		case err := <-read:
			t.Errorf("a read on an unplugged wire: %v", err)
		default:
		}
		b.Close()
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}

func TestPipeRefuses(t *testing.T) {
	a, _ := stack.Pipe(1500)
	if n, err := a.WritePackets([][]byte{make([]byte, 10), make([]byte, 1501), make([]byte, 10)}); n != 1 || err == nil || !strings.Contains(err.Error(), "1501") {
		t.Errorf("a packet above the MTU: %d, %v", n, err)
	}
	for _, mtu := range []int{-1, 0, 1279, 65536} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Pipe(%d) did not panic", mtu)
				}
			}()
			stack.Pipe(mtu)
		}()
	}
}

// brokenLink is a link whose reads and writes are the test's.
type brokenLink struct {
	mtu   int
	hw    net.HardwareAddr
	read  func(bufs [][]byte, sizes []int) (int, error)
	write func(bufs [][]byte) (int, error)
	close func() error
}

func (l *brokenLink) MTU() int                       { return l.mtu }
func (l *brokenLink) HardwareAddr() net.HardwareAddr { return l.hw }
func (l *brokenLink) Close() error                   { return l.close() }
func (l *brokenLink) ReadPackets(bufs [][]byte, sizes []int) (int, error) {
	return l.read(bufs, sizes)
}
func (l *brokenLink) WritePackets(bufs [][]byte) (int, error) { return l.write(bufs) }

func TestAttachRefuses(t *testing.T) {
	s := newStack(t, stack.Config{})
	l, _ := stack.Pipe(1500)
	attach(t, s, "eth0", l)
	taken, _ := stack.Pipe(1500)
	attach(t, s, "if3", taken)
	other, _ := stack.Pipe(1500)
	for _, tt := range []struct {
		cfg  stack.InterfaceConfig
		text string
	}{
		{stack.InterfaceConfig{Name: "eth1"}, "Link is nil"},
		{stack.InterfaceConfig{Name: "eth0", Link: other}, "of that name"},
		{stack.InterfaceConfig{Name: "eth\t1", Link: other}, "white space"},
		{stack.InterfaceConfig{Name: "eth\u00a01", Link: other}, "white space"},
		{stack.InterfaceConfig{Name: " eth1", Link: other}, "begin or end"},
		{stack.InterfaceConfig{Name: "eth1 ", Link: other}, "begin or end"},
		{stack.InterfaceConfig{Name: "eth\x00", Link: other}, "printed"},
		{stack.InterfaceConfig{Name: "eth\xff", Link: other}, "printed"},
		{stack.InterfaceConfig{Name: "lo", Link: other}, "of that name"},
		{stack.InterfaceConfig{Name: strings.Repeat("e", 65), Link: other}, "64 bytes"},
		{stack.InterfaceConfig{Name: "eth1", Link: taken}, `"if3" has that link`},
		{stack.InterfaceConfig{Name: "eth1", Link: &brokenLink{mtu: 1500, hw: net.HardwareAddr{1, 0, 0x5e, 0, 0, 1}}}, "group"},
		{stack.InterfaceConfig{Name: "eth1", Link: &brokenLink{mtu: 1500, hw: make([]byte, 6)}}, "zero"},
		{stack.InterfaceConfig{Name: "2", Link: other}, "index"},
		{stack.InterfaceConfig{Link: other}, `attach "if3": there is an interface of that name`},
		{stack.InterfaceConfig{Name: "eth1", Link: other, EchoReply: 7}, "EchoReply 7"},
		{stack.InterfaceConfig{Name: "eth1", Link: &brokenLink{mtu: 576}}, "576"},
		{stack.InterfaceConfig{Name: "eth1", Link: &brokenLink{mtu: 1500, hw: make([]byte, 8)}}, "hardware address"},
	} {
		if _, err := s.Attach(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%+v: error %v, want one with %q", tt.cfg, err, tt.text)
		}
	}
	if n := len(s.Interfaces()); n != 2 {
		t.Errorf("%d interfaces", n)
	}
}

// A link that fails or talks nonsense ends its own interface and harms nothing else.
func TestLinkFails(t *testing.T) {
	boom := errors.New("cable on fire")
	for _, tt := range []struct {
		name string
		read func(bufs [][]byte, sizes []int) (int, error)
		want string
	}{
		{"read error", func([][]byte, []int) (int, error) { return 0, boom }, "cable on fire"},
		{"too many packets", func(bufs [][]byte, _ []int) (int, error) { return len(bufs) + 1, nil }, "packets for"},
		{"negative count", func([][]byte, []int) (int, error) { return -1, nil }, "-1 packets"},
		{"negative count with a reason", func([][]byte, []int) (int, error) { return -1, boom }, "cable on fire"},
		{"impossible size", func(bufs [][]byte, sizes []int) (int, error) { sizes[0] = len(bufs[0]) + 1; return 1, nil }, "in a buffer of"},
		{"nothing for ever", func([][]byte, []int) (int, error) { return 0, nil }, "no packets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStack(t, stack.Config{})
			closed := 0
			bad, err := s.Attach(stack.InterfaceConfig{Name: "bad", Link: &brokenLink{
				mtu: 1500, read: tt.read,
				write: func(bufs [][]byte) (int, error) { return 0, boom },
				close: func() error { closed++; return nil },
			}})
			if err != nil {
				t.Fatal(err)
			}
			good, _ := stack.Pipe(1500)
			i := attach(t, s, "good", good, plain("2001:db8::1/64"))
			<-bad.Done()
			if err := bad.Err(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"bad"`) {
				t.Errorf("error %v, want one with %q that names the interface", err, tt.want)
			}
			if i.Err() != nil || source(t, s, "2001:db8::9") != "2001:db8::1" {
				t.Error("the other interface suffered")
			}
			if err := bad.Detach(); err != nil || closed != 1 {
				t.Errorf("Detach: %v, link closed %d times", err, closed)
			}
		})
	}
}

func TestCloseReportsTheLink(t *testing.T) {
	s, err := stack.New(stack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	_, err = s.Attach(stack.InterfaceConfig{Name: "eth0", Link: &brokenLink{
		mtu:   1500,
		read:  func([][]byte, []int) (int, error) { <-done; return 0, net.ErrClosed },
		write: func(bufs [][]byte) (int, error) { return len(bufs), nil },
		close: func() error { close(done); return errors.New("stuck plug") },
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "stuck plug") || !strings.Contains(err.Error(), "eth0") {
		t.Errorf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if _, err := s.Attach(stack.InterfaceConfig{Link: &brokenLink{mtu: 1500}}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Attach after Close: %v", err)
	}
}

// Garbage from a link is counted and harms nothing.
func TestGarbageIsCounted(t *testing.T) {
	s := newStack(t, stack.Config{})
	la, lb := stack.Pipe(1500)
	i := attach(t, s, "eth0", la, plain("2001:db8::1/64"))
	defer lb.Close()
	eth, ethFar := ethernet()
	defer ethFar.Close()
	e := attach(t, s, "eth1", eth)
	packets := [][]byte{{}, {0x60}, make([]byte, 60), bytes.Repeat([]byte{0x60}, 1500), bytes.Repeat([]byte{0x45}, 40)}
	lb.WritePackets(packets)
	frames := [][]byte{
		make([]byte, 13),
		append([]byte{2, 0, 0, 0, 0, 9}, make([]byte, 60)...),                    // to another station
		append([]byte{2, 0, 0, 0, 0, 1}, make([]byte, 60)...),                    // to us, type 0
		append(bytes.Repeat([]byte{0xff}, 6), bytes.Repeat([]byte{8, 6}, 30)...), // broken ARP
	}
	ethFar.WritePackets(frames)
	eventually(t, func() bool { return i.Counters().RxPackets == uint64(len(packets)) })
	eventually(t, func() bool { return e.Counters().RxPackets == uint64(len(frames)) })
	i.Detach() // waits for the reader
	e.Detach()
	if c := i.Counters(); c.RxRunt != 2 || c.RxUnknown != 1 {
		t.Errorf("bare IP: %+v", c)
	}
	if c := e.Counters(); c.RxRunt != 1 || c.RxOther != 1 || c.RxUnknown != 1 {
		t.Errorf("Ethernet: %+v", c)
	}
}

// A name with blanks, as Windows has them, works as a zone too.
func TestInterfaceNameWithBlanks(t *testing.T) {
	la, lb := ethernet()
	a, b := newStack(t, stack.Config{}), newStack(t, stack.Config{})
	const name = "Local Area Connection"
	attach(t, a, name, la, plain("fe80::1/64"))
	attach(t, b, "eth0", lb, plain("fe80::2/64"))
	ln, err := b.Listen(t.Context(), "tcp", "[fe80::2%eth0]:80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := a.DialContext(t.Context(), "tcp", "[fe80::2%"+name+"]:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if zone := c.LocalAddr().(*net.TCPAddr).Zone; zone != name {
		t.Errorf("the zone is %q, want %q", zone, name)
	}
}
