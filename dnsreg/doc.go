// Package dnsreg keeps a host's DNS records to the addresses the host may speak from, and touches no
// other record.
//
// An address flagged skip-as-source, or tentative, deprecated, temporary, link-local and so on, is never
// registered: [Eligible] gives the reason for each. A [Policy] narrows the rest further, and nothing widens it.
// What remains becomes A, AAAA and PTR records through dynamic updates (RFC 2136), signed with TSIG (RFC 8945)
// or, with package gss, GSS-TSIG (RFC 3645).
//
// # What a Registrar does
//
// [Registrar.Sync] makes one pass; [Registrar.Run] makes one at the start, whenever the [Source] says that its
// addresses changed, and every [Config].Refresh. A pass finds the zone of each name by its SOA record and
// remembers it for a day, or until an attempt there fails. It sends one message per zone, and none to a zone in
// which nothing has to change, except for a refresh: that is a message with prerequisites only, which leaves the
// zone's serial alone. [Registrar.Plan] tells what would be sent.
//
//   - Compare and swap. Every message carries prerequisites on exactly what the Registrar last read or wrote
//     (RFC 2136 section 2.4). If someone else was there first, nothing happens, and the Registrar reads and plans
//     again.
//   - No replays. A change also requires the serial of the zone, so that a recording of it is refused for ever;
//     see [Pin] for the exceptions, whose signatures count for ten seconds.
//   - Own records only. Deletes name single records. Own are the records that this Registrar has written, or an
//     earlier one if a [State] tells; those at its names whose address the host has, in whatever state; those
//     that [Config].Adopt claims; with an [Owner] that has marked the name, all its addresses; and the PTR
//     records of these addresses that point to one of its names. Everything else stays as it is. Since an RRset
//     has one TTL (RFC 2181 section 5.2), records of ours take that of foreign ones beside them.
//   - Forward first. The PTR record of an address follows once the A and AAAA records of its name are right. A
//     missing reverse zone is logged and shown in [Status]; a failing one is retried on its own schedule.
//     Neither holds up A and AAAA, nor does what one zone refuses another. Zones take turns, those that have
//     failed last: one that falls silent delays the others of its direction in that pass, by [Config].Timeout for
//     each of its servers.
//   - Wildcards are no obstacle. A name for which only a wildcard answers is registered as one that is not in use,
//     by the word of the server; the wildcard stays.
//   - Timeout means unknown. After a lost reply the same change is asked for again: either nothing had happened,
//     or its prerequisites no longer hold, and the records are read back.
//   - Crashes leave nothing behind. A [State] is saved before each change and after it, so that the next run
//     knows every record that this one may have written, those of a name that the host no longer has included. A
//     State that can't be saved does not stop a change, since stale addresses do harm every day and a crash in
//     between is rare: [Status].Err tells.
//
// # Atomicity
//
// A zone's change is one message as long as that fits into the 65,535 octets of a stream, which is about 2,000
// records. Beyond, it is split: removals go first, each message is atomic, and all of them are not. The forward
// zone and the reverse zones are updated one after the other; nothing makes them change at one moment.
//
// # Zones and servers
//
// With Resolvers the zone is found through them, and its updates go to the primary that the SOA record names
// (MNAME), then to the servers of its NS records, then to Servers; with Servers alone, to the first of these that
// has the zone. A server that refuses, or is silent, is left for the next one in the same pass. CNAMEs of reverse
// names are followed (RFC 2317), ip6.arpa may be cut at any nibble, and the empty zones that resolvers and AS112
// serve (RFC 6303, RFC 7534) are recognised and left alone.
//
// # Trust
//
// Ids come from crypto/rand and every exchange has a socket of its own. A reply counts when id, opcode, question
// and, with [Config].Auth, signature and time are right (RFC 8945 section 5.4). Until one comes the Registrar goes
// on listening: past garbage to the end of Timeout, past what fails in nothing but the signature for as long as it
// would wait before sending again, a second at first, since servers reply to a wrong key that way. TSIG takes hmac-sha224, -sha256, -sha384 and -sha512; hmac-sha1 has to be asked for by [TSIGSHA1],
// and hmac-md5 is refused. Names are checked for letters, digits and hyphens before anything is sent, and records
// are never built from text.
//
// # Errors
//
// A server's refusal is a [*ServerError], a missing answer a [*NoReplyError], a name of somebody else an
// [*OwnerError], too many addresses a [*LimitError]; [ClassOf] says what each means for the next attempt.
// SERVERS.md, beside this file, has what BIND, Knot and PowerDNS answer in each case and what becomes of it.
// After a failure [Registrar.Run] waits a second at least, and at random up to two, four, eight seconds and so on
// to ten minutes, for each zone on its own.
//
// # Not supported
//
// KX, SRV and other records of a host; DNS over TLS and SIG(0); a lock against a second Registrar on one [State].
// A [State] is not kept for PTR records alone: if the address of a host and its name change while no Registrar
// runs, and the A record was deleted by somebody else, the PTR record is found only through the state of the A
// record.
// Without a [State], a process that is killed between the removal of an A record and that of the PTR record leaves
// the latter behind if the next one no longer finds the address on the host, or finds more than 64 that are not
// registered.
package dnsreg
