package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/hextet/hextet/dnsreg"
)

// readKey reads a TSIG key. Errors never show the secret.
func readKey(name string, sha1 bool, log *slog.Logger) (dnsreg.Auth, error) {
	if info, err := os.Stat(name); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		log.Warn("everybody on this host can use the key file", "file", name, "mode", info.Mode().Perm())
	}
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	auth, err := parseKey(text, sha1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return auth, nil
}

// parseKey reads what tsig-keygen prints, or algorithm:name:secret, as dig -y takes it.
func parseKey(text string, sha1 bool) (dnsreg.Auth, error) {
	words, err := keyWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 1 {
		switch parts := strings.Split(words[0], ":"); len(parts) {
		case 2:
			return shortKey(parts[0], "", parts[1], sha1)
		case 3:
			return shortKey(parts[1], parts[0], parts[2], sha1)
		}
	}
	if len(words) < 4 || words[0] != "key" || words[2] != "{" {
		return nil, errors.New(`no key: neither key "name" { algorithm ...; secret "..."; }; nor algorithm:name:secret`)
	}
	clauses := make(map[string]string)
	rest := words[3:]
	for len(rest) > 0 && rest[0] != "}" {
		if len(rest) < 3 || rest[2] != ";" || rest[0] != "algorithm" && rest[0] != "secret" || clauses[rest[0]] != "" {
			return nil, fmt.Errorf("key %q: not one algorithm and one secret, each with its semicolon", words[1])
		}
		clauses[rest[0]] = rest[1]
		rest = rest[3:]
	}
	switch {
	case len(rest) == 0 || len(rest) > 2 || len(rest) == 2 && rest[1] != ";":
		return nil, fmt.Errorf("key %q: something other than one key is in the file", words[1])
	case clauses["algorithm"] == "" || clauses["secret"] == "":
		return nil, fmt.Errorf("key %q: algorithm or secret is missing", words[1])
	}
	return newKey(words[1], clauses["algorithm"], clauses["secret"], sha1)
}

// shortKey is newKey for what may be in the wrong order. Neither an error nor, as a name, a message is to show a
// secret then.
func shortKey(name, algorithm, secret string, sha1 bool) (dnsreg.Auth, error) {
	switch {
	case algorithm != "" && !strings.HasPrefix(strings.ToLower(algorithm), "hmac-"):
		return nil, errors.New("algorithm:name:secret: the first is no algorithm, such as hmac-sha256")
	case strings.ContainsAny(name, "+/="): // of base64, and in no name
		return nil, errors.New("algorithm:name:secret: the name is none, but may be the secret")
	}
	auth, err := newKey(name, algorithm, secret, sha1)
	if err == nil {
		return auth, nil
	}
	if _, err := newKey("name", algorithm, secret, sha1); err != nil {
		return nil, fmt.Errorf("algorithm:name:secret: %w", err)
	}
	return nil, errors.New("algorithm:name:secret: the name is no domain name")
}

// newKey is dnsreg.ParseTSIG, which refuses hmac-sha1 unless that is asked for by name.
func newKey(name, algorithm, secret string, sha1 bool) (dnsreg.Auth, error) {
	if !strings.EqualFold(algorithm, "hmac-sha1") {
		return dnsreg.ParseTSIG(name, algorithm, secret)
	}
	if !sha1 {
		return nil, fmt.Errorf("key %q is for hmac-sha1: use hmac-sha256, or say sha1 = yes", name)
	}
	b, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("key %q: secret is not base64: %w", name, err)
	}
	auth := dnsreg.TSIGSHA1(name, b)
	if err := auth.Validate(); err != nil {
		return nil, err
	}
	return auth, nil
}

// keyWords splits as BIND does: words, quoted strings, braces and semicolons, and three kinds of comment.
func keyWords(text string) (words []string, err error) {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		n := 1
		switch {
		case text == "":
			return words, nil
		case text[0] == '#' || strings.HasPrefix(text, "//"):
			_, text, _ = strings.Cut(text, "\n")
			continue
		case strings.HasPrefix(text, "/*"):
			var closed bool
			if _, text, closed = strings.Cut(text[2:], "*/"); !closed {
				return nil, errors.New("a comment has no end")
			}
			continue
		case text[0] == '"':
			word, rest, closed := strings.Cut(text[1:], `"`)
			if !closed || strings.Contains(word, "\n") {
				return nil, errors.New("a quoted word has no end")
			}
			words, text = append(words, word), rest
			continue
		case strings.IndexByte("{};", text[0]) < 0:
			n = strings.IndexAny(text, " \t\r\n{};\"")
			if n < 0 {
				n = len(text)
			}
		}
		words, text = append(words, text[:n]), text[n:]
	}
}
