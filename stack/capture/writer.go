package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Options configure a Writer. The zero value records everything.
type Options struct {
	// SnapLen is the number of bytes kept of each packet. Zero means 262,144,
	// which is also the maximum: more than any packet, and as much as Wireshark
	// accepts.
	SnapLen int
	// Now gives the time of each packet. Nil means time.Now.
	Now func() time.Time
	// Comment returns the comment of a tapped packet; "" for none. Nil means no
	// comments. It runs on the datapath: see Sink.
	Comment func(Packet) string
	// Sink sees each packet as it is recorded, cut and commented, in the order
	// of the file, until Close, also after the file has failed. Nil means none. Now, Comment
	// and Sink are never called twice at a time. They run on the goroutine that
	// moves the packet, possibly below locks of the stack: they must not block,
	// nor call the Writer, the link or the stack. See the package documentation
	// for who owns Data.
	Sink func(Packet)
	// Application is the shb_userappl of the file. Empty means "hextet".
	Application string
}

// maxScratch is the size up to which the memory of a batch is kept for the next.
const maxScratch = 1 << 20

// Counters say what became of the packets that a Writer saw.
type Counters struct {
	Packets uint64 // recorded
	Bytes   uint64 // of packet data recorded, without the format's overhead
	Dropped uint64 // not recorded: after a write error or after Close
}

var errClosed = fmt.Errorf("capture: writer: %w", os.ErrClosed)

// A Writer writes one pcapng section. Its methods and taps may be used by
// several goroutines at once.
type Writer struct {
	opts Options

	mu         sync.Mutex
	w          io.Writer
	file       *os.File // set by Create
	interfaces []wireInterface
	block      []byte // scratch for whole blocks
	segment    []byte // and for a packet cut from a super-segment
	err        error  // the first failure
	closed     bool
	counters   Counters
}

type wireInterface struct {
	name     string
	linkType LinkType
}

// NewWriter writes the Section Header Block to w and returns a Writer. Each
// batch of packets becomes one call of w.Write with whole blocks. If w has a
// method Flush() error, Flush and Close call it. The Writer does not close w.
func NewWriter(w io.Writer, opts Options) (*Writer, error) {
	if w == nil {
		return nil, errors.New("capture: no io.Writer")
	}
	if opts.SnapLen < 0 || opts.SnapLen > maxSnapLen {
		return nil, fmt.Errorf("capture: SnapLen %d is not within 0 to %d", opts.SnapLen, maxSnapLen)
	}
	if opts.SnapLen == 0 {
		opts.SnapLen = maxSnapLen
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Application == "" {
		opts.Application = "hextet"
	}
	cw := &Writer{opts: opts, w: w}
	if err := writeAll(w, appendSection(nil, opts.Application)); err != nil {
		return nil, err
	}
	return cw, nil
}

// Create creates or truncates the named file and returns a Writer to it. Writes
// are buffered: call Flush to look at a file that is still being written, and
// Close to complete it.
func Create(name string, opts Options) (*Writer, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	w, err := NewWriter(bufio.NewWriterSize(f, 1<<16), opts)
	if err != nil {
		f.Close()
		return nil, err
	}
	w.file = f
	if err := w.Flush(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// WritePacket records p under its interface, which is described in the file
// when its name and link type appear for the first time. It returns the error
// that stopped the capture, if one did. The Writer does not keep p.Data.
func (w *Writer) WritePacket(p Packet) error {
	if p.LinkType == 0 {
		p.LinkType = Raw
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.counters.Dropped++
		return errClosed
	}
	if p.Time.IsZero() {
		p.Time = w.opts.Now()
	}
	w.block = w.block[:0]
	w.record(w.interfaceID(p.Interface, p.LinkType), p)
	w.commit(1, uint64(min(len(p.Data), w.opts.SnapLen)))
	return w.err
}

// interfaceID finds an interface, or appends its description to w.block.
func (w *Writer) interfaceID(name string, t LinkType) uint32 {
	for id, i := range w.interfaces {
		if i.name == name && i.linkType == t {
			return uint32(id)
		}
	}
	return w.addInterface(name, t)
}

func (w *Writer) addInterface(name string, t LinkType) uint32 {
	w.interfaces = append(w.interfaces, wireInterface{name, t})
	w.block = appendInterface(w.block, name, t, w.opts.SnapLen)
	return uint32(len(w.interfaces) - 1)
}

// record cuts p, appends its block to w.block and shows it to the sink.
func (w *Writer) record(id uint32, p Packet) {
	p.Length = max(p.Length, len(p.Data))
	p.Data = p.Data[:min(len(p.Data), w.opts.SnapLen)]
	if w.err == nil {
		w.block = appendPacket(w.block, id, p)
	}
	if w.opts.Sink != nil {
		w.opts.Sink(p)
	}
}

// commit writes w.block, which holds n packets of size bytes in all.
func (w *Writer) commit(n, size uint64) {
	if w.err == nil {
		w.err = writeAll(w.w, w.block)
	}
	if cap(w.block) > maxScratch {
		w.block = nil
	}
	if w.err != nil {
		w.counters.Dropped += n
		return
	}
	w.counters.Packets += n
	w.counters.Bytes += size
}

func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// Err returns the error that stopped the capture, or nil. It stays.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Counters returns a snapshot.
func (w *Writer) Counters() Counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counters
}

// Flush writes out what is buffered.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.flush()
	return w.err
}

func (w *Writer) flush() {
	f, ok := w.w.(interface{ Flush() error })
	if !ok || w.err != nil {
		return
	}
	if err := f.Flush(); err != nil {
		w.err = fmt.Errorf("capture: %w", err)
	}
}

// Close flushes, and closes the file of Create. It returns the error that
// stopped the capture, if one did. Taps stay usable and record nothing more.
// Further calls do nothing and return the same.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.err
	}
	w.flush()
	w.closed = true
	w.block = nil
	if w.file != nil {
		if err := w.file.Close(); err != nil && w.err == nil {
			w.err = fmt.Errorf("capture: %w", err)
		}
	}
	return w.err
}
