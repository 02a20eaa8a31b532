package srcselect

import (
	"net/netip"
	"testing"
)

func TestScopeOf(t *testing.T) {
	for text, want := range map[string]Scope{
		"fe80::1":               ScopeLinkLocal,
		"fe80::1%eth0":          ScopeLinkLocal,
		"febf:ffff::1":          ScopeLinkLocal,
		"::1":                   ScopeLinkLocal,
		"fec0::1":               ScopeSiteLocal,
		"feff::1":               ScopeSiteLocal,
		"fe7f::1":               ScopeGlobal,
		"fd00::1":               ScopeGlobal,
		"fc00::1":               ScopeGlobal,
		"2001:db8::1":           ScopeGlobal,
		"2002:c633:6401::1":     ScopeGlobal,
		"2001::1":               ScopeGlobal,
		"64:ff9b::192.0.2.1":    ScopeGlobal,
		"::192.0.2.1":           ScopeGlobal,
		"::ffff:192.0.2.1":      ScopeGlobal,
		"::ffff:169.254.1.1":    ScopeLinkLocal,
		"ff00::1":               0,
		"ff01::1":               ScopeInterfaceLocal,
		"ff02::1":               ScopeLinkLocal,
		"ff03::1":               3,
		"ff04::1":               ScopeAdminLocal,
		"ff05::1":               ScopeSiteLocal,
		"ff08::1":               ScopeOrganizationLocal,
		"ff3e:40:2001:db8::1:1": ScopeGlobal,
		"ff0f::1":               0xf,
		"192.0.2.1":             ScopeGlobal,
		"10.0.0.1":              ScopeGlobal,
		"100.64.0.1":            ScopeGlobal,
		"172.16.0.1":            ScopeGlobal,
		"169.254.255.1":         ScopeLinkLocal,
		"169.253.255.1":         ScopeGlobal,
		"127.255.0.1":           ScopeLinkLocal,
		"224.0.0.1":             ScopeGlobal,
		"255.255.255.255":       ScopeGlobal,
	} {
		if got := ScopeOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("ScopeOf(%s) = %v, want %v", text, got, want)
		}
	}
	if got := ScopeOf(netip.Addr{}); got != 0 {
		t.Errorf("ScopeOf of the zero Addr = %v", got)
	}
}

func TestScopeString(t *testing.T) {
	names := make(map[string]bool)
	for s := range Scope(16) {
		if names[s.String()] {
			t.Errorf("two scopes are called %v", s)
		}
		names[s.String()] = true
	}
	for _, want := range []string{"link-local", "site-local", "global", "scope 0x3"} {
		if !names[want] {
			t.Errorf("no scope is called %q", want)
		}
	}
}
