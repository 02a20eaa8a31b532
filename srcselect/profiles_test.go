package srcselect

import "testing"

// What sets each of the hosts apart from the RFC, and from the others. Linux is
// compared with a kernel elsewhere.
func TestProfiles(t *testing.T) {
	rfc := func() Config { return Config{} }
	profiles := []struct {
		name string
		cfg  func() Config
	}{{"RFC 6724", rfc}, {"Linux", Linux}, {"Windows", Windows}, {"FreeBSD", FreeBSD}}
	for _, c := range []struct {
		name  string
		query Query
		hosts []string
		want  [4]string
	}{
		{"another interface", to("2001:db8::9"), []string{"fe80::1", "2001:db8::2 if2"},
			[4]string{"fe80::1", "2001:db8::2", "fe80::1", "2001:db8::2"}},
		{"temporary", to("2001:db8::9"), []string{"2001:db8::1", "2001:db8::2 temporary"},
			[4]string{"2001:db8::2", "2001:db8::1", "2001:db8::2", "2001:db8::1"}},
		{"preferred", to("2001:db8:1::9"), []string{"2001:db8:1::1", "2001:db8:2::2 preferred"},
			[4]string{"2001:db8:1::1", "2001:db8:1::1", "2001:db8:1::1", "2001:db8:2::2"}},
		{"tie", to("2001:db8:1::9"), []string{"2001:db8:2::2", "2001:db8:2::1", "2001:db8:2::3"},
			[4]string{"2001:db8:2::2", "2001:db8:2::3", "2001:db8:2::1", "2001:db8:2::2"}},
		{"label of ORCHIDs", to("2001:10::9"), []string{"2001:1::1/32", "2001:1f::1/16"},
			[4]string{"2001:1::1", "2001:1f::1", "2001:1::1", "2001:1::1"}},
		{"IPv4 by the router's prefix", through(to("192.0.2.9"), "10.0.0.1"), []string{"192.0.2.1", "10.0.0.2/30", "10.0.0.1/32 if2"},
			[4]string{"192.0.2.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"}},
		{"IPv4 to the destination's prefix", through(to("192.0.2.9"), "198.51.100.1"), []string{"10.0.0.2", "192.0.0.1", "11.0.0.1"},
			[4]string{"192.0.0.1", "11.0.0.1", "192.0.0.1", "10.0.0.2"}},
	} {
		for i, p := range profiles {
			got, r := mustSelect(t, selectorWith(t, p.cfg(), c.hosts...), c.query)
			if got != c.want[i] {
				t.Errorf("%s, %s: %s by %v, want %s", c.name, p.name, got, r.Rule, c.want[i])
			}
		}
	}
}
