package dnsreg

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// canonicalName checks a host name and returns it absolute, in lower case and with A-labels.
//
// RFC 1123 section 2.1 and RFC 952: labels of letters, digits and hyphens, no hyphen at either end.
// RFC 1035 section 2.3.4: "labels 63 octets or less, names 255 octets or less".
// A name needs two labels at least: nobody registers a host at the top level.
// With underscore, that character counts as a letter.
func canonicalName(name string, underscore bool) (string, error) {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	for i, label := range labels {
		ascii, rule := canonicalLabel(label, underscore)
		if rule != "" {
			if label == "" {
				return "", &NameError{Name: name, Rule: rule}
			}
			return "", &NameError{Name: name, Label: label, Rule: rule}
		}
		labels[i] = ascii
	}
	joined := strings.Join(labels, ".")
	switch {
	case len(labels) < 2:
		return "", &NameError{Name: name, Rule: "not fully qualified: a host name has at least two labels"}
	case len(joined) > 253: // 255 octets on the wire: one length octet per label and the root's
		return "", &NameError{Name: name, Rule: "longer than 255 octets"}
	}
	return joined + ".", nil
}

// canonicalLabel returns the label in lower case ASCII, or the rule that it breaks.
func canonicalLabel(label string, underscore bool) (ascii, rule string) {
	if !utf8.ValidString(label) {
		return "", "no valid international label: not UTF-8"
	}
	ascii = strings.ToLower(label)
	if strings.HasPrefix(ascii, ace) || !isASCII(label) {
		if ascii, rule = aLabel(label); rule != "" {
			return "", "no valid international label: " + rule
		}
	}
	switch {
	case ascii == "":
		return "", "empty label"
	case ascii == "*":
		return "", "a wildcard is no host's name"
	case len(ascii) > 63:
		return "", "longer than 63 octets"
	case ascii[0] == '-' || ascii[len(ascii)-1] == '-':
		return "", "begins or ends with a hyphen"
	}
	for _, c := range []byte(ascii) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' && underscore:
		case c == '_':
			return "", "has an underscore, not only letters, digits and hyphens: Config.Underscore permits it"
		default:
			return "", "has a character other than letters, digits and hyphens"
		}
	}
	return ascii, ""
}

// ace begins an A-label, the ASCII form of an international one (RFC 5890 section 2.3.2.1).
const ace = "xn--"

// aLabel returns the ASCII form of an international label, given in either form.
//
// RFC 5890 section 2.3.2.1: "an A-label A1 must be capable of being produced by conversion from a U-label
// U1, and that U-label U1 must be capable of being produced by conversion from A-label A1".
func aLabel(label string) (ascii, rule string) {
	ascii, err := idna.Lookup.ToASCII(label)
	if err != nil {
		return "", err.Error()
	}
	switch {
	case ascii == "":
		return "", "nothing is left of it"
	case !strings.HasPrefix(ascii, ace):
		return ascii, "" // full-width letters, say: plain ones in other clothes
	}
	unicode, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return "", err.Error()
	}
	if back, err := idna.Lookup.ToASCII(unicode); err != nil || back != ascii || isASCII(unicode) {
		return "", "the A-label " + ascii + " stands for no label"
	}
	return ascii, ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
