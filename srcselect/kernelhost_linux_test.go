package srcselect_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/srcselect"
)

// A kernelHost is the kernel of a network namespace, with addresses and address
// labels that are drawn from a seed, and the same as a Selector takes them.
type kernelHost struct {
	testing.TB
	*rand.Rand
	devs []kernelDev

	temporaryPreferred bool // use_tempaddr is 2 and not 1, on all devices
	addresses          []srcselect.Address
	labels             []srcselect.PolicyEntry
	gateways           map[int]netip.Addr // of the IPv4 default route of a device; none: on the link
}

type kernelDev struct {
	name  string
	index int
	dad   bool // duplicate address detection runs, and takes for ever
}

// newKernelHost makes devices s0, s1 and s2 in a fresh namespace, each with a default
// route of its own. They are ends of veth pairs whose other ends know no IPv6.
func newKernelHost(t testing.TB) *kernelHost {
	t.Helper()
	peertest.EnterNetns(t, "ip")
	h := &kernelHost{TB: t}
	h.sysctl("ipv6/conf/default/accept_ra", "0")
	h.sysctl("ipv6/conf/default/addr_gen_mode", "1") // no link-local address by itself
	h.sysctl("ipv6/conf/default/optimistic_dad", "1")
	h.sysctl("ipv6/conf/all/optimistic_dad", "1")
	var batch strings.Builder
	for i := range 3 {
		fmt.Fprintf(&batch, "link add s%d type veth peer name p%d\n", i, i)
	}
	h.ip(batch.String())
	batch.Reset()
	for i := range 3 {
		d := kernelDev{name: fmt.Sprintf("s%d", i), dad: i > 0}
		h.sysctl(fmt.Sprintf("ipv6/conf/p%d/disable_ipv6", i), "1")
		h.sysctl("ipv6/conf/"+d.name+"/accept_dad", "0")
		if d.dad {
			h.sysctl("ipv6/conf/"+d.name+"/accept_dad", "1")
			h.sysctl("ipv6/conf/"+d.name+"/dad_transmits", "100")
			h.sysctl("ipv6/neigh/"+d.name+"/retrans_time_ms", "60000")
		}
		ifi, err := net.InterfaceByName(d.name)
		if err != nil {
			t.Fatal(err)
		}
		d.index = ifi.Index
		h.devs = append(h.devs, d)
		fmt.Fprintf(&batch, "link set p%d up\nlink set s%d up\nroute add ::/0 dev s%d metric %d\n", i, i, i, 100+i)
	}
	h.ip(batch.String())
	return h
}

func (h *kernelHost) sysctl(name, value string) {
	h.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		h.Fatal(err)
	}
}

// ip runs commands of the ip program, one a line.
func (h *kernelHost) ip(commands string) {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("ip: %v\n%s%s", err, commands, out)
	}
}

// The prefixes of addresses and destinations: of every scope, of every label of the
// kernel's, and some that differ by few bits.
var (
	kernelPrefixes6 = []string{
		"2001:db8:1::", "2001:db8:1:1::", "2001:db8:1:1:8000::", "2001:db8:2::", "2001:db8:ffff::", "2600:1::",
		"3ffe:1::", "2002:c633:6401::", "2001:0:1::", "2001:10:1::", "fd11:1111:1111::", "fd11:1111:1111:1::", "fd22::",
		"fec0::", "fec0:0:0:1::", "64:ff9b::", "::192.0.2.0", "fe80::", "fe80:0:0:1::",
	}
	kernelPrefixes4 = []string{"192.0.2.0", "192.0.3.0", "10.0.0.0", "10.0.1.0", "10.128.0.0", "169.254.1.0", "198.51.100.0"}
	kernelGroups6   = []string{"ff02::1:3", "ff03::7", "ff05::2", "ff08::2", "ff0e::101", "ff01::7", "ff02::1"}
	kernelGroups4   = []string{"224.0.0.9", "239.1.2.3"}
)

