//go:build unix

package dnspeer

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kind is a name server product.
type Kind string

// The servers.
const (
	BIND     Kind = "BIND"
	Knot     Kind = "Knot"
	PowerDNS Kind = "PowerDNS"
)

// Kinds are all servers.
var Kinds = []Kind{BIND, Knot, PowerDNS}

// Config says what a server serves. The zero value serves nothing.
type Config struct {
	Zones []Zone
	// Keys are the TSIG keys. Each may update every zone that does not say otherwise.
	Keys []Key
	// Address is where the server listens, as host:port with an address of 127.0.0.0/8. Empty: at 127.0.0.1,
	// at a port that is free for UDP and TCP.
	Address string
	// Options are further lines of the configuration: of BIND's options, of Knot's server section, of
	// pdns.conf. They may relate to files in the server's directory.
	Options string
	// Recursive makes BIND a resolver too, with the empty zones that resolvers serve by themselves.
	Recursive bool
	// Env is added to the environment of the server, as in "KRB5_CONFIG=/tmp/krb5.conf".
	Env []string
}

// Zone is one zone. It has an SOA record with serial 1, MNAME ns1.example.test and a TTL of 300 seconds, an
// NS record with the same name, and Records.
type Zone struct {
	Name    string   // as in "example.test", without the final dot
	Records []string // master file lines; names are relative to the zone
	SOA     string   // data of the SOA record; empty: see above
	// Locked means that nobody may update the zone.
	Locked bool
	// Unread means that no key may ask for records of the zone, at Knot, where that is a right. Unsigned
	// queries are answered.
	Unread bool
	// Policy says who may update the zone, for BIND only, as in "grant EXAMPLE.TEST krb5-self . A AAAA;".
	// Empty: whoever has one of Config.Keys.
	Policy string
	// Primary makes the zone a secondary's, transferred from that server (host:port). It then has no Records.
	Primary string
}

// Key is a TSIG key.
type Key struct {
	Name      string // without the final dot
	Algorithm string // as in "hmac-sha256", which is also what the empty string means
	Secret    []byte
}

func (k Key) algorithm() string {
	if k.Algorithm == "" {
		return "hmac-sha256"
	}
	return k.Algorithm
}

func (k Key) secret() string { return base64.StdEncoding.EncodeToString(k.Secret) }

// writeZones writes the master files of the zones that have one.
func writeZones(dir string, zones []Zone) error {
	for _, z := range zones {
		if z.Primary != "" {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "$ORIGIN %s.\n$TTL 300\n", z.Name)
		soa := cmp.Or(z.SOA, "ns1.example.test. hostmaster.example.test. 1 3600 600 86400 60")
		fmt.Fprintf(&b, "@ IN SOA %s\n@ IN NS ns1.example.test.\n", soa)
		for _, line := range z.Records {
			b.WriteString(line + "\n")
		}
		if err := os.WriteFile(filepath.Join(dir, z.Name+".zone"), []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}
