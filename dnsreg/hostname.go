package dnsreg

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// HostName is a name of the host.
type HostName struct {
	// Name is fully qualified; what Config.Name says of itself goes for it too.
	Name string
	// Policy narrows the addresses of this name, beyond Config.Policy. Zero: no further.
	Policy Policy
	// NoPTR keeps PTR records from pointing to this name. False: the PTR record of an address points to
	// it if no name before it takes the address.
	NoPTR bool
}

// expandNames replaces Names by every name of the host, canonical, in order: that of Config.Name, those of
// Config.Names, those that Config.Suffixes make. It returns every error it finds.
func (cfg *Config) expandNames() (errs []error) {
	var all []HostName
	taken := make(map[string]bool)
	add := func(h HostName, policy string) {
		name, err := canonicalName(h.Name, cfg.Underscore)
		switch {
		case err != nil:
			errs = append(errs, err)
		case taken[name]:
			errs = append(errs, &NameError{Name: h.Name, Rule: "given twice: one entry, with one policy, has to say it all"})
		}
		errs = append(errs, h.Policy.check(policy)...)
		taken[name] = true
		h.Name = name
		all = append(all, h)
	}
	given := cfg.Name
	if given != "" || len(cfg.Names) == 0 {
		add(HostName{Name: given}, "")
	}
	for i, h := range cfg.Names {
		add(h, fmt.Sprintf("Config.Names[%d].Policy", i))
	}
	own := all[0].Name
	if len(errs) == 0 { // else their first label is none
		suffixed, bad := cfg.suffixNames(given, own)
		errs = append(errs, bad...)
		for _, h := range suffixed {
			add(h, "")
		}
	}
	cfg.Name, cfg.Names = own, all
	return errs
}

// suffixNames returns a name for each of Config.Suffixes but own, with the interfaces that have it.
func (cfg *Config) suffixNames(given, own string) (names []HostName, errs []error) {
	if len(cfg.Suffixes) > 0 && given == "" {
		return nil, []error{fmt.Errorf("dnsreg: Config.Suffixes: Config.Name is empty and has no first label to put before them")}
	}
	first, _, _ := strings.Cut(own, ".")
	for _, index := range slices.Sorted(maps.Keys(cfg.Suffixes)) {
		suffix := cfg.Suffixes[index]
		name, err := canonicalName(first+"."+suffix, cfg.Underscore)
		switch {
		case index < 1:
			errs = append(errs, fmt.Errorf("dnsreg: Config.Suffixes: %d is no interface index: they begin at 1", index))
		case err != nil:
			errs = append(errs, fmt.Errorf("dnsreg: Config.Suffixes: suffix %q of interface %d: %w", suffix, index, err))
		case name == own: // which takes the addresses of all interfaces
		default:
			i := slices.IndexFunc(names, func(h HostName) bool { return h.Name == name })
			if i < 0 {
				i = len(names)
				names = append(names, HostName{Name: name})
			}
			names[i].Policy.Interfaces = append(names[i].Policy.Interfaces, index)
		}
	}
	return names, errs
}
