package icmp6_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

// RFC 3542 section 3.1, sentence by sentence, but for what only a socket can do.
func TestRFC3542Section31(t *testing.T) {
	stale := []byte{128, 0, 0xde, 0xad, 0x12, 0x34, 0, 1}
	filled := func(t *testing.T, o icmp6.Offset, proto uint8) []byte {
		t.Helper()
		packet := bytes.Clone(stale)
		if err := o.Fill(host1, host2, proto, packet); err != nil {
			t.Fatal(err)
		}
		return packet
	}
	set := func(t *testing.T, proto uint8, offset int) icmp6.Offset {
		t.Helper()
		o, err := icmp6.NewOffset(proto, offset)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}

	t.Run("The kernel will calculate and insert the ICMPv6 checksum for ICMPv6 raw sockets, since this checksum is mandatory", func(t *testing.T) {
		packet := filled(t, icmp6.DefaultOffset(58), 58)
		if want := slowChecksum(host1, host2, 58, stale, 2); fieldOf(packet, 2) != want {
			t.Errorf("%x, want %#04x at 2", packet, want)
		}
	})
	t.Run("the application must set the new IPV6_CHECKSUM socket option to have the kernel (1) compute and store a checksum for output", func(t *testing.T) {
		packet := filled(t, set(t, 253, 6), 253)
		if want := slowChecksum(host1, host2, 253, stale, 6); fieldOf(packet, 6) != want || fieldOf(packet, 2) != 0xdead {
			t.Errorf("%x, want %#04x at 6", packet, want)
		}
	})
	t.Run("and (2) verify the received checksum on input, discarding the packet if the checksum is in error", func(t *testing.T) {
		o := set(t, 253, 6)
		packet := filled(t, o, 253)
		if err := o.Verify(host1, host2, 253, packet); err != nil {
			t.Error(err)
		}
		packet[0]++
		checkError(t, o.Verify(host1, host2, 253, packet), icmp6.ErrChecksum, "at offset 6")
	})
	t.Run("The checksum will incorporate the IPv6 pseudo-header", func(t *testing.T) {
		o := set(t, 253, 6)
		checkError(t, o.Verify(host2, host2, 253, filled(t, o, 253)), icmp6.ErrChecksum, "at offset 6")
	})
	for proto := range 256 {
		proto := uint8(proto)
		if proto == icmp6.Protocol {
			continue
		}
		// "By default, this socket option is disabled."
		off := icmp6.DefaultOffset(proto)
		// "Setting the offset to -1 also disables the option."
		if off != icmp6.Disabled || set(t, proto, -1) != off {
			t.Errorf("protocol %d: default %d, set to -1 %d", proto, off, set(t, proto, -1))
		}
		// "By disabled we mean (1) the kernel will not calculate and store a checksum for outgoing
		// packets, and (2) the kernel will not verify a checksum for received packets."
		if got := filled(t, off, proto); !bytes.Equal(got, stale) {
			t.Errorf("protocol %d: disabled, yet %x", proto, got)
		}
		if err := off.Verify(host1, host2, proto, stale); err != nil {
			t.Errorf("protocol %d: disabled, yet %v", proto, err)
		}
		// "Thus, specifying a positive odd value as offset is invalid, and setsockopt() will fail for
		// such offset values."
		for _, odd := range []int{1, 3, 5, 255, 32767, 65533, 65535, 65537, 1<<31 - 1} {
			if _, err := icmp6.NewOffset(proto, odd); !errors.Is(err, icmp6.ErrOddOffset) || !errors.Is(err, syscall.EINVAL) {
				t.Fatalf("protocol %d, offset %d: %v", proto, odd, err)
			}
		}
	}
	t.Run("An attempt to set IPV6_CHECKSUM for an ICMPv6 socket will fail", func(t *testing.T) {
		for offset := -4; offset < 70000; offset++ {
			o, err := icmp6.NewOffset(58, offset)
			if !errors.Is(err, icmp6.ErrMandatory) || !errors.Is(err, syscall.EINVAL) || o != icmp6.ChecksumOffset {
				t.Fatalf("offset %d: %d, %v", offset, o, err)
			}
		}
	})
	// "(Note: Since the checksum is always calculated by the kernel for an ICMPv6 socket, applications
	// are not able to generate ICMPv6 packets with incorrect checksums (presumably for testing
	// purposes) using this API.)"
	t.Run("applications are not able to generate ICMPv6 packets with incorrect checksums", func(t *testing.T) {
		for o := icmp6.Offset(-70000); o < 70000; o++ {
			if o == icmp6.ChecksumOffset {
				continue
			}
			packet := bytes.Clone(stale)
			for _, err := range []error{
				o.Fill(host1, host2, 58, packet),
				o.FillBuffers(host1, host2, 58, [][]byte{packet}),
				o.Verify(host1, host2, 58, packet),
			} {
				if !errors.Is(err, icmp6.ErrMandatory) || !errors.Is(err, syscall.EINVAL) {
					t.Fatalf("offset %d: %v", o, err)
				}
			}
			if !bytes.Equal(packet, stale) {
				t.Fatalf("offset %d: the packet is now %x", o, packet)
			}
		}
	})
}
