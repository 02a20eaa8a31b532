//go:build unix

package dnsreg

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// cells say what comes of a case, by column. Those left out at the end say what BIND's says.
type cells []string

// matrixCase is one thing that may happen, and what comes of it at each server.
type matrixCase struct {
	title string
	drive func(t *testing.T, s subject) string
	cells cells
}

const matrixIntro = `# What name servers say, and what dnsreg makes of it

TestMatrix sees to each cell, at BIND 9.18.49, Knot DNS 3.2.6, PowerDNS 4.7.3 with its SQLite backend, and
dnsregtest. After the colon stands the class of the error, as dnsreg.ClassOf gives it. Requests are signed unless
the case says otherwise, and so are replies unless the cell says "unsigned". An unsigned reply may be anybody's:
dnsreg goes on listening for a better one, and if none comes reports a NoReplyError that names it as a hint.

`

const matrixOutro = `
What dnsreg does about it:

- Names are checked before anything is sent: what one server refuses another one takes, wildcards included.
- An update requires that there is no CNAME at the name: the record would be ignored, with NOERROR.
- A wildcard answers for a name that owns nothing, and prerequisites don't see it, at any of them: when reading again
  explains no NXRRSET, the server is asked whether the name is in use.
- A new TTL is a delete and an add in one message: Knot keeps the old one after an add alone.
- A message over 512 octets goes over TCP: PowerDNS does not hear longer datagrams.
- 64 addresses of a family at most, unless told otherwise: BIND refuses more than 100 records of a type with
  SERVFAIL, as if it might pass.
- Knot knows a right to query. A key that updates a zone may also read it; in other zones that it has to ask about,
  as the parent of a delegation by RFC 2317 is, it needs "action: query".
- A refresh is prerequisites only: no serial moves.
`

// What cells say more than once.
const (
	badKey      = "NOTAUTH BADKEY, unsigned: permanent"
	badSig      = "NOTAUTH BADSIG, unsigned: permanent"
	badTime     = "NOTAUTH BADTIME: clock skew, its size known"
	refused     = "REFUSED: rediscover"
	refusedHint = "REFUSED, unsigned: rediscover"
	notAuth     = "NOTAUTH: rediscover"
	notAuthHint = "NOTAUTH, unsigned: rediscover"
	formErrHint = "FORMERR, unsigned: permanent"
	silence     = "silence: transient"
	hidden      = "NOERROR, not to be seen"
	isAdded     = "NOERROR, added"
	changed     = "NOERROR, changed"
	forwarded   = "NOERROR, forwarded"
	all101      = "NOERROR, 101 added"
)

var matrix = []matrixCase{
	{"update with an unknown key", withKey("other.", "", secret, addOne), cells{badKey, badKey, refusedHint}},
	{"query with an unknown key", withKey("other.", "", secret, soaQuery), cells{badKey, badKey, notAuthHint}},
	{"update with a wrong secret", withKey(keyName, "", []byte("wrong"), addOne), cells{badSig, badSig, refusedHint}},
	{"query with a wrong secret", withKey(keyName, "", []byte("wrong"), soaQuery), cells{badSig, badSig, notAuthHint}},
	{"update with another algorithm than the key's", withKey(keyName, "hmac-sha512", secret, addOne), cells{badKey, badKey, refusedHint}},
	{"update by a clock 400 s slow", withSkew(-400*time.Second, addOne), cells{badTime, badTime, refusedHint}},
	{"update by a clock an hour fast", withSkew(time.Hour, addOne), cells{badTime, badTime, refusedHint}},
	{"query by a clock an hour fast", withSkew(time.Hour, soaQuery), cells{badTime, badTime, notAuthHint}},
	{"unsigned update", unsignedUpdate, cells{refused, notAuth}},
	{"update with two TSIG records", twoSignatures, cells{formErrHint, formErrHint, silence}},
	{"update of a zone not served", exchanged(updateOf("example.com.", recordA("new.example.com.", 60, "192.0.2.1"))), cells{notAuth, notAuthHint, refused}},
	{"query for a name in no zone served", exchanged(question("host.example.com.")), cells{refused, refusedHint}},
	{"update of a zone without the right to", exchanged(updateOf("locked.test.", recordA("new.locked.test.", 60, "192.0.2.1"))), cells{refused, badKey}},
	{"query in such a zone", exchanged(question("locked.test.")), cells{"NOERROR"}},
	{"query in a zone without the right to", exchanged(question("unread.test.")), cells{untried, badKey, untried, untried}},
	{"record outside the zone", exchanged(updateOf("example.test.", recordA("new.example.com.", 60, "192.0.2.1"))), cells{"NOTZONE: rediscover"}},
	{"zone section that is not SOA", exchanged(wrongZoneSection), cells{"FORMERR: permanent", formErrHint}},
	{"prerequisite: RRset should exist", exchanged(prerequisite(&dns.ANY{Hdr: header("none.example.test.", dns.TypeA, dns.ClassANY)})), cells{"NXRRSET: transient"}},
	{"prerequisite: RRset should not", exchanged(prerequisite(&dns.ANY{Hdr: header("ns1.example.test.", dns.TypeA, dns.ClassNONE)})), cells{"YXRRSET: transient"}},
	{"prerequisite: name should exist", exchanged(prerequisite(&dns.ANY{Hdr: header("none.example.test.", dns.TypeANY, dns.ClassANY)})), cells{"NXDOMAIN: transient"}},
	{"prerequisite: name should not", exchanged(prerequisite(&dns.ANY{Hdr: header("ns1.example.test.", dns.TypeANY, dns.ClassNONE)})), cells{"YXDOMAIN: transient"}},
	{"A beside a CNAME", takesA("alias.example.test."), cells{hidden, hidden, refused}},
	{"A at _x", takesA("_x.example.test."), cells{refused, isAdded, isAdded}},
	{"A at a name with a blank", takesA(`a\032b.example.test.`), cells{refused, isAdded, isAdded}},
	{"A at a name with an octet above 127", takesA(`\233.example.test.`), cells{refused, isAdded, "NOERROR, then SERVFAIL"}},
	{"A at -x", takesA("-x.example.test."), cells{refused, isAdded, isAdded}},
	{"A at a wildcard", takesA("*.wild.example.test."), cells{isAdded}},
	{"A below a zone cut", takesA("host.cut.example.test."), cells{hidden}},
	{"same A with another TTL", anotherTTL, cells{changed, "NOERROR, kept"}},
	{"delete and add of the same A with another TTL", anotherTTLByDelete, cells{changed}},
	{"serial after an add of what is there", serialAfter(recordA("ns1.example.test.", 300, "127.0.0.1")), cells{"+0"}},
	{"serial after a delete and add of the same", serialAfter(exactA("ns1.example.test.", "127.0.0.1"), recordA("ns1.example.test.", 300, "127.0.0.1")), cells{"+0", "+0", "+1"}},
	{"serial after prerequisites only", serialAfter(), cells{"+0"}},
	{"UDP, 1.4 KB", datagram(1400), cells{"NOERROR", "NOERROR", silence}},
	{"UDP, 56 KB", datagram(56_000), cells{"NOERROR", "NOERROR", silence}},
	{"101 A at a name", manyRecords, cells{"SERVFAIL: transient, 0 added", all101, all101}},
	{"update to a secondary", toSecondary, cells{refused, forwarded, forwarded, untried}},
	{"killed after the acknowledgement", crashKept, cells{"kept", "kept", "kept", untried}},
}
