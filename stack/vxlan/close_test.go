package vxlan

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestClose(t *testing.T) {
	conn, e, l := open(t, Segment{VNI: 7})
	ended := make(chan error)
	go func() {
		_, err := l.ReadPackets([][]byte{make([]byte, 10)}, make([]int, 1))
		ended <- err
	}()
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "VNI 7") {
		t.Errorf("ReadPackets: %v", err)
	}
	if n, err := l.WritePackets([][]byte{frame(broadcast, stationA, 1)}); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("WritePackets: %d, %v", n, err)
	}
	again, err := e.Open(Segment{VNI: 7})
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // does not close the one that has its VNI now
	if _, err := e.Open(Segment{VNI: 7}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the VNI of an open link: %v", err)
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if _, err := again.ReadPackets([][]byte{make([]byte, 10)}, make([]int, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ReadPackets after the endpoint's Close: %v", err)
	}
	if _, err := e.Open(Segment{VNI: 8}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Open after Close: %v", err)
	}
	<-conn.closed
}

// A socket that does not take what it is given holds neither Close up.
func TestCloseWhileTheSocketBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := newFakeConn()
		conn.sent = nil // for ever
		e, err := New(Config{Conn: conn})
		if err != nil {
			t.Fatal(err)
		}
		var links []*Link
		for vni := range uint32(2) {
			l, err := e.Open(Segment{VNI: vni, Peers: []netip.AddrPort{peerA, peerB}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, l, frame(broadcast, stationA, 46), frame(broadcast, stationA, 46))
			links = append(links, l)
		}
		synctest.Wait()
		if err := errors.Join(links[0].Close(), e.Close()); err != nil {
			t.Error(err)
		}
		for _, l := range links { // the frame that was on its way, to both peers
			if c := l.Counters(); c.WriteErrors != 2 || c.PacketsWritten != 0 {
				t.Errorf("VNI %d: %+v", l.VNI(), c)
			}
		}
	})
}

// A write during which the link is closed does not take it for a full queue.
func TestCloseDuringWrite(t *testing.T) {
	hook := func() {}
	e, err := New(Config{Conn: newFakeConn(), Clock: hookClock{&hook}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, err := e.Open(Segment{Peers: []netip.AddrPort{peerA}})
	if err != nil {
		t.Fatal(err)
	}
	hook = func() { l.Close() } // while the peer of a station is looked up
	if n, err := l.WritePackets([][]byte{frame(broadcast, stationA, 46), frame(stationB, stationA, 46)}); n != 1 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
}

// A socket that fails for good ends the links, so that nobody waits for ever; one that
// reports an error now and then does not.
func TestBrokenSocket(t *testing.T) {
	conn := newFakeConn()
	conn.fail = io.ErrUnexpectedEOF
	e, err := New(Config{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if l, err := e.Open(Segment{}); err == nil {
		_, err = l.ReadPackets([][]byte{make([]byte, 10)}, make([]int, 1))
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, conn.fail) {
			t.Errorf("ReadPackets: %v", err)
		}
	} else if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if c := e.Counters(); c.ReadErrors != maxReadErrors {
		t.Errorf("%+v", c)
	}
	if _, err := e.Open(Segment{VNI: 1}); !errors.Is(err, net.ErrClosed) || !errors.Is(err, conn.fail) {
		t.Errorf("Open after the failure: %v", err)
	}
}
