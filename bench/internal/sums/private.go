package sums

import (
	_ "unsafe" // for linkname

	_ "github.com/google/gopacket/layers"
	_ "golang.org/x/net/icmp"
	_ "golang.zx2c4.com/wireguard/tun"
)

// Three peers don't export their checksum. Calling the functions themselves is fairer
// to them than timing an exported function that also builds a packet. A version that
// renames one fails to link.

//go:linkname wireguardChecksum golang.zx2c4.com/wireguard/tun.checksum
func wireguardChecksum(b []byte, initial uint64) uint16

//go:linkname gopacketChecksum github.com/google/gopacket/layers.tcpipChecksum
func gopacketChecksum(data []byte, csum uint32) uint16

//go:linkname xnetChecksum golang.org/x/net/icmp.checksum
func xnetChecksum(b []byte) uint16

// Which tier of ours sums is up to the processor. These figures choose one, by its place in
// the list of those that the architecture has, slowest first. The first one is portable Go,
// here without the assembly that leads to it on some architectures.

//go:linkname sumGeneric github.com/hextet/hextet/icmp6/checksum.sumGeneric
func sumGeneric(b []byte, initial uint16) uint16

//go:linkname tier github.com/hextet/hextet/icmp6/checksum.tier
var tier uint8

//go:linkname bestTier github.com/hextet/hextet/icmp6/checksum.best
var bestTier uint8

//go:linkname tierNames github.com/hextet/hextet/icmp6/checksum.tierNames
var tierNames []string
