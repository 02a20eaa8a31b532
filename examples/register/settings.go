package main

import (
	"flag"
	"net/netip"
	"time"

	"github.com/hextet/hextet/dnsreg"
)

// settings are what a line of the configuration file, or the flag of the same name, says.
type settings struct {
	name               string
	also               []string
	suffixes           []suffix
	underscore         bool
	servers, resolvers []string // host:port
	key                string   // file
	ttl, refresh       time.Duration
	timeout            time.Duration
	max                int
	skip, adopt        []netip.Prefix
	ipv4, ipv6         bool
	private            bool
	prefixes, without  []netip.Prefix
	interfaces, except []string // patterns of names
	state              string   // file
	ownerTXT           string
	ownerDHCID         string // DUID in hexadecimal
	pin                dnsreg.Pin
	sha1               bool
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
		ipv4: true, ipv6: true, private: true,
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
		{"also", list[string]{&s.also, parseName}, "www.example.net", "A further name for the same addresses. PTR records point to the first that takes\nthe address. May be repeated."},
		{"suffix", list[suffix]{&s.suffixes, parseSuffix}, "eth0 lab.example.net", "The addresses of this interface are registered with this suffix too: as\nhost.lab.example.net, say. May be repeated."},
		{"underscore", yesNo{&s.underscore}, "", "Whether names may have underscores."},
		{"server", list[string]{&s.servers, parseServer}, "192.0.2.53", "Server to send updates to, and to ask for the zones; port 53 unless said.\nMay be repeated, in order of preference. With a resolver given too: only if the\nservers that it finds are silent or refuse. Without it: the primary that the zone's SOA record names, found by the resolvers."},
		{"resolver", list[string]{&s.resolvers, parseServer}, "192.0.2.1", "Resolver to find zones and their servers by. May be repeated.\nWithout it, and without a server: those of /etc/resolv.conf.\nWith stack they also resolve the names of servers."},
		{"key", text{&s.key}, "/etc/register.key", "File with the TSIG key that signs updates: what tsig-keygen prints, or\nalgorithm:name:secret. Without it nothing is signed."},
		{"sha1", yesNo{&s.sha1}, "", "Whether that key may be one for hmac-sha1, which nobody recommends any more."},
		{"pin", pin{&s.pin}, "", "Updates that are tied to the zone's serial, so that a recording of them is worth\nnothing: changes (all but first registrations), always, or never."},
		{"ttl", period{at: &s.ttl}, "", "How long resolvers may keep the records."},
		{"refresh", period{&s.refresh, true}, "", "After this time the records are confirmed, without a change. never is possible."},
		{"timeout", period{at: &s.timeout}, "", "How long to wait for a server's reply, retransmissions included."},
		{"max-addresses", number{&s.max}, "", "With more addresses of one family than this, none of them is added.\nBIND refuses more than 100."},
		{"skip", list[netip.Prefix]{&s.skip, parsePrefix}, "192.0.2.7", "Address or prefix that is skip-as-source: never registered, and with stack never\nspoken from. Linux has no such flag; where Windows has set it, it holds as well.\nMay be repeated."},
		{"ipv4", yesNo{&s.ipv4}, "", "Whether IPv4 addresses are registered."},
		{"ipv6", yesNo{&s.ipv6}, "", "Whether IPv6 addresses are registered."},
		{"private", yesNo{&s.private}, "", "Whether private addresses are registered: 10.0.0.0/8, fc00::/7 and so on."},
		{"prefix", list[netip.Prefix]{&s.prefixes, parsePrefix}, "192.0.2.0/24", "Only addresses in this prefix are registered. May be repeated.\nWithout it: wherever they are."},
		{"not-prefix", list[netip.Prefix]{&s.without, parsePrefix}, "192.0.2.128/25", "No address in this prefix is registered. May be repeated."},
		{"interface", list[string]{&s.interfaces, parseGlob}, "eth*", "Only addresses of interfaces with such a name are registered. May be repeated.\nWithout it: all interfaces."},
		{"except", list[string]{&s.except, parseGlob}, "docker*", "No address of an interface with such a name is registered. May be repeated."},
		{"state", text{&s.state}, "/var/lib/register/state", "File that keeps which records are ours, over a crash or a restart.\nWithout it: those at the name whose address the host has, and adopted ones."},
		{"owner-txt", text{&s.ownerTXT}, "host7", "Mark names as this owner's with a TXT record, heritage=hextet,owner=host7, and\nleave alone those that have somebody else's. The same in each life of the host."},
		{"owner-dhcid", duid{&s.ownerDHCID}, "00:03:00:01:02:00:00:00:00:07", "The same with the DHCID record (RFC 4701) of a DHCP client with this DUID."},
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
