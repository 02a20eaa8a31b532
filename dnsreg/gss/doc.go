// Package gss signs dynamic updates as Active Directory and Kerberos realms want it: with the host's own Kerberos
// credentials, and no key shared by hand.
//
// A [Provider] is a dnsreg.Auth for GSS-TSIG (RFC 3645). For each name server it gets a Kerberos ticket (RFC 4120),
// sets up a security context in TKEY messages (RFC 2930), and signs with the context's MIC tokens (RFC 4121).
// Only programs that import this package link the Kerberos code, gokrb5.
//
// # Credentials
//
// A keytab, a password, or the ticket that kinit left in a ccache file: see [Config]. All are looked at anew for
// every login, so a rotated keytab and a renewed ticket are picked up. The krb5.conf is read once, by [New].
// Logins are not cached: a new key takes one AS and one TGS exchange, then one TKEY exchange, and serves until five
// minutes before the ticket ends or the server forgets the key, whichever comes first (at BIND that is an hour).
// Callers at the same time share one negotiation. When a server refuses a key, [Provider.Reject] makes the next
// caller get another; a Registrar does that by itself.
//
// # The server's name
//
// A ticket is for a name, DNS/ns1.example.test, while servers are mostly known by address. The name comes from
// [Config].Target; or else from the MNAME of the zone's SOA record, if the caller of [Provider.KeyFor] knows it; or
// else from the server's host:port. A Registrar whose servers are addresses looks its zones up unsigned, and signs
// everything from there on. The SOA record is not authenticated then, so without Target whoever forges it and holds
// some principal DNS/... of the realm can pass for the server, as with every client of RFC 3645.
//
// # Trust
//
// The server proves that it could read the ticket (mutual authentication), the last TKEY reply has to be signed by
// the new context, and each signature counts once in either direction. Every context has a key of its own, and no
// two authenticators have the same time, however often the clock is asked. Only AES is used, to the KDC and to the
// server: not DES, not RC4. Tickets are never forwarded. Passwords and keys appear in no error, log or String.
//
// # Errors
//
// An [*Error] says at which step there was no key, with the Kerberos or TKEY code, and dnsreg.ClassOf says what
// that means: a wrong password, keytab or principal is Permanent, differing clocks are ClockSkew with the skew, a
// KDC that is away is Transient. KRB_ERROR messages and TKEY refusals are not authenticated: they are hints.
//
// # Active Directory
//
// Not tested against it; what follows is from its documentation and from other clients' reports.
//
//   - It wants SPNEGO, the default here. Zones with secure-only updates take nothing else; zones open to all may
//     refuse signed updates only if the signer lacks the right. Windows hosts try unsigned first, then signed after
//     REFUSED: a Registrar with an Auth always signs.
//   - The principal is that of the domain controller that the SOA record names, which differs from one to the next:
//     each answers with its own name.
//   - Realms are upper case, and Kerberos compares case: EXAMPLE.TEST, not example.test. A host logs in as its
//     account, H1$, not as host/h1.example.test.
//   - Clocks may differ by five minutes either way.
//   - An authenticator sent twice is refused as a replay, and so is a signature: nothing signed here is sent again as
//     it was, not even to the next KDC, and updates go over TCP.
//   - The last TKEY reply is signed without a request's MAC and without its length ([MS-GSSA] section 3.1.5.1). That
//     is how BIND does it too, and how it is checked here.
//   - Keys are forgotten by servers after a while, answered by BADKEY.
//
// # What is missing
//
// ccaches other than files (KEYRING:, KCM:, DIR:), include lines in krb5.conf, PKINIT, FAST, encryption types other
// than AES, UDP to KDCs (all speak TCP), renewal of a ccache's ticket (kinit -R does that), deletion of keys at the
// server. gokrb5's own client is not used, for it knows no context, no Dial and no clock but the host's: the KDC
// exchanges here are this package's, over gokrb5's messages and cryptography.
//
// [MS-GSSA]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-gssa/
package gss
