package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/hextet/hextet/icmp6"
)

const (
	echoRequest = 128
	echoReply   = 129
	echoID      = 0x6974
)

// checksum is the program of KB974927: it leaves the checksum to the stack, or writes nonsense there.
func (n *network) checksum(ctx context.Context, a *account, f *facts) error {
	a.title("KB974927: an ICMPv6 echo request on a raw socket")
	raw, err := n.server.ListenRaw(icmp6.Protocol, server6(passed))
	if err != nil {
		return err
	}
	defer raw.Close()
	var only icmp6.Filter
	only.BlockAll()
	only.Accept(echoReply)
	raw.SetFilter(only)
	raw.SetReadDeadline(time.Now().Add(10 * time.Second))
	for seq, written := range []uint16{0, 0xdead} {
		if _, err := raw.WriteTo(echo(uint16(seq), written), nil, &net.IPAddr{IP: client6.AsSlice()}); err != nil {
			return err
		}
		reply := make([]byte, mtu)
		if _, _, _, err := raw.ReadFrom(reply); err != nil {
			return fmt.Errorf("waiting for the reply: %w", err)
		}
		f.echoes = append(f.echoes, written)
	}
	return nil
}

// echo is an echo request of odd length (RFC 4443 section 4.1).
func echo(seq, checksum uint16) []byte {
	b := []byte{echoRequest, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], checksum)
	b = binary.BigEndian.AppendUint16(b, echoID)
	b = binary.BigEndian.AppendUint16(b, seq)
	return append(b, "left blank"[:9]...)
}
