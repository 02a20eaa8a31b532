package lab_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]stack.Address{
		"2001:db8::1/64":              {Prefix: netip.MustParsePrefix("2001:db8::1/64")},
		" 10.0.0.50/24  skip ":        {Prefix: netip.MustParsePrefix("10.0.0.50/24"), SkipAsSource: true},
		"2001:db8::2/64 deprecated":   {Prefix: netip.MustParsePrefix("2001:db8::2/64"), Deprecated: true},
		"::1/128 temporary home skip": {Prefix: netip.MustParsePrefix("::1/128"), Temporary: true, HomeAddress: true, SkipAsSource: true},
	} {
		if got, err := lab.ParseAddress(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "no address", "2001:db8::1": `"2001:db8::1" is no address with the length of its prefix`, "1.2.3.4/33": "1.2.3.4/33",
		"::1/64 quiet": `the flag "quiet" is none of skip`, "fe80::1%eth0/64": "fe80::1%eth0/64",
	} {
		if _, err := lab.ParseAddress(text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "lab: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Addresses takes anything")
		}
	}()
	lab.Addresses("2001:db8::1/64", "nothing")
}

func FuzzParseAddress(f *testing.F) {
	f.Add("2001:db8::1/64 skip")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := lab.ParseAddress(s); err == nil && !a.Prefix.IsValid() {
			t.Errorf("%q: %+v", s, a)
		}
	})
}
