package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// echo sends an echo request and returns how long the answer took, or false if none came within a second.
func echo(t *testing.T, l *lab.Lab, from *lab.Host, to string, seq int) (time.Duration, bool) {
	t.Helper()
	c, err := from.ListenPacket(l.Context(), "ip6:ipv6-icmp", "::")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := l.Now()
	request := []byte{128, 0, 0, 0, 7, 7, byte(seq >> 8), byte(seq)}
	if _, err := c.WriteTo(request, &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(began.Add(time.Second))
	for b := make([]byte, 100); ; {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return 0, false
		}
		if n == 8 && b[0] == 129 && bytes.Equal(b[4:8], request[4:]) {
			return l.Now().Sub(began), true
		}
	}
}

// pair is two hosts, ::1 and ::2, that know each other's link-layer address.
func pair(t *testing.T, l *lab.Lab, seg *lab.Segment) (a, b *lab.Host) {
	t.Helper()
	a = l.Host(lab.HostConfig{Name: "a", Segment: seg, Addresses: lab.Addresses("2001:db8::1/64")})
	b = l.Host(lab.HostConfig{Name: "b", Segment: seg, Addresses: lab.Addresses("2001:db8::2/64")})
	if _, ok := echo(t, l, a, "2001:db8::2", 0); !ok {
		t.Fatal("no answer on a perfect wire")
	}
	return a, b
}

// Latencies are exact, at every place, and change at run time.
func TestLatencyIsExact(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{})
	a, b := pair(t, l, seg)
	want := func(d time.Duration) {
		t.Helper()
		if got, ok := echo(t, l, a, "2001:db8::2", 1); !ok || got != d {
			t.Errorf("%v %v, want %v", got, ok, d)
		}
	}
	want(0)
	check(t, seg.Impair(lab.Impairment{Latency: 10 * time.Millisecond}))
	want(20 * time.Millisecond)
	check(t, a.Interface("eth0").SetSend(lab.Impairment{Latency: time.Millisecond}))
	want(21 * time.Millisecond)
	check(t, a.Interface("eth0").SetReceive(lab.Impairment{Latency: 200 * time.Microsecond}))
	want(21*time.Millisecond + 200*time.Microsecond)
	check(t, b.Interface("eth0").SetReceive(lab.Impairment{Bandwidth: 62 * 8 * 1000})) // 62 bytes take 1 ms
	want(22*time.Millisecond + 200*time.Microsecond)
	check(t, seg.Impair(lab.Impairment{}))
	want(2*time.Millisecond + 200*time.Microsecond)
	if err := seg.Impair(lab.Impairment{Loss: 2}); err == nil || !strings.Contains(err.Error(), `segment "lan1": the field Impairment.Loss is 2`) {
		t.Error(err)
	}
	if err := a.Interface("eth0").SetSend(lab.Impairment{MTU: -1}); err == nil || !strings.Contains(err.Error(), `interface "a/eth0": Send`) {
		t.Error(err)
	}
	want(2*time.Millisecond + 200*time.Microsecond)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What neighbours send changes nobody else's luck. (What they send to one of the two does neither, but may
// change what those have to send to each other: TestPlaceKeepsFlowsApart.)
func TestNeighboursShiftNoLuck(t *testing.T) {
	fates := func(chatter bool) string {
		l := lab.New(t, lab.Config{Seed: 5})
		seg := l.Segment(lab.SegmentConfig{})
		a, b := pair(t, l, seg)
		im := lab.Impairment{Loss: 0.3, Duplicate: 0.1, Corrupt: 0.05, Latency: 3 * time.Millisecond, Jitter: 2 * time.Millisecond, Reorder: 0.1}
		check(t, b.Interface("eth0").SetReceive(im))
		check(t, a.Interface("eth0").SetSend(im))
		check(t, seg.Impair(im))
		if chatter {
			c := l.Host(lab.HostConfig{Name: "c", Segment: seg, Addresses: lab.Addresses("2001:db8::3/64")})
			l.Host(lab.HostConfig{Name: "d", Segment: seg, Addresses: lab.Addresses("2001:db8::4/64")})
			for n, to := range []string{"2001:db8::4", "ff02::1%eth0", "2001:db8::dead"} {
				l.Go(to, func(ctx context.Context) error {
					conn, err := c.DialContext(ctx, "udp", fmt.Sprintf("[%s]:99", to))
					for ctx.Err() == nil && err == nil {
						conn.Write(make([]byte, 100))
						l.Sleep(time.Duration(n+3) * 7 * time.Millisecond)
					}
					return err
				})
			}
		}
		var told strings.Builder
		for n := range 60 {
			took, ok := echo(t, l, a, "2001:db8::2", n)
			fmt.Fprintln(&told, n, took, ok)
		}
		return told.String()
	}
	quiet, loud := fates(false), fates(true)
	if quiet != loud {
		t.Errorf("alone:\n%s\nbeside one who chatters:\n%s", quiet, loud)
	}
	if !strings.Contains(quiet, "false") || !strings.Contains(quiet, "true") {
		t.Error("the wire is not bad enough to show anything:", quiet)
	}
}