// host returns an address of one of the prefixes.
func (h *kernelHost) host(prefixes []string) netip.Addr {
	b := netip.MustParseAddr(prefixes[h.IntN(len(prefixes))]).AsSlice()
	b[len(b)-1] |= byte(1 + h.IntN(7))
	if h.IntN(2) == 0 {
		b[len(b)-2] |= byte(h.IntN(3))
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// configure replaces addresses, labels and IPv4 routes by others.
func (h *kernelHost) configure(seed uint64) {
	h.Helper()
	h.Rand = rand.New(rand.NewPCG(seed, 6724))
	var batch strings.Builder
	for _, e := range h.labels {
		fmt.Fprintf(&batch, "addrlabel del %s\n", h.labelWords(e))
	}
	for _, d := range h.devs {
		fmt.Fprintf(&batch, "address flush dev %s\n", d.name)
	}
	h.addresses, h.labels = nil, nil
	h.gateways = make(map[int]netip.Addr)

	h.temporaryPreferred = h.IntN(2) == 0
	for _, name := range []string{"s0", "s1", "s2", "lo"} {
		h.sysctl("ipv6/conf/"+name+"/use_tempaddr", map[bool]string{false: "1", true: "2"}[h.temporaryPreferred])
	}
	for range 3 + h.IntN(12) {
		h.addIPv6(&batch)
	}
	if h.IntN(3) == 0 {
		h.addManaged(&batch)
	}
	for _, d := range h.devs {
		for range min(h.IntN(16), 1+h.IntN(3)) {
			h.addIPv4(&batch, d)
		}
	}
	for _, d := range h.devs {
		via := ""
		if gateway := h.host(kernelPrefixes4); h.IntN(2) == 0 && !h.assigned(gateway) {
			h.gateways[d.index] = gateway
			via = "onlink via " + gateway.String()
		}
		fmt.Fprintf(&batch, "route replace 0.0.0.0/0 %s dev %s metric %d\n", via, d.name, 100+d.index)
	}
	for range h.IntN(5) {
		h.addLabel(&batch)
	}
	h.ip(batch.String())
	h.learnTemporary()
}

// assigned says whether an address is there already, on any device: two of them would
// make routes ambiguous.
func (h *kernelHost) assigned(addr netip.Addr) bool {
	return slices.ContainsFunc(h.addresses, func(a srcselect.Address) bool { return a.Prefix.Addr() == addr })
}

// onLink says whether the IPv4 route of an address's prefix leads from an interface
// to a destination.
func (h *kernelHost) onLink(destination netip.Addr, index int) bool {
	return slices.ContainsFunc(h.addresses, func(a srcselect.Address) bool {
		return a.Interface == index && a.Prefix.Masked().Contains(destination)
	})
}

// free says whether an address may be added to a device: a link-local one may be on
// several.
func (h *kernelHost) free(addr netip.Addr, dev kernelDev) bool {
	return !slices.ContainsFunc(h.addresses, func(a srcselect.Address) bool {
		return a.Prefix.Addr() == addr && (a.Interface == dev.index || !addr.IsLinkLocalUnicast() || addr.Is4())
	})
}

func (h *kernelHost) addIPv6(batch *strings.Builder) {
	dev := h.devs[h.IntN(len(h.devs))]
	bits := []int{64, 64, 64, 128, 48, 49, 33, 96, 127, 120, 56, 20}[h.IntN(12)]
	a := srcselect.Address{Prefix: netip.PrefixFrom(h.host(kernelPrefixes6), bits), Interface: dev.index}
	if !h.free(a.Prefix.Addr(), dev) {
		return
	}
	a.Deprecated = h.IntN(4) == 0
	words := " nodad"
	if state := h.IntN(8); dev.dad && state < 2 {
		a.Tentative, a.Optimistic = true, state == 1
		words = map[bool]string{false: "", true: " optimistic"}[a.Optimistic]
	}
	if a.Deprecated {
		words += " preferred_lft 0"
	}
	fmt.Fprintf(batch, "address add %v dev %s noprefixroute%s\n", a.Prefix, dev.name, words)
	h.addresses = append(h.addresses, a)
}

// addManaged adds an address that makes the kernel add a temporary one with the same
// prefix.
func (h *kernelHost) addManaged(batch *strings.Builder) {
	dev := h.devs[0]
	a := srcselect.Address{Prefix: netip.PrefixFrom(h.host(kernelPrefixes6[:13]), 64), Interface: dev.index}
	if !h.free(a.Prefix.Addr(), dev) {
		return
	}
	fmt.Fprintf(batch, "address add %v dev %s noprefixroute nodad mngtmpaddr\n", a.Prefix, dev.name)
	temporary := a
	temporary.Temporary = true // and an identifier that the kernel knows
	h.addresses = append(h.addresses, a, temporary)
}

func (h *kernelHost) addIPv4(batch *strings.Builder, dev kernelDev) {
	bits := []int{24, 24, 16, 23, 25, 32, 8}[h.IntN(7)]
	a := srcselect.Address{Prefix: netip.PrefixFrom(h.host(kernelPrefixes4), bits), Interface: dev.index, Deprecated: h.IntN(4) == 0}
	if !h.free(a.Prefix.Addr(), dev) {
		return
	}
	words := ""
	if a.Deprecated {
		words = " preferred_lft 0"
	}
	fmt.Fprintf(batch, "address add %v dev %s%s\n", a.Prefix, dev.name, words)
	h.addresses = append(h.addresses, a)
}

func (h *kernelHost) labelWords(e srcselect.PolicyEntry) string {
	words := fmt.Sprintf("prefix %v label %d", e.Prefix, e.Label)
	for _, d := range h.devs {
		if d.index == e.Interface {
			words += " dev " + d.name
		}
	}
	return words
}

// addLabel adds a row to the kernel's table of labels, often with the label of
// another row.
func (h *kernelHost) addLabel(batch *strings.Builder) {
	prefix, err := h.host(kernelPrefixes6).Prefix([]int{32, 48, 64, 16, 128, 7, 120}[h.IntN(7)])
	if err != nil {
		h.Fatal(err)
	}
	e := srcselect.PolicyEntry{Prefix: prefix, Precedence: 40, Label: []uint8{1, 2, 5, 6, 7, 99}[h.IntN(6)]}
	if h.IntN(3) == 0 {
		e.Interface = h.devs[h.IntN(len(h.devs))].index
	}
	same := func(b srcselect.PolicyEntry) bool { return b.Prefix == e.Prefix && b.Interface == e.Interface }
	if slices.ContainsFunc(h.labels, same) || slices.ContainsFunc(srcselect.Linux().Policy.Rows(), same) {
		return
	}
	fmt.Fprintf(batch, "addrlabel add %s\n", h.labelWords(e))
	h.labels = append(h.labels, e)
}

// learnTemporary finds out the address that the kernel made for the one that is
// marked temporary, as soon as it is assigned.
func (h *kernelHost) learnTemporary() {
	h.Helper()
	i := slices.IndexFunc(h.addresses, func(a srcselect.Address) bool { return a.Temporary })
	if i < 0 {
		return
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if addr := h.temporaryAddress(); addr.IsValid() {
			h.addresses[i].Prefix = netip.PrefixFrom(addr, 64)
			return
		}
	}
	h.Fatal("the kernel made no temporary address")
}

// temporaryAddress returns the address that the kernel lists as temporary, and not as
// tentative.
func (h *kernelHost) temporaryAddress() netip.Addr {
	h.Helper()
	answer, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_INET6)
	if err != nil {
		h.Fatal(err)
	}
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		h.Fatal(err)
	}
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWADDR || m.Data[2]&(syscall.IFA_F_TEMPORARY|syscall.IFA_F_TENTATIVE) != syscall.IFA_F_TEMPORARY {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			h.Fatal(err)
		}
		for _, a := range attributes {
			if addr, ok := netip.AddrFromSlice(a.Value); ok && a.Attr.Type == syscall.IFA_ADDRESS {
				return addr
			}
		}
	}
	return netip.Addr{}
}

