package tun

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack/offload"
	"golang.org/x/sys/unix"
)

// pair is a Device on one end of a datagram socket pair: a device that keeps
// packets apart as a TUN does, for everybody without privileges.
func pair(t *testing.T) (d *Device, kernel int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[1]) })
	d, err = newDevice(fds[0], "pair0", 1280, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, fds[1]
}

func buffers(n, size int) ([][]byte, []int) {
	bufs := make([][]byte, n)
	for i := range bufs {
		bufs[i] = make([]byte, size)
	}
	return bufs, make([]int, n)
}

func send(t *testing.T, fd int, packets ...string) {
	t.Helper()
	for _, p := range packets {
		if _, err := unix.Write(fd, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

// read calls ReadPackets once and returns what it got as text.
func read(d *Device, bufs [][]byte, sizes []int) string {
	n, err := d.ReadPackets(bufs, sizes)
	if err != nil {
		return err.Error()
	}
	var s []string
	for i := range n {
		s = append(s, string(bufs[i][:sizes[i]]))
	}
	return strings.Join(s, " ")
}

func TestReadBatches(t *testing.T) {
	d, kernel := pair(t)
	bufs, sizes := buffers(3, 5)
	send(t, kernel, "a", "bc", "def", "ghij", "toolong")
	for _, want := range []string{"a bc def", "ghij toolo"} {
		if got := read(d, bufs, sizes); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	send(t, kernel, "1", "2")
	if got := read(d, bufs, sizes[:1]); got != "1" {
		t.Errorf("with one size: got %q", got)
	}
	if got := read(d, bufs[:1], sizes); got != "2" {
		t.Errorf("with one buffer: got %q", got)
	}
	if _, err := d.ReadPackets(nil, nil); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("without a buffer: %v", err)
	}
	if got, want := d.Counters(), (Counters{PacketsRead: 7, BytesRead: 17}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}

// waitParked returns when a goroutine waits for input from a device.
func waitParked(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for t.Context().Err() == nil {
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "[IO wait") && (strings.Contains(g, ".ReadPackets(") || strings.Contains(g, ".ReadOffload(")) {
				return
			}
		}
		runtime.Gosched()
	}
}

func TestReadWaits(t *testing.T) {
	d, kernel := pair(t)
	got := make(chan string)
	go func() {
		bufs, sizes := buffers(2, 10)
		got <- read(d, bufs, sizes)
	}()
	waitParked(t)
	send(t, kernel, "late")
	if s := <-got; s != "late" {
		t.Errorf("got %q, want late", s)
	}
}

func TestCloseUnblocks(t *testing.T) {
	d, _ := pair(t)
	failed := make(chan error)
	go func() {
		bufs, sizes := buffers(1, 10)
		_, err := d.ReadPackets(bufs, sizes)
		failed <- err
	}()
	waitParked(t)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "pair0") {
		t.Errorf("blocked read: %v, want net.ErrClosed", err)
	}
	bufs, sizes := buffers(1, 10)
	if _, err := d.ReadPackets(bufs, sizes); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if n, err := d.WritePackets(bufs); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after Close: %d, %v", n, err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Whatever is going on, Close ends it with net.ErrClosed and nothing else.
func TestCloseDuring(t *testing.T) {
	for _, vnet := range []bool{false, true} {
		d, kernel := pair(t)
		d.vnet = vnet
		bufs, sizes := buffers(4, 100)
		packets := []offload.Packet{{Pieces: [][]byte{make([]byte, 40)}}}
		calls := []func() error{
			func() error { _, err := d.ReadPackets(bufs, sizes); return err },
			func() error { _, err := d.WritePackets([][]byte{{1}}); return err },
			func() error { _, err := d.WriteOffload(packets); return err },
			func() error { _, err := d.WriteOffload(packets); return err },
		}
		running, ended := make(chan struct{}, len(calls)), make(chan error)
		for _, call := range calls {
			go func() {
				err := call()
				running <- struct{}{}
				for err == nil {
					err = call()
				}
				ended <- err
			}()
		}
		send(t, kernel, string(make([]byte, 40))) // the reader returns once
		for range calls {
			<-running
		}
		closed := make(chan error)
		for range 2 {
			go func() { closed <- d.Close() }()
		}
		for range 2 {
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		for range calls {
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("ended with %v", err)
			}
		}
	}
}

func TestWriteDrops(t *testing.T) {
	d, kernel := pair(t)
	if n, err := d.WritePackets(nil); n != 0 || err != nil {
		t.Errorf("no packets: %d, %v", n, err)
	}
	// The queue of a datagram socket is finite: the kernel says EAGAIN.
	const batches, batch = 100, 10
	var packets [][]byte
	for i := range batch {
		packets = append(packets, []byte(fmt.Sprint("packet", i)))
	}
	for range batches {
		if n, err := d.WritePackets(packets); n != batch || err != nil {
			t.Fatalf("got %d, %v; a full queue is no error", n, err)
		}
	}
	c := d.Counters()
	if c.WriteDrops == 0 || c.PacketsWritten == 0 || c.WriteDrops+c.PacketsWritten != batches*batch || c.BytesWritten != 7*c.PacketsWritten {
		t.Errorf("counters %+v", c)
	}
	buf := make([]byte, 10)
	for i := range c.PacketsWritten {
		n, err := unix.Read(kernel, buf)
		if want := fmt.Sprint("packet", i%batch); err != nil || string(buf[:n]) != want {
			t.Fatalf("packet %d: %q, %v; want %s", i, buf[:n], err, want)
		}
	}
	if n, err := d.WritePackets([][]byte{make([]byte, 1<<24), []byte("fits")}); n != 2 || err != nil || d.Counters().WriteDrops != c.WriteDrops+1 {
		t.Errorf("a packet of 16 MiB: %d, %v, counters %+v", n, err, d.Counters())
	}
}

func TestWriteFault(t *testing.T) {
	d, kernel := pair(t)
	send(t, kernel, "x")
	unix.Shutdown(kernel, unix.SHUT_RDWR)
	n, err := d.WritePackets([][]byte{{1}, {2}})
	if n != 0 || !errors.Is(err, unix.EPIPE) || !strings.HasPrefix(err.Error(), "tun: write pair0: ") {
		t.Errorf("got %d, %v, want EPIPE", n, err)
	}
}

func TestOpenPath(t *testing.T) {
	fds := openFiles(t)
	for path, want := range map[string]error{"/nowhere/tun": os.ErrNotExist, "/dev/null": unix.ENOTTY} {
		if _, err := openPath(path, Config{Name: "tun0"}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		} else if want == os.ErrNotExist && !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name %s", err, path)
		}
	}
	if n := openFiles(t); n != fds {
		t.Errorf("%d open files, before %d", n, fds)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
