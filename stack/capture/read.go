package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/bits"
	"os"
	"strings"
	"time"
)

// ErrFormat marks input that is not well-formed pcapng. The error that wraps it
// says where and why.
var ErrFormat = errors.New("malformed pcapng")

// maxBlock bounds the memory that one block can ask for; it is Wireshark's bound.
const maxBlock = 16 << 20

// ReadFile reads all packets of the named file, as ReadAll does.
func ReadFile(name string) ([]Packet, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	defer f.Close()
	return ReadAll(f)
}

// ReadAll reads all packets of a pcapng file. On an error it returns the packets
// before it, too: see Packets.
func ReadAll(r io.Reader) ([]Packet, error) {
	var all []Packet
	for p, err := range Packets(r) {
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Packets yields the packets of a pcapng file one after the other. It reads what
// Writer writes, and files of other programs in either byte order and with any
// time resolution and link type; of these it yields the Enhanced Packet Blocks
// and skips all that it does not know. Times are UTC; several comments on one
// packet are joined by line feeds. Each packet belongs to the caller.
//
// An error ends the sequence: one that wraps ErrFormat for bad contents,
// io.ErrUnexpectedEOF for a file that ends inside a block, or r's own.
func Packets(r io.Reader) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		d := &reader{r: bufio.NewReader(r)}
		for {
			p, ok, err := d.next()
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(Packet{}, fmt.Errorf("capture: block at byte %d: %w", d.start, err))
				return
			case ok && !yield(p, nil):
				return
			}
		}
	}
}

// reader walks the blocks of a file (draft-ietf-opsawg-pcapng section 3.1).
type reader struct {
	r          *bufio.Reader
	order      binary.ByteOrder // of the current section; nil before the first
	interfaces []readInterface  // of the current section
	start, end int64            // of the current block
	body       bytes.Buffer
}

type readInterface struct {
	wireInterface
	units  uint64 // of time, per second
	offset int64  // seconds
}

// next reads one block; ok says that it was a packet.
func (d *reader) next() (p Packet, ok bool, err error) {
	blockType, body, err := d.block()
	if err != nil {
		return Packet{}, false, err
	}
	switch blockType {
	case blockSection:
		err = d.section(body)
	case blockInterface:
		err = d.describe(body)
	case blockPacket:
		p, err = d.packet(body)
		return p, err == nil, err
	}
	return Packet{}, false, err
}

// block reads one block and returns what is between its two lengths. The slice
// is valid until the next call.
func (d *reader) block() (blockType uint32, body []byte, err error) {
	d.start = d.end
	head, err := d.r.Peek(12)
	if len(head) == 0 && err == io.EOF {
		return 0, nil, io.EOF
	}
	if err != nil {
		return 0, nil, unexpected(err)
	}
	// The type of a Section Header Block reads the same in either order.
	if binary.LittleEndian.Uint32(head) == blockSection {
		if d.order, err = byteOrder(head[8:]); err != nil {
			return 0, nil, err
		}
	} else if d.order == nil {
		return 0, nil, fmt.Errorf("%w: begins with % x, not with a section header", ErrFormat, head[:4])
	}
	blockType = d.order.Uint32(head)
	// "This value MUST be a multiple of 4."
	total := d.order.Uint32(head[4:])
	if total < 12 || total%4 != 0 || total > maxBlock {
		return 0, nil, fmt.Errorf("%w: block length %d is not a multiple of 4 from 12 to %d", ErrFormat, total, maxBlock)
	}
	d.body.Reset() // grows as bytes arrive, not as the length field promises
	if _, err := io.CopyN(&d.body, d.r, int64(total)); err != nil {
		return 0, nil, unexpected(err)
	}
	d.end = d.start + int64(total)
	b := d.body.Bytes()
	if trailer := d.order.Uint32(b[total-4:]); trailer != total {
		return 0, nil, fmt.Errorf("%w: block length is %d at its start and %d at its end", ErrFormat, total, trailer)
	}
	return blockType, b[8 : total-4], nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func byteOrder(magic []byte) (binary.ByteOrder, error) {
	switch {
	case binary.LittleEndian.Uint32(magic) == byteOrderMagic:
		return binary.LittleEndian, nil
	case binary.BigEndian.Uint32(magic) == byteOrderMagic:
		return binary.BigEndian, nil
	}
	return nil, fmt.Errorf("%w: byte-order magic % x", ErrFormat, magic[:4])
}

// section takes a Section Header Block: interfaces are numbered afresh.
func (d *reader) section(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("%w: section header of %d bytes", ErrFormat, len(b))
	}
	if major := d.order.Uint16(b[4:]); major != 1 {
		return fmt.Errorf("%w: version %d.%d, want 1.x", ErrFormat, major, d.order.Uint16(b[6:]))
	}
	d.interfaces = nil
	return nil
}

