// Package dnsregtest is an authoritative DNS server for tests and demonstrations: it lives in memory,
// takes dynamic updates as RFC 2136 says, and misbehaves on demand.
//
// A [Server] runs on whatever net.PacketConn and net.Listener it is given, so it works on loopback, on
// in-memory pipes and inside a userspace network stack. It checks prerequisites (RFC 2136 section 3.2),
// scans the whole update before touching the zone (section 3.4.1), changes all or nothing, and raises the
// serial only when a record changed. With [Config].Keys it takes only signed updates and signs its
// replies (RFC 8945), the errors BADKEY, BADSIG and BADTIME included.
//
// [Config].Fault sees every request and may have it dropped, delayed, truncated, refused, or answered by
// a forger first. [Server.Zone] is the zone transfer for tests.
//
// It is no DNS product: no master files beyond single lines, no DNSSEC, no zone transfer on the wire,
// no wildcards, nothing on disk.
package dnsregtest
