// Package dnsreg keeps a host's DNS records to the addresses the host may speak from, and touches no
// other record.
//
// An address flagged skip-as-source, or tentative, deprecated, temporary, link-local and so on, is never
// registered: [Eligible] gives the reason for each. The rest becomes A, AAAA and PTR records through
// dynamic updates (RFC 2136), signed with TSIG (RFC 8945).
//
// # What a Registrar does
//
// [Registrar.Sync] makes one pass; [Registrar.Run] makes one at the start, whenever the [Source] says that
// its addresses changed, and every [Config].Refresh. A pass finds the zone of each name by its SOA record
// (and remembers it until an attempt there fails), sends one message per zone, and none to a zone in which
// nothing has to change, except for a refresh: that is a message with prerequisites only, which leaves the
// zone's serial alone.
//
//   - Compare and swap. Every message carries prerequisites on exactly what the Registrar last read or
//     wrote (RFC 2136 section 2.4). If someone else was there first, nothing happens, and the Registrar
//     reads and plans again. A replayed recording is refused for the same reason. What this can't stop: a
//     replay within the signature's fudge, five minutes, once all A and AAAA records of the name, or the
//     PTR records of an address, are back to exactly what they were before the recorded message.
//   - Own records only. Deletes name single records. Own are the records that this Registrar has written;
//     those at its name whose address the host has, in whatever state, since an earlier run may have left
//     them; those that [Config].Adopt claims; and the PTR records of these addresses that point to its
//     name. Everything else stays, but an RRset has one TTL (RFC 2181 section 5.2): at most servers a
//     foreign record beside one of ours takes over its TTL.
//   - Forward first. PTR records follow once the A and AAAA records are right. A missing reverse zone is
//     logged and shown in [Status]; a failing one is retried on its own schedule. Neither holds up A and
//     AAAA.
//   - Timeout means unknown. After a lost reply the Registrar reads the records back before it decides
//     what to send.
//
// # Trust
//
// Ids come from crypto/rand and every exchange has a socket of its own. A reply counts when id, opcode,
// question and, with [Config].Auth, signature and time are right (RFC 8945 section 5.4); until one comes
// the Registrar goes on listening. TSIG takes hmac-sha224, -sha256, -sha384 and -sha512; hmac-sha1 has to
// be asked for by [TSIGSHA1], and hmac-md5 is refused. Names are checked for letters, digits and hyphens before anything is sent, and
// records are never built from text.
//
// # Errors
//
// A server's refusal is a [*ServerError], a missing answer a [*NoReplyError]; [ClassOf] says what either
// means for the next attempt. [Registrar.Run] doubles its waiting time from a second to ten minutes, with
// full jitter, for each zone on its own.
//
// Not supported yet: GSS-TSIG, ownership records (TXT or DHCID), several names, a state file, splitting a
// zone's change over several messages.
package dnsreg