// describe takes an Interface Description Block.
func (d *reader) describe(b []byte) error {
	if len(b) < 8 {
		return fmt.Errorf("%w: interface description of %d bytes", ErrFormat, len(b))
	}
	i := readInterface{wireInterface: wireInterface{linkType: LinkType(d.order.Uint16(b))}, units: 1e6}
	err := d.options(b[8:], func(code uint16, v []byte) (err error) {
		switch {
		case code == optName:
			i.name = text(v)
		case code == optTimeUnits && len(v) == 1:
			i.units, err = timeUnits(v[0])
		case code == optTimeOffset && len(v) == 8:
			i.offset = int64(d.order.Uint64(v))
		case code == optTimeUnits || code == optTimeOffset:
			err = fmt.Errorf("%w: interface option %d of %d bytes", ErrFormat, code, len(v))
		}
		return err
	})
	d.interfaces = append(d.interfaces, i)
	return err
}

// timeUnits returns how many units of if_tsresol make a second.
//
// "If the Most Significant Bit is equal to zero, the remaining bits indicates
// the resolution of the timestamp as a negative power of 10"; otherwise of 2.
func timeUnits(resolution byte) (uint64, error) {
	exponent := int(resolution & 0x7F)
	if resolution&0x80 != 0 && exponent <= 63 {
		return 1 << exponent, nil
	}
	if resolution&0x80 != 0 || exponent > 19 {
		return 0, fmt.Errorf("%w: if_tsresol %#02x does not fit 64 bits", ErrFormat, resolution)
	}
	units := uint64(1)
	for range exponent {
		units *= 10
	}
	return units, nil
}

// packet takes an Enhanced Packet Block.
func (d *reader) packet(b []byte) (Packet, error) {
	if len(b) < 20 {
		return Packet{}, fmt.Errorf("%w: packet block of %d bytes", ErrFormat, len(b))
	}
	id := d.order.Uint32(b)
	if uint64(id) >= uint64(len(d.interfaces)) {
		return Packet{}, fmt.Errorf("%w: interface %d of %d", ErrFormat, id, len(d.interfaces))
	}
	i := d.interfaces[id]
	captured, rest := d.order.Uint32(b[12:]), b[20:]
	if uint64(captured) > uint64(len(rest)) {
		return Packet{}, fmt.Errorf("%w: %d bytes of packet in a block with room for %d", ErrFormat, captured, len(rest))
	}
	p := Packet{
		Time:      i.time(uint64(d.order.Uint32(b[4:]))<<32 | uint64(d.order.Uint32(b[8:]))),
		Interface: i.name,
		LinkType:  i.linkType,
		Data:      bytes.Clone(rest[:captured:captured]),
		Length:    int(min(d.order.Uint32(b[16:]), math.MaxInt32)),
	}
	var comments []string
	err := d.options(rest[(captured+3)&^3:], func(code uint16, v []byte) error {
		switch {
		case code == optFlags && len(v) == 4:
			p.Direction = Direction(d.order.Uint32(v) & 3)
		case code == optComment:
			comments = append(comments, text(v))
		}
		return nil
	})
	p.Comment = strings.Join(comments, "\n")
	return p, err
}

// time converts a timestamp; the product needs 128 bits at fine resolutions.
func (i readInterface) time(timestamp uint64) time.Time {
	sec, rest := timestamp/i.units, timestamp%i.units
	hi, lo := bits.Mul64(rest, 1e9)
	nsec, _ := bits.Div64(hi, lo, i.units)
	return time.Unix(int64(sec)+i.offset, int64(nsec)).UTC()
}

// options walks an option list (section 3.5). A reader "MUST NOT assume an
// option list will have an opt_endofopt option at the end".
func (d *reader) options(b []byte, each func(code uint16, value []byte) error) error {
	for len(b) >= 4 {
		code, n := d.order.Uint16(b), int(d.order.Uint16(b[2:]))
		if code == optEnd {
			return nil
		}
		padded := 4 + (n+3)&^3
		if padded > len(b) {
			return fmt.Errorf("%w: option %d of %d bytes in %d", ErrFormat, code, n, len(b)-4)
		}
		if err := each(code, b[4:4+n]); err != nil {
			return err
		}
		b = b[padded:]
	}
	return nil
}

// text ends a string at its first zero byte, as section 3.5 demands.
func text(v []byte) string {
	before, _, _ := bytes.Cut(v, []byte{0})
	return string(before)
}