func TestPartition(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{})
	var hosts []*lab.Host
	for n := range 5 {
		hosts = append(hosts, l.Host(lab.HostConfig{Segment: seg, Addresses: lab.Addresses(fmt.Sprintf("2001:db8::%d/64", n))}))
	}
	reach := func() string {
		var all []string
		for n, h := range hosts {
			for m := range n {
				for try := range 3 { // what was sent while a neighbour was thought unreachable is lost
					if _, ok := echo(t, l, h, fmt.Sprintf("2001:db8::%d", m), try); ok {
						all = append(all, fmt.Sprintf("%d-%d", m, n))
						break
					}
				}
			}
		}
		return strings.Join(all, " ")
	}
	check(t, seg.Partition(hosts[:2], hosts[2:3]))
	if got := reach(); got != "0-1 3-4" {
		t.Error(got)
	}
	check(t, seg.Partition(hosts[1:]))
	if got := reach(); got != "1-2 1-3 2-3 1-4 2-4 3-4" {
		t.Error(got)
	}
	if err := seg.Partition(hosts[:2], hosts[1:]); err == nil || !strings.Contains(err.Error(), `host "host2" is in the groups 0 and 1`) {
		t.Error(err)
	}
	other := lab.New(t).Host(lab.HostConfig{Name: "stranger"})
	if err := seg.Partition(hosts[:2], []*lab.Host{other}); err == nil || !strings.Contains(err.Error(), `group 1 has host "stranger", which is another lab's`) {
		t.Error(err)
	}
	if got := reach(); got != "1-2 1-3 2-3 1-4 2-4 3-4" {
		t.Errorf("%s, by a partition that was refused", got)
	}
	seg.Heal()
	if got := reach(); got != "0-1 0-2 1-2 0-3 1-3 2-3 0-4 1-4 2-4 3-4" {
		t.Error(got)
	}
}

func TestPlug(t *testing.T) {
	l := lab.New(t)
	one, two := l.Segment(lab.SegmentConfig{Name: "one"}), l.Segment(lab.SegmentConfig{Name: "two"})
	a := l.Host(lab.HostConfig{Segment: one, Addresses: lab.Addresses("2001:db8::1/64")})
	l.Host(lab.HostConfig{Segment: two, Addresses: lab.Addresses("2001:db8::2/64")})
	reaches := func(want bool) {
		t.Helper()
		if _, ok := echo(t, l, a, "2001:db8::2", 0); ok != want {
			t.Errorf("reached: %v", ok)
		}
	}
	reaches(false)
	cable := a.Interface("eth0")
	check(t, cable.Plug(two))
	reaches(true)
	if cable.Segment() != two {
		t.Error(cable.Segment())
	}
	cable.Unplug()
	reaches(false)
	check(t, cable.Plug(two))
	reaches(true)
	second, err := a.AddInterface(lab.InterfaceConfig{Segment: one, Addresses: lab.Addresses("2001:db8:1::1/64"), Unplugged: true})
	check(t, err)
	if second.Name() != "eth1" || second.Segment() != nil || a.Interface("eth1") != second {
		t.Error(second.Name(), second.Segment())
	}
	check(t, second.Plug(one))
	check(t, second.Detach())
	if err := second.Plug(two); err == nil {
		t.Error("a detached interface is plugged in")
	}
	if err := cable.Plug(lab.New(t).Segment(lab.SegmentConfig{})); err == nil || !strings.Contains(err.Error(), "another lab's") {
		t.Error(err)
	}
	if err := cable.Plug(nil); err == nil {
		t.Error("plugged into nil")
	}
}

