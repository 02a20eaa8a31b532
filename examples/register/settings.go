package main

import (
	"flag"
	"net/netip"
	"time"
)

// settings are what a line of the configuration file, or the flag of the same name, says.
type settings struct {
	name               string
	servers, resolvers []string // host:port
	key                string   // file
	ttl, refresh       time.Duration
	timeout            time.Duration
	max                int
	skip, adopt        []netip.Prefix
	interfaces, except []string // patterns of names
	ptr, tcp           bool
	deregisterOnExit   bool
	poll               time.Duration

	device    string // TUN; empty: the host's addresses
	addresses []netip.Prefix
	gateways  []netip.Addr
}

// defaults are the settings that hold if nobody says otherwise.
func defaults() *settings {
	return &settings{
		ttl: 20 * time.Minute, refresh: 24 * time.Hour, timeout: 5 * time.Second, max: 64, ptr: true, poll: 10 * time.Second,
	}
}

// A knob is one setting as the file and the command line have it.
type knob struct {
	key     string
	value   flag.Value
	example string // of a value, where there is no default
	help    string // of lines
}

// knobs are all there are, in the order of the file.
func (s *settings) knobs() []knob {
	return []knob{
		{"name", text{&s.name}, "host.example.net", "The name to register, fully qualified.\nWithout it: the host's own."},
		{"server", list[string]{&s.servers, parseServer}, "192.0.2.53", "Server to send updates to, and to ask for the zones; port 53 unless said.\nMay be repeated, in order of preference.\nWithout it: the primary that the zone's SOA record names, found by the resolvers."},
		{"resolver", list[string]{&s.resolvers, parseServer}, "192.0.2.1", "Resolver to find zones and their servers by. May be repeated.\nWithout it, and without a server: those of /etc/resolv.conf.\nWith stack they also resolve the names of servers."},
		{"key", text{&s.key}, "/etc/register.key", "File with the TSIG key that signs updates: what tsig-keygen prints, or\nalgorithm:name:secret. Without it nothing is signed."},
		{"ttl", period{at: &s.ttl}, "", "How long resolvers may keep the records."},
		{"refresh", period{&s.refresh, true}, "", "After this time the records are confirmed, without a change. never is possible."},
		{"timeout", period{at: &s.timeout}, "", "How long to wait for a server's reply, retransmissions included."},
		{"max-addresses", number{&s.max}, "", "With more addresses of one family than this, nothing is registered.\nBIND refuses more than 100."},
		{"skip", list[netip.Prefix]{&s.skip, parsePrefix}, "192.0.2.7", "Address or prefix that is skip-as-source: never registered, and with stack never\nspoken from. Linux has no such flag; where Windows has set it, it holds as well.\nMay be repeated."},
		{"interface", list[string]{&s.interfaces, parseGlob}, "eth*", "Only addresses of interfaces with such a name are registered. May be repeated.\nWithout it: all interfaces."},
		{"except", list[string]{&s.except, parseGlob}, "docker*", "No address of an interface with such a name is registered. May be repeated."},
		{"adopt", list[netip.Prefix]{&s.adopt, parsePrefix}, "192.0.2.0/24", "Records found at the name are taken for ours, and removed, if their address is\nin this prefix and no longer the host's. May be repeated. Without it: they stay."},
		{"ptr", yesNo{&s.ptr}, "", "Whether PTR records follow."},
		{"tcp", yesNo{&s.tcp}, "", "Whether everything goes over TCP. Otherwise what is too long for UDP does."},
		{"deregister-on-exit", yesNo{&s.deregisterOnExit}, "", "Whether an interruption removes the records."},
		{"poll", period{at: &s.poll}, "", "How often to look for changed addresses on systems that don't tell.\nLinux and Windows do."},
		{"stack", text{&s.device}, "tun0", "Register the addresses of a userspace stack behind this TUN device (Linux, as\nroot), and send through it. Without it: the host's own addresses."},
		{"address", list[netip.Prefix]{&s.addresses, parseOwn}, "192.0.2.7/24", "An address of that stack, with its prefix length. May be repeated."},
		{"gateway", list[netip.Addr]{&s.gateways, netip.ParseAddr}, "192.0.2.1", "A router of that stack. May be repeated. Without it everything leaves by the device."},
	}
}
