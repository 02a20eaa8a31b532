package sums

import (
	"math/bits"

	tailscale "github.com/tailscale/wireguard-go/tun"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/checksum"

	"github.com/hextet/hextet/bench/internal/limit"
	"github.com/hextet/hextet/icmp6/checksum"
)

// A peer is an implementation of the Internet checksum.
type peer struct {
	name string

	// once returns what checksum.Sum(b, 0) should return.
	once func(b []byte) uint16

	// eight sums b eight times, by calls that the compiler knows and that don't
	// wait for each other, and returns something that depends on them all.
	eight func(b []byte) uint16
}

var ours = peer{"hextet",
	func(b []byte) uint16 { return checksum.Sum(b, 0) },
	func(b []byte) uint16 {
		return checksum.Sum(b, 0) + checksum.Sum(b, 0) + checksum.Sum(b, 0) + checksum.Sum(b, 0) +
			checksum.Sum(b, 0) + checksum.Sum(b, 0) + checksum.Sum(b, 0) + checksum.Sum(b, 0)
	},
}

// pureGo is ours on processors without a faster tier, and with the build tag purego.
var pureGo = peer{"hextet",
	func(b []byte) uint16 { return sumGeneric(b, 0) },
	func(b []byte) uint16 {
		return sumGeneric(b, 0) + sumGeneric(b, 0) + sumGeneric(b, 0) + sumGeneric(b, 0) +
			sumGeneric(b, 0) + sumGeneric(b, 0) + sumGeneric(b, 0) + sumGeneric(b, 0)
	},
}

var gvisorPeer = peer{"gvisor",
	func(b []byte) uint16 { return gvisor.Checksum(b, 0) },
	func(b []byte) uint16 {
		return gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0) +
			gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0) + gvisor.Checksum(b, 0)
	},
}

var peers = []peer{
	gvisorPeer,
	{"wireguard-go",
		func(b []byte) uint16 { return wireguardChecksum(b, 0) },
		func(b []byte) uint16 {
			return wireguardChecksum(b, 0) + wireguardChecksum(b, 0) + wireguardChecksum(b, 0) + wireguardChecksum(b, 0) +
				wireguardChecksum(b, 0) + wireguardChecksum(b, 0) + wireguardChecksum(b, 0) + wireguardChecksum(b, 0)
		},
	},
	{"tailscale",
		func(b []byte) uint16 { return tailscale.Checksum(b, 0) },
		func(b []byte) uint16 {
			return tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0) +
				tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0) + tailscale.Checksum(b, 0)
		},
	},
	{"gopacket", // complements its result
		func(b []byte) uint16 { return ^gopacketChecksum(b, 0) },
		func(b []byte) uint16 {
			return gopacketChecksum(b, 0) + gopacketChecksum(b, 0) + gopacketChecksum(b, 0) + gopacketChecksum(b, 0) +
				gopacketChecksum(b, 0) + gopacketChecksum(b, 0) + gopacketChecksum(b, 0) + gopacketChecksum(b, 0)
		},
	},
	{"x_net_icmp", // complements its result, whose bytes are in the order of little-endian words
		func(b []byte) uint16 { return bits.ReverseBytes16(^xnetChecksum(b)) },
		func(b []byte) uint16 {
			return xnetChecksum(b) + xnetChecksum(b) + xnetChecksum(b) + xnetChecksum(b) +
				xnetChecksum(b) + xnetChecksum(b) + xnetChecksum(b) + xnetChecksum(b)
		},
	},
}

// The limits compute nothing, so they have no once.
var (
	loads = peer{name: "loads", eight: func(b []byte) uint16 {
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		limit.Loads(b)
		return 0
	}}
	call = peer{name: "call", eight: func(b []byte) uint16 {
		return limit.Call(b, 0) + limit.Call(b, 0) + limit.Call(b, 0) + limit.Call(b, 0) +
			limit.Call(b, 0) + limit.Call(b, 0) + limit.Call(b, 0) + limit.Call(b, 0)
	}}
)
