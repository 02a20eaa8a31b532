package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hextet/hextet/dnsreg"
)

func TestParseKey(t *testing.T) {
	want := func(name, algorithm string) dnsreg.Auth {
		auth, err := dnsreg.ParseTSIG(name, algorithm, testKey)
		if err != nil {
			t.Fatal(err)
		}
		return auth
	}
	for name, tt := range map[string]struct {
		text string
		want dnsreg.Auth
		err  string
	}{
		// tsig-keygen -a hmac-sha512 upd.example.test (BIND 9.18), the secret replaced
		"tsig-keygen":           {"key \"upd.example.test\" {\n\talgorithm hmac-sha512;\n\tsecret \"" + testKey + "\";\n};\n", want("upd.example.test", "hmac-sha512"), ""},
		"comments":              {"# one\n// two\n/* three\n */ key upd { secret " + testKey + " ; /* four */ algorithm hmac-sha256; } # no semicolon", want("upd", "hmac-sha256"), ""},
		"as dig -y":             {"hmac-sha384:upd:" + testKey + "\n", want("upd", "hmac-sha384"), ""},
		"as dig -y, name alone": {"upd:" + testKey, want("upd", ""), ""},
		"empty":                 {"", nil, "no key"},
		"no key":                {"zone \"example.test\" { type primary; };", nil, "no key"},
		"two keys":              {"key a { algorithm hmac-sha256; secret " + testKey + "; }; key b { algorithm hmac-sha256; secret " + testKey + "; };", nil, "other than one key"},
		"no secret":             {"key a { algorithm hmac-sha256; };", nil, "missing"},
		"no semicolon":          {"key a { algorithm hmac-sha256 secret " + testKey + "; };", nil, "semicolon"},
		"two secrets":           {"key a { secret " + testKey + "; secret " + testKey + "; };", nil, "not one algorithm"},
		"no end":                {"key a { algorithm hmac-sha256; secret " + testKey + ";", nil, "other than one key"},
		"open comment":          {"/* key", nil, "comment has no end"},
		"open quote":            {"key \"a", nil, "quoted word has no end"},
		"weak":                  {"hmac-md5:a:" + testKey, nil, "MD5"},
		"not base64":            {"hmac-sha256:a:" + strings.ToUpper(testKey) + "!", nil, "not base64"},
		"sha1":                  {"hmac-sha1:a:" + testKey, nil, "sha1 = yes"},
		"bad name":              {"hmac-sha256:a..b:" + testKey, nil, "no domain name"},
		"swapped":               {"hmac-sha256:" + testKey + ":upd", nil, "may be the secret"},
		"swapped, no padding":   {"hmac-sha256:" + testKey[:40] + ":upd", nil, "not base64"},
		"swapped, name alone":   {testKey + ":upd", nil, "may be the secret"},
		"turned":                {"upd:hmac-sha256:" + testKey, nil, "no algorithm"},
		"back to front":         {testKey + ":upd:hmac-sha256", nil, "no algorithm"},
		"secret first":          {testKey + ":hmac-sha256:upd", nil, "no algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseKey(tt.text, false)
			switch {
			case tt.err == "" && (err != nil || !sameKey(t, got, tt.want)):
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want one with %q", err, tt.err)
			case err != nil && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(testKey[:12])):
				t.Errorf("error %v shows the secret", err)
			}
		})
	}
}

// sameKey compares by what counts: name, algorithm, and what is signed with the secret.
func sameKey(t *testing.T, a, b dnsreg.Auth) bool {
	t.Helper()
	var macs, names []string
	for _, auth := range []dnsreg.Auth{a, b} {
		key, err := auth.Key(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		mac, err := key.Sign([]byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		macs, names = append(macs, string(mac)), append(names, key.Name()+" "+key.Algorithm())
	}
	return macs[0] == macs[1] && names[0] == names[1]
}

// A key for hmac-sha1 takes somebody who wants it.
func TestParseKeySHA1(t *testing.T) {
	got, err := parseKey("hmac-sha1:a:"+testKey, true)
	if err != nil || !sameKey(t, got, dnsreg.TSIGSHA1("a", []byte("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"))) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseKey("hmac-sha1:a:!", true); err == nil {
		t.Error("what is not base64 is taken")
	}
}

// A key that everybody may read is used, and warned of.
func TestKeyFileMode(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte("upd:"+testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := readKey(name, false, slog.New(slog.NewTextHandler(&b, nil))); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), name); got != want || strings.Contains(b.String(), testKey) {
			t.Errorf("mode %v: %s", mode, &b)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("key \"upd\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + testKey + "\";\n};\n")
	f.Add("/* */ # \n // \n hmac-sha256:upd:" + testKey)
	f.Fuzz(func(t *testing.T, text string) {
		if auth, err := parseKey(text, true); (auth == nil) != (err != nil) {
			t.Errorf("%q: %v, %v", text, auth, err)
		}
	})
}
