// Package stack is a whole IPv6 and IPv4 host inside a Go program: interfaces, addresses, routes, TCP,
// UDP and raw sockets, on any operating system, without privileges, and with a say in which address it
// speaks from that kernels do not give.
//
// The TCP/IP underneath is gVisor's. What a host decides is hextet's: source addresses are chosen by
// package srcselect (RFC 6724) for every packet that names none, and the checksum of a raw ICMPv6 message
// is computed after that choice, by package icmp6 (RFC 3542 section 3.1), whatever the program wrote there.
//
// # A host
//
// [New] makes a host, [Stack.Attach] connects it to a [Link]: one end of a [Pipe], a TUN device (package
// tun), a tap around either (package capture), or anything with those five methods.
// [Interface.AddAddress] and [Stack.AddRoute] configure it. [Stack.Close] ends everything, and leaves no
// goroutine.
//
// Sockets come in the standard library's shapes: [Stack.DialContext], [Dialer], [Stack.Listen] and
// [Stack.ListenPacket] return net.Conn, net.Listener and net.PacketConn, so an http.Transport takes
// DialContext and an http.Server the Listener. [Stack.ListenRaw] returns a [RawConn] with the methods of
// golang.org/x/net/ipv6's PacketConn.
//
// # Who speaks
//
// An address flagged SkipAsSource is never chosen, for any protocol of either family, nor for the host's
// own ICMP errors and neighbour probes. The flag governs choosing, not answering: such an address
// receives, answers echo requests and connections, and keeps the connections that it has. It may be chosen
// explicitly: by a bind, Dialer.LocalAddr, a control message, or a [Route]'s Source.
// [Interface.SetSkipAsSource] takes effect with the next choice and touches nothing else.
//
// Candidates are the addresses of the outgoing interface (the strong host model of RFC 1122 section
// 3.3.4.2, and what RFC 6724 section 4 recommends). If all of them are flagged there is no source, unless
// Config.Select.LastResort is set: sends fail with an error that is both syscall.EADDRNOTAVAIL and
// srcselect.ErrNoSource and says so by name. [Stack.Explain] tells for any destination which source would
// be taken over which route, and why.
//
// Traffic to one of the host's own addresses stays inside and carries that address on both ends.
//
// # The life of an address
//
// An address that the program adds, or that SLAAC forms, is tentative until duplicate address detection
// has ended, then assigned, deprecated when its preferred lifetime ends, and gone when its valid lifetime
// does. With InterfaceConfig.OptimisticDAD those that SLAAC forms are optimistic instead of tentative, and
// used meanwhile (RFC 4429). InterfaceConfig.SLAAC makes an interface a host of its routers (RFC 4861,
// 4862, 4191, 8106), with stable opaque identifiers (RFC 7217) and temporary addresses (RFC 8981) by
// choice; InterfaceConfig.OnAutoAddress gives automatic addresses their flags before they can be chosen.
// Which router advertised which prefix is remembered, so a packet leaves from the prefix of the router that
// it goes to (RFC 6724 section 5, rule 5.5).
//
// [Stack.Watch] tells what there is and what becomes of it. What is learnt from routers is bounded: 64
// routes, 32 prefixes, 16 DNS servers and 16 search domains on an interface; [Interface.Counters] counts
// what was ignored. A router that no longer answers gives way to another for what is connected afterwards
// (RFC 4861 section 6.3.6).
//
// # This host only
//
// 127.0.0.1, ::1 and the name localhost work without any interface, and for this stack only.
//
// # Routers
//
// A stack forwards between the interfaces whose InterfaceConfig.Forward says so, by [Stack.Routes]: the
// longest Destination, then the lowest Metric. Packets in transit need no address that may speak; the
// router's own ICMP errors do. It forwards no multicast, sends no Redirect and no Router Advertisement,
// fills in no IPv4 options, and drops source-routed packets.
//
// # Looking inside
//
// [Stack.Neighbors], [Stack.Routes], [Stack.Sockets] and [Stack.Counters] show what ip neigh, ip route, ss
// and netstat -s do, as values and as text. [Interface.Counters] count at the link.
//
// # Bounds
//
// What others can make a stack keep is bounded: 4 MiB of fragments of each family, and 512 KiB more for
// raw sockets, for a minute at most; 512 neighbours of each family and interface, with 256 packets waiting
// for each of 64; for a listener 4096 connections that wait for Accept or for their last segment, after
// which SYN cookies keep no state; a socket's receive buffer. Whatever is dropped is counted.
//
// # Errors
//
// Sockets return a *net.OpError around an errno, net.ErrClosed, os.ErrDeadlineExceeded, io.EOF or a
// context's error; errors.Is finds each. What a router or the destination says about a packet comes as the
// error of the next call on the socket that sent it: errors.As finds the [ICMPError]. Configuration errors
// name the input and the rule it breaks, and leave nothing half-applied.
//
// # Time
//
// Everything runs on Config.Clock: duplicate address detection, lifetimes, neighbour discovery, TCP, and
// the deadlines of conns, which therefore are times of that clock. Contexts keep real
// time, and so does net.Resolver, whose queries end on that clock too. With Config.NoTCP a stack works in a testing/synctest bubble; with TCP it does not, since gVisor
// parks goroutines there in a way that synctest does not count as idle.
//
// # Concurrency
//
// All methods of all types may be called from several goroutines at once. Links queue: no stack waits for
// another.
package stack
