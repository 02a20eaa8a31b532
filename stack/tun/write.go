package tun

import (
	"cmp"

	"github.com/hextet/hextet/stack/offload"
)

// writer is the writing side of a device. It is used under the descriptor's write lock.
type writer struct {
	header [vnetLen]byte
	vector [][]byte // what a call of writev gets
	packet []byte   // built here
}

// WritePackets hands the packets to the kernel, in order, without waiting. One
// that the kernel does not take is dropped and counted. n is the number of
// packets dealt with, sent or dropped: len(bufs) unless there is an error. It
// fails with net.ErrClosed after Close, and with another error when the device
// has been deleted.
func (d *Device) WritePackets(bufs [][]byte) (n int, err error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	var failed error
	err = d.raw.Write(func(fd uintptr) (done bool) {
		clear(d.writer.header[:]) // nothing is left to do
		for i := range bufs {
			if failed = d.writePieces(fd, bufs[i:i+1], 1, len(bufs[i])); failed != nil {
				return true
			}
			n++
		}
		return true
	})
	return n, d.fault("write", cmp.Or(err, failed))
}

// WriteOffload does the same for packets that may be super-segments, which the
// kernel cuts if need be, and otherwise Device. n counts segments.
func (d *Device) WriteOffload(pkts []offload.Packet) (n int, err error) {
	if len(pkts) == 0 {
		return 0, nil
	}
	var failed error
	err = d.raw.Write(func(fd uintptr) (done bool) {
		for _, p := range pkts {
			var k int
			k, failed = d.writeOne(fd, p)
			if n += k; failed != nil {
				return true
			}
		}
		return true
	})
	return n, d.fault("write", cmp.Or(err, failed))
}

// writeOne writes what p stands for and returns how many segments it dealt with.
func (d *Device) writeOne(fd uintptr, p offload.Packet) (int, error) {
	s, err := p.Segments()
	if err != nil {
		return 0, err
	}
	w := &d.writer
	if !d.vnet {
		for i := range s.Len() {
			w.packet = s.Append(w.packet[:0], i)
			if err := d.writePieces(fd, [][]byte{w.packet}, 1, len(w.packet)); err != nil {
				return i, err
			}
		}
		return s.Len(), nil
	}
	if len(p.Pieces) > maxPieces || p.Type != offload.None && (p.Checksum != offload.Partial || s.Len() == 1) {
		// The kernel takes segments of one kind only, and not too many pieces.
		w.packet, p.Info = s.AppendRun(w.packet[:0], 0, s.Len())
		p.Pieces = [][]byte{w.packet}
	}
	cwr := p.Type != offload.None && p.Pieces[0][p.ChecksumStart+tcpFlags]&flagCWR != 0
	putVnet(w.header[:], p.Info, s.Headers(), cwr)
	if err := d.writePieces(fd, p.Pieces, s.Len(), s.Bytes()); err != nil {
		return 0, err
	}
	return s.Len(), nil
}

// maxPieces is for how many of a packet writev has room beside the vnet header: 1024 (IOV_MAX).
const maxPieces = 1023

// Where the TCP header has CWR.
const tcpFlags, flagCWR = 13, 0x80

// writePieces writes one packet, behind the writer's vnet header where the device has it, and counts what
// it is on the wire.
func (d *Device) writePieces(fd uintptr, pieces [][]byte, packets, bytes int) error {
	w := &d.writer
	w.vector = w.vector[:0]
	if d.vnet {
		w.vector = append(w.vector, w.header[:])
	}
	w.vector = append(w.vector, pieces...)
	dropped, err := writePacket(fd, w.vector)
	clear(w.vector)
	switch {
	case err != nil:
		return err
	case dropped:
		d.writeDrops.Add(uint64(packets))
	default:
		d.packetsWritten.Add(uint64(packets))
		d.bytesWritten.Add(uint64(bytes))
	}
	return nil
}
