// Package dnsregtest is an authoritative DNS server for tests and demonstrations: it lives in memory,
// takes dynamic updates as RFC 2136 says, and misbehaves on demand.
//
// A [Server] runs on whatever net.PacketConn and net.Listener it is given, so it works on loopback, on
// in-memory pipes and inside a userspace network stack; it starts goroutines by [Config].Go, and waits for
// time by [Config].AfterFunc only. It scans the whole update before touching the zone (RFC 2136 section
// 3.4.1), checks prerequisites (section 3.2), changes all or nothing, and raises the serial only when a record
// changed. With [Config].Keys it takes only signed updates and signs its replies (RFC 8945 with SHA-1 and
// SHA-2), the errors BADKEY, BADSIG, BADTIME and BADTRUNC included. Zones can be read by transfer (RFC 5936),
// by queries, and by [Server.Zone].
//
// # What goes wrong on demand
//
// [Config].Fault sees every request that can be read, and says what goes wrong with it:
//
//	field      request carried out   reply
//	Drop       no                    none
//	DropReply  yes                   none
//	Rcode      no                    the rcode, signed
//	Truncate   yes                   over UDP: empty, with TC
//	Unsigned   yes                   without TSIG record
//	Skew       if the time fits      checked and signed at a time so far from Config.Now; else BADTIME
//	SkewReply  yes                   signed at a time so far from the one it was checked at
//	Forge      yes                   after messages of the test's making
//	Until      yes                   when the channel is closed
//	Delay      yes                   so much later
//	Reorder    yes                   after the next reply to any request
//	Duplicate  yes                   so many times more
//	Crash      CrashBefore: no       none, and none to anything until [Server.Restart]
//	           CrashAfter: yes       the same
//	           CrashLost: undone     the same; lost is what no reply has acknowledged
//
// A signature that is wrong comes first: its error is the reply, whatever Rcode says. [Server.Crash] kills
// the server between requests.
//
// # As BIND does it
//
// Rcode, TSIG record, zone and serial are those of BIND 9.18 for each of more than 200 requests that the tests
// send to both, and after each of 1,000 random ones in a row. Among what the RFCs leave open:
//
//   - The update section is scanned before the prerequisites are checked.
//   - A record is read by its class and type: data where none may be, and none where some must be, is
//     FORMERR without signature.
//   - An RRset has one TTL (RFC 2181 section 5.2), that of the record added last.
//   - A record that is there already, down to its TTL, changes nothing. Neither does a deletion that an
//     addition takes back.
//   - Addresses belong to host names, and NS, MX, SRV and reverse PTR records point to some: else REFUSED. A
//     wildcard is one.
//   - Names below a zone cut are taken.
//   - Queries see what a wildcard makes (RFC 4592), prerequisites see what names own.
//   - [Config].MaxRecords gives SERVFAIL, [Config].ReadOnly REFUSED.
//
// Deliberately other: octets behind the end of a message are FORMERR; a zone section of another class than IN
// is NOTAUTH, as RFC 2136 has it; and the name servers of a zone need no address, since the zones begin with
// one that has none.
//
// It is no DNS product: no master files beyond single lines, no DNSSEC, no incremental
// transfer, nothing on disk.
package dnsregtest