// selector returns a Selector that is set up as the kernel is, but for a mistake.
func (h *kernelHost) selector(m kernelMistake) *srcselect.Selector {
	h.Helper()
	cfg := srcselect.Linux()
	cfg.PreferPublic = !h.temporaryPreferred
	policy, err := srcselect.NewPolicy(append(cfg.Policy.Rows(), h.labels...))
	if err != nil {
		h.Fatal(err)
	}
	cfg.Policy = policy
	if m.configure != nil {
		m.configure(&cfg)
	}
	addresses := h.listed()
	if m.change != nil {
		for i := range addresses {
			m.change(&addresses[i])
		}
	}
	s := srcselect.NewSelector(cfg)
	if err := s.Add(addresses...); err != nil {
		h.Fatal(err)
	}
	return s
}

// listed returns the addresses in the reverse of the order in which the kernel lists
// them, as Linux wants them: the first device's last, on each device the oldest IPv4
// address last and the newest IPv6 address last. It has ::1 but not 127.0.0.1, which
// never leaves the host.
func (h *kernelHost) listed() []srcselect.Address {
	var reversed []srcselect.Address
	for _, d := range slices.Backward(h.devs) {
		for _, a := range slices.Backward(h.addresses) {
			if a.Interface == d.index && a.Prefix.Addr().Is4() {
				reversed = append(reversed, a)
			}
		}
		for _, a := range h.addresses {
			if a.Interface == d.index && a.Prefix.Addr().Is6() {
				reversed = append(reversed, a)
			}
		}
	}
	return append(reversed, srcselect.Address{Prefix: netip.MustParsePrefix("::1/128"), Interface: 1})
}
