package stack_test

import (
	"github.com/hextet/hextet/stack"
	"net"
)

// station makes one end of a wire an Ethernet station.
type station struct {
	stack.Link
	mac net.HardwareAddr
}

func (s station) MTU() int                       { return s.Link.MTU() - 14 }
func (s station) HardwareAddr() net.HardwareAddr { return s.mac }
func ethernet() (a, b stack.Link) {
	la, lb := stack.Pipe(1514)
	return station{la, net.HardwareAddr{2, 0, 0, 0, 0, 1}}, station{lb, net.HardwareAddr{2, 0, 0, 0, 0, 2}}
}
