package tun

import (
	"cmp"
	"errors"

	"github.com/hextet/hextet/stack/offload"
)

// reader is the reading side of a device. ReadPackets uses it under the descriptor's read lock, ReadOffload
// on its one goroutine.
type reader struct {
	buf    []byte // of one packet, its vnet header in front
	pieces [1][]byte
	packet []byte           // built by ReadPackets
	cut    offload.Segments // what ReadPackets cuts
	next   int              // its next segment; cut.Len() when there is none left
}

// ReadPackets waits until the kernel has sent a packet, and takes what else is
// there, one packet into each of bufs, its length into sizes. Large segments of
// the kernel's come cut. A packet larger than its buffer is cut off: buffers
// should hold MTU bytes, and 18 more for TAP. It fails with net.ErrClosed after
// Close, and with another error when the device has been deleted.
func (d *Device) ReadPackets(bufs [][]byte, sizes []int) (n int, err error) {
	limit := min(len(bufs), len(sizes))
	if limit == 0 {
		return 0, errors.New("tun: no buffer to read into")
	}
	var failed error
	err = d.await(func(fd uintptr) (done bool) {
		for n < limit {
			size, again, err := d.readOne(fd, bufs[n])
			if again {
				return n > 0
			}
			if failed = err; err != nil {
				return true
			}
			sizes[n] = size
			n++
			d.bytesRead.Add(uint64(size))
		}
		return true
	})
	d.packetsRead.Add(uint64(n))
	if n > 0 {
		return n, nil // an error will be there again at the next call
	}
	return 0, d.fault("read", cmp.Or(err, failed))
}

// await has try called, when there may be something to read, until it says that it is done.
func (d *Device) await(try func(fd uintptr) (done bool)) error {
	err := d.raw.Read(try)
	if err != nil && !d.closed.Load() {
		// The poller knows that the device is broken, but not how.
		d.raw.Control(func(fd uintptr) {
			if _, _, cause := readPacket(fd, nil); cause != nil {
				err = cause
			}
		})
	}
	return err
}

// readOne puts the next packet on the wire into b.
func (d *Device) readOne(fd uintptr, b []byte) (n int, again bool, err error) {
	if !d.vnet {
		return readPacket(fd, b)
	}
	r := &d.reader
	for r.next == r.cut.Len() {
		p, again, err := d.readLarge(fd)
		if again || err != nil {
			return 0, again, err
		}
		r.next = 0
		if r.cut, err = p.Segments(); err != nil {
			d.readDrops.Add(1) // and r.cut has no segments
		}
	}
	r.packet = r.cut.Append(r.packet[:0], r.next)
	r.next++
	return copy(b, r.packet), false, nil
}

// readLarge reads one packet into the device's own buffer. What the kernel says about it and nobody
// understands is dropped.
func (d *Device) readLarge(fd uintptr) (p offload.Packet, again bool, err error) {
	r := &d.reader
	if r.buf == nil {
		r.buf = make([]byte, vnetLen+offload.MaxLen+18) // Ethernet with a VLAN tag
	}
	for {
		n, again, err := readPacket(fd, r.buf)
		if again || err != nil {
			return offload.Packet{}, again, err
		}
		head := 0
		info := offload.Info{Network: d.network()}
		if d.vnet {
			head = vnetLen
			if n < vnetLen {
				d.readDrops.Add(1)
				continue
			}
			if info, err = parseVnet(r.buf, d.network()); err != nil {
				d.readDrops.Add(1)
				continue
			}
		}
		r.pieces[0] = r.buf[head:n]
		return offload.Packet{Info: info, Pieces: r.pieces[:]}, false, nil
	}
}

// ReadOffload waits until the kernel has sent a packet and passes it on, large
// segments whole. It fails as ReadPackets does. One goroutine calls it, and nobody
// ReadPackets.
func (d *Device) ReadOffload(deliver func(offload.Packet)) error {
	var p offload.Packet
	var failed error
	err := d.await(func(fd uintptr) (done bool) {
		var again bool
		p, again, failed = d.readLarge(fd)
		return !again
	})
	if err = cmp.Or(err, failed); err != nil {
		return d.fault("read", err)
	}
	packets, bytes := 1, p.Len()
	if s, err := p.Segments(); err == nil {
		packets, bytes = s.Len(), s.Bytes()
	}
	d.packetsRead.Add(uint64(packets))
	d.bytesRead.Add(uint64(bytes))
	deliver(p)
	return nil
}
