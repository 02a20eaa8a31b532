package vxlan

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Peers returns the peers in the order in which they were added. The caller may keep
// and change the slice.
func (l *Link) Peers() []netip.AddrPort { return slices.Clone(*l.peers.Load()) }

// AddPeer adds a peer; a port of zero is [Port]. One that is there already stays.
func (l *Link) AddPeer(p netip.AddrPort) error {
	p, err := peer(p)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if peers := *l.peers.Load(); !slices.Contains(peers, p) {
		peers = append(slices.Clip(peers), p)
		l.peers.Store(&peers)
	}
	return nil
}

// RemovePeer removes a peer and all stations that were learned behind it, and says
// whether it was there. What is queued for it already is still sent.
func (l *Link) RemovePeer(p netip.AddrPort) bool {
	p, err := peer(p)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	peers := l.Peers()
	i := slices.Index(peers, p)
	if i < 0 {
		return false
	}
	peers = slices.Delete(peers, i, i+1)
	l.peers.Store(&peers)
	l.stations.forgetPeer(p)
	return true
}

// Stations returns the table of stations, in order of their addresses. The caller may
// keep it.
func (l *Link) Stations() []Station { return l.stations.list(l.endpoint.now()) }

// AddStation says for good behind which peer a station is; a port of zero is [Port].
// What is learned does not change it.
func (l *Link) AddStation(hw net.HardwareAddr, p netip.AddrPort) error {
	p, err := peer(p)
	if err != nil {
		return err
	}
	if len(hw) != 6 || hw[0]&1 != 0 {
		return fmt.Errorf("vxlan: station %s is not a unicast address of 6 bytes", hw)
	}
	l.stations.fix(station(hw), p)
	return nil
}

// RemoveStation removes a station, static or learned, and says whether it was there.
func (l *Link) RemoveStation(hw net.HardwareAddr) bool {
	return len(hw) == 6 && l.stations.forget(station(hw), l.endpoint.now())
}
