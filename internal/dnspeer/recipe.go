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

// recipe is how one product is configured and started.
type recipe struct {
	tools []string                                           // programs that have to be installed
	files []string                                           // and other files
	setup func(dir string, cfg Config, address string) error // writes configuration and data
	argv  func(dir string) []string                          // run in dir
	up    string                                             // in the line of the log that says that it serves
	taken string                                             // in the line that says that its port is another's, lower case
}

var recipes = map[Kind]recipe{
	BIND: {
		tools: []string{"named"},
		setup: setupBIND,
		argv: func(dir string) []string {
			return []string{filepath.Join(dir, "named"), "-g", "-n", "1", "-c", "named.conf"}
		},
		up:    " running\n",
		taken: "address in use", // and it runs on without the port
	},
	Knot: {
		tools: []string{"knotd"},
		setup: setupKnot,
		argv:  func(string) []string { return []string{"knotd", "-c", "knot.conf"} },
		up:    "server started",
		taken: "address already in use",
	},
	PowerDNS: {
		tools: []string{"pdns_server", "pdnsutil", "sqlite3"},
		files: []string{powerDNSSchema},
		setup: setupPowerDNS,
		argv:  func(string) []string { return []string{"pdns_server", "--config-dir=."} },
		up:    "ready to distribute questions",
		taken: "address already in use",
	},
}

func setupBIND(dir string, cfg Config, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, k := range cfg.Keys {
		fmt.Fprintf(&b, "key %q { algorithm %s; secret %q; };\n", k.Name, k.algorithm(), k.secret())
	}
	recursion := map[bool]string{true: "yes", false: "no"}[cfg.Recursive]
	fmt.Fprintf(&b, `options { directory %q; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
  listen-on port %s { %s; }; listen-on-v6 { none; };
  recursion %s; dnssec-validation no; notify no; empty-zones-enable %s; allow-transfer { 127.0.0.0/8; };
%s};
controls { };
`, dir, port, host, recursion, recursion, cfg.Options)
	for _, z := range cfg.Zones {
		fmt.Fprintf(&b, "zone %q { %s };\n", z.Name, bindZone(z, cfg.Keys))
	}
	if err := os.WriteFile(filepath.Join(dir, "named.conf"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	if err := writeZones(dir, cfg.Zones); err != nil {
		return err
	}
	return copyProgram(dir, "named")
}

func bindZone(z Zone, keys []Key) string {
	update := ""
	switch {
	case z.Primary != "":
		host, port, _ := strings.Cut(z.Primary, ":")
		return fmt.Sprintf(`type secondary; file "%s.zone"; primaries { %s port %s; };`, z.Name, host, port)
	case z.Locked:
	case z.Policy != "":
		update = fmt.Sprintf("update-policy { %s };", z.Policy)
	case len(keys) > 0:
		update = "allow-update {"
		for _, k := range keys {
			update += fmt.Sprintf(" key %q;", k.Name)
		}
		update += " };"
	}
	return fmt.Sprintf(`type primary; file "%s.zone"; %s`, z.Name, update)
}

// copyProgram puts a copy of a program into dir. AppArmor knows named by its path, and on Debian and Ubuntu
// lets it read no configuration but its own.
func copyProgram(dir, name string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), program, 0o700)
}

func setupKnot(dir string, cfg Config, address string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "server:\n    rundir: \".\"\n    listen: %s\n%s", strings.Replace(address, ":", "@", 1), cfg.Options)
	b.WriteString("database:\n    storage: \"db\"\nkey:\n")
	for _, k := range cfg.Keys {
		fmt.Fprintf(&b, "  - id: %s\n    algorithm: %s\n    secret: %s\n", k.Name, k.algorithm(), k.secret())
	}
	b.WriteString("remote:\n")
	for _, z := range cfg.Zones {
		if z.Primary != "" {
			fmt.Fprintf(&b, "  - id: primary.%s\n    address: %s\n", z.Name, strings.Replace(z.Primary, ":", "@", 1))
		}
	}
	b.WriteString("acl:\n  - id: transfer\n    address: 127.0.0.0/8\n    action: transfer\n")
	var names []string
	for _, k := range cfg.Keys {
		names = append(names, k.Name)
	}
	if len(names) > 0 { // Knot answers BADKEY to a signed query in a zone where the key has no right
		fmt.Fprintf(&b, "  - id: update\n    key: [%[1]s]\n    action: update\n  - id: read\n    key: [%[1]s]\n    action: query\n", strings.Join(names, ", "))
	}
	b.WriteString("template:\n  - id: default\n    storage: \".\"\n    file: \"%s.zone\"\n    zonefile-sync: -1\n" +
		"    zonefile-load: whole\n    journal-content: changes\nzone:\n")
	for _, z := range cfg.Zones {
		acl := "transfer"
		if len(cfg.Keys) > 0 && !z.Unread {
			acl += ", read"
		}
		if len(cfg.Keys) > 0 && !z.Locked {
			acl += ", update"
		}
		fmt.Fprintf(&b, "  - domain: %s\n    acl: [%s]\n", z.Name, acl)
		if z.Primary != "" {
			fmt.Fprintf(&b, "    master: primary.%s\n", z.Name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "knot.conf"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	if err := writeZones(dir, cfg.Zones); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(dir, "db"), 0o700)
}
