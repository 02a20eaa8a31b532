package stack_test

import (
	"io"
	"net"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/capture"
)

// BenchmarkTCP is a bulk transfer between two stacks in memory, at MTU 1500: on a Pipe, with a tap that
// records every packet on the wire, and on the same Pipe without offload.
func BenchmarkTCP(b *testing.B) {
	for _, bb := range []struct {
		name string
		wrap func(stack.Link) stack.Link
	}{
		{"pipe", func(l stack.Link) stack.Link { return l }},
		{"tap", func(l stack.Link) stack.Link {
			w, err := capture.NewWriter(io.Discard, capture.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return w.Tap("a", l)
		}},
		{"no-offload", func(l stack.Link) stack.Link { return struct{ stack.Link }{l} }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			la, lb := stack.Pipe(1500)
			sa, sb := newStack(b, stack.Config{}), newStack(b, stack.Config{})
			attach(b, sa, "eth0", bb.wrap(la), plain("2001:db8::1/64"))
			attach(b, sb, "eth0", bb.wrap(lb), plain("2001:db8::2/64"))
			l, err := sb.Listen(b.Context(), "tcp", ":7")
			if err != nil {
				b.Fatal(err)
			}
			from, err := sa.DialContext(b.Context(), "tcp", "[2001:db8::2]:7")
			if err != nil {
				b.Fatal(err)
			}
			to, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			stream(b, from, to)
		})
	}
}

// stream writes b.N times 64 KiB and waits until all of it was read.
func stream(b *testing.B, from, to net.Conn) {
	const size = 64 << 10
	b.SetBytes(size)
	done := make(chan error, 1)
	go func() {
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, make([]byte, 4*size))
		if err == nil && n != int64(b.N)*size {
			err = io.ErrUnexpectedEOF
		}
		done <- err
	}()
	buf := make([]byte, size)
	b.ResetTimer()
	for range b.N {
		if _, err := from.Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	from.(interface{ CloseWrite() error }).CloseWrite()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
