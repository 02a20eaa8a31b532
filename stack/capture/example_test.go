package capture_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hextet/hextet/stack/capture"
)

// IPv6(src="2001:db8::1", dst="2001:db8::2")/ICMPv6EchoRequest(id=7, seq=1) and
// the reply, made with scapy.
var (
	request, _ = hex.DecodeString("6000000000083a4020010db800000000000000000000000120010db8000000000000000000000002" + "8000244000070001")
	reply, _   = hex.DecodeString("6000000000083a4020010db800000000000000000000000220010db8000000000000000000000001" + "8100234000070001")
)

// Two packets into a buffer, and back.
func Example() {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	w.WritePacket(capture.Packet{Time: start, Interface: "client", Direction: capture.Outbound,
		Data: request, Comment: "source by rule 8"})
	w.WritePacket(capture.Packet{Time: start.Add(1500), Interface: "client", Direction: capture.Inbound,
		Data: reply})
	if err := w.Close(); err != nil { // also says whether a write failed before
		fmt.Println(err)
	}

	packets, err := capture.ReadAll(&file)
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range packets {
		fmt.Println(p)
	}
	// Output:
	// 03:04:05.000000006 client out 2001:db8::1 > 2001:db8::2 ICMPv6 EchoRequest id 7 seq 1, 8 bytes # "source by rule 8"
	// 03:04:05.000001506 client in 2001:db8::2 > 2001:db8::1 ICMPv6 EchoReply id 7 seq 1, 8 bytes
}

// A Sink keeps the packets in memory; the file goes nowhere.
func ExampleOptions_sink() {
	var packets []capture.Packet
	w, err := capture.NewWriter(io.Discard, capture.Options{
		Sink: func(p capture.Packet) { packets = append(packets, p.Clone()) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	link := w.Tap("client", sinkhole{}) // attach this to a stack
	link.WritePackets([][]byte{request})
	for _, p := range packets {
		fmt.Println(p.Interface, p.Direction, capture.Summary(p))
	}
	// Output:
	// client out 2001:db8::1 > 2001:db8::2 ICMPv6 EchoRequest id 7 seq 1, 8 bytes
}

// sinkhole is a link that drops what it gets.
type sinkhole struct{}

func (sinkhole) MTU() int                                 { return 1500 }
func (sinkhole) HardwareAddr() net.HardwareAddr           { return nil }
func (sinkhole) ReadPackets([][]byte, []int) (int, error) { return 0, net.ErrClosed }
func (sinkhole) WritePackets(bufs [][]byte) (int, error)  { return len(bufs), nil }
func (sinkhole) Close() error                             { return nil }