// Frames on their way arrive no more once the plug is out, and do arrive after a partition.
func TestInFlight(t *testing.T) {
	l := lab.New(t)
	seg := l.Segment(lab.SegmentConfig{})
	a, b := pair(t, l, seg)
	check(t, seg.Impair(lab.Impairment{Latency: 10 * time.Millisecond}))
	udp, err := b.ListenPacket(t.Context(), "udp", ":99")
	check(t, err)
	send := func(then func()) (arrives bool) {
		c, err := a.DialContext(t.Context(), "udp", "[2001:db8::2]:99")
		check(t, err)
		defer c.Close()
		c.Write([]byte("x"))
		l.Sleep(5 * time.Millisecond)
		then()
		udp.SetReadDeadline(l.Now().Add(time.Second))
		_, _, err = udp.ReadFrom(make([]byte, 10))
		return err == nil
	}
	if !send(func() {}) || !send(func() { seg.Partition([]*lab.Host{a}) }) {
		t.Error("nothing arrived")
	}
	seg.Heal()
	if send(b.Interface("eth0").Unplug) {
		t.Error("a frame arrived without a cable")
	}
}

// Packets to a group reach its members, and only those.
func TestGroups(t *testing.T) {
	l := lab.New(t)
	var hosts []*lab.Host
	for n := range 3 {
		hosts = append(hosts, l.Host(lab.HostConfig{Addresses: lab.Addresses(fmt.Sprintf("2001:db8::%d/64", n+1), fmt.Sprintf("10.0.0.%d/24", n+1))}))
	}
	members := func(group string) (got []string) {
		var conns []net.PacketConn
		for _, h := range hosts {
			c, err := h.ListenPacket(t.Context(), "udp", ":99")
			check(t, err)
			defer c.Close()
			conns = append(conns, c)
		}
		to := netip.MustParseAddr(group)
		if h := hosts[1]; !slices.Contains([]string{"ff02::1", "10.0.0.255", "255.255.255.255"}, group) {
			check(t, conns[1].(*stack.UDPConn).JoinGroup(h.Interface("eth0").NetInterface(), &net.UDPAddr{IP: to.AsSlice()}))
		}
		out, err := hosts[0].ListenPacket(t.Context(), "udp", ":100")
		check(t, err)
		defer out.Close()
		_, err = out.WriteTo([]byte("x"), &net.UDPAddr{IP: to.AsSlice(), Port: 99, Zone: "eth0"})
		check(t, err)
		for n, c := range conns[1:] {
			c.SetReadDeadline(l.Now().Add(time.Second))
			if _, _, err := c.ReadFrom(make([]byte, 10)); err == nil {
				got = append(got, hosts[n+1].Name())
			}
		}
		return got
	}
	for group, want := range map[string]string{
		"ff02::1": "host2 host3", "ff02::1234": "host2", "ff05::1:3": "host2", "224.0.0.251": "host2", "239.1.2.3": "host2", "10.0.0.255": "host2 host3",
	} {
		if got := strings.Join(members(group), " "); got != want {
			t.Errorf("%s reached %q, want %q", group, got, want)
		}
	}
	before := hosts[2].Counters()
	members("ff02::77")
	if after := hosts[2].Counters(); after.IPOtherHost != before.IPOtherHost {
		t.Error("a packet to a group that the host is not in got past the filter")
	}
}

func TestAddRefuses(t *testing.T) {
	l := lab.New(t)
	l.Host(lab.HostConfig{Name: "a"})
	for want, cfg := range map[string]lab.HostConfig{
		`host "a": the name "a" is taken`: {Name: "a"},
		"Send: the field Impairment.Loss": {Name: "b", Interfaces: []lab.InterfaceConfig{{Send: lab.Impairment{Loss: 2}}}},
		"Stack.Clock is set":              {Name: "b", Stack: stack.Config{Clock: l.Clock()}},
		"another lab's":                   {Name: "b", Segment: lab.New(t).Segment(lab.SegmentConfig{})},
		`host "web/eth0": a name with a`:  {Name: "web/eth0"},
		"white space":                     {Name: "b", Interfaces: []lab.InterfaceConfig{{Stack: stack.InterfaceConfig{Name: "a\tb"}}}},
	} {
		if _, err := l.AddHost(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "lab: ") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := l.AddRouter(lab.RouterConfig{Name: "r/eth0"}); err == nil || !strings.Contains(err.Error(), `router "r/eth0": a name with a slash`) {
		t.Error(err)
	}
	l.Host(lab.HostConfig{Name: "b"}) // is not half there
	for want, cfg := range map[string]lab.SegmentConfig{
		`segment "a": the name "a" is taken`: {Name: "a"}, "the MTU 1279": {MTU: 1279}, "Impairment.Queue": {Impair: lab.Impairment{Queue: -1}},
	} {
		if _, err := l.AddSegment(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
