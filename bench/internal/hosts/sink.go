package hosts

import (
	"net"
	"sync"
)

// A sink is an Ethernet link that takes everything and delivers nothing.
type sink struct {
	closed chan struct{}
	once   sync.Once
}

func newSink() *sink { return &sink{closed: make(chan struct{})} }

func (*sink) MTU() int                                   { return 1500 }
func (*sink) HardwareAddr() net.HardwareAddr             { return net.HardwareAddr{2, 0, 0, 0, 0, 1} }
func (*sink) WritePackets(bufs [][]byte) (int, error)    { return len(bufs), nil }
func (l *sink) ReadPackets([][]byte, []int) (int, error) { <-l.closed; return 0, net.ErrClosed }

func (l *sink) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}
