//go:build unix

package dnspeer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// powerDNSSchema is where the package pdns-backend-sqlite3 has it.
const powerDNSSchema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

// allow-dnsupdate-from left at its default opens every zone that names no key to anybody on loopback.
const powerDNSConf = `local-address=%s
local-port=%s
socket-dir=.
launch=gsqlite3
gsqlite3-database=pdns.sqlite
gsqlite3-dnssec=no
dnsupdate=yes
allow-dnsupdate-from=
allow-axfr-ips=127.0.0.0/8
guardian=no
daemon=no
disable-syslog=yes
secondary=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
%s`

func setupPowerDNS(dir string, cfg Config, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	conf := fmt.Sprintf(powerDNSConf, host, port, cfg.Options)
	if err := os.WriteFile(filepath.Join(dir, "pdns.conf"), []byte(conf), 0o600); err != nil {
		return err
	}
	if err := writeZones(dir, cfg.Zones); err != nil {
		return err
	}
	// Of an attempt at a port that was taken. Write-ahead logs, which are named after it, too.
	stale, err := filepath.Glob(filepath.Join(dir, "pdns.sqlite*"))
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	schema, err := os.ReadFile(powerDNSSchema)
	if err != nil {
		return err
	}
	if err := run(dir, string(schema), "sqlite3", "pdns.sqlite"); err != nil {
		return err
	}
	load := []string{"--config-dir=.", "load-zone"}
	for _, z := range cfg.Zones {
		if z.Primary == "" {
			load = append(load, z.Name, z.Name+".zone")
		}
	}
	if len(load) > 2 {
		if err := run(dir, "", "pdnsutil", load...); err != nil {
			return err
		}
	}
	return run(dir, powerDNSRights(cfg), "sqlite3", "pdns.sqlite")
}

// powerDNSRights is what pdnsutil's import-tsig-key and set-meta would write, which take a process each.
func powerDNSRights(cfg Config) string {
	var b strings.Builder
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	for _, k := range cfg.Keys {
		fmt.Fprintf(&b, "INSERT INTO tsigkeys (name, algorithm, secret) VALUES (%s, %s, %s);\n", q(k.Name), q(k.algorithm()), q(k.secret()))
	}
	for _, z := range cfg.Zones {
		if z.Primary != "" {
			fmt.Fprintf(&b, "INSERT INTO domains (name, master, type) VALUES (%s, %s, 'SLAVE');\n", q(z.Name), q(z.Primary))
		}
		if z.Locked {
			continue
		}
		meta := func(kind, content string) {
			fmt.Fprintf(&b, "INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, %s, %s FROM domains WHERE name = %s;\n", q(kind), q(content), q(z.Name))
		}
		for _, k := range cfg.Keys {
			meta("TSIG-ALLOW-DNSUPDATE", k.Name)
		}
		meta("ALLOW-DNSUPDATE-FROM", "127.0.0.0/8")
	}
	return b.String()
}

// run runs a program to its end.
func run(dir, input, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
