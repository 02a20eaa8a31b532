package srcselect

import (
	"slices"
	"strings"
)

// The names by which rules, exclusions and preferences are written as text, in JSON
// say, and read back. Unlike what String returns they are for programs: they stay.

var ruleKeys = [ruleCount]string{
	RuleNone:          "none",
	RuleExplicit:      "explicit",
	RuleOnly:          "only",
	RuleSameAddress:   "same-address",
	RuleScope:         "scope",
	RuleDeprecated:    "deprecated",
	RuleHome:          "home",
	RuleInterface:     "interface",
	RuleNextHopPrefix: "next-hop-prefix",
	RuleNextHop:       "next-hop",
	RuleLabel:         "label",
	RuleTemporary:     "temporary",
	RulePreferred:     "preferred",
	RulePrefix:        "prefix",
	RuleOldest:        "oldest",
	RuleNewest:        "newest",
	RuleLowest:        "lowest",
}

var exclusionKeys = [exclusions]string{
	NotExcluded:             "candidate",
	ExcludedOtherFamily:     "other-family",
	ExcludedOtherLink:       "other-link",
	ExcludedOtherInterface:  "other-interface",
	ExcludedNotTranslatable: "not-translatable",
	ExcludedTentative:       "tentative",
	ExcludedSkipAsSource:    "skip-as-source",
}

// preferenceKeys are in the order of the bits.
var preferenceKeys = [...]string{"temporary", "public", "home", "care-of"}

// MarshalText returns the rule's name, "same-address" for RuleSameAddress.
func (r Rule) MarshalText() ([]byte, error) { return marshalKey("rule", ruleKeys[:], r) }

// UnmarshalText reads what MarshalText writes.
func (r *Rule) UnmarshalText(text []byte) error { return unmarshalKey("rule", ruleKeys[:], text, r) }

// MarshalText returns the exclusion's name, "other-link" for ExcludedOtherLink.
func (e Exclusion) MarshalText() ([]byte, error) { return marshalKey("exclusion", exclusionKeys[:], e) }

// UnmarshalText reads what MarshalText writes.
func (e *Exclusion) UnmarshalText(text []byte) error {
	return unmarshalKey("exclusion", exclusionKeys[:], text, e)
}

func marshalKey[T ~uint8](kind string, keys []string, v T) ([]byte, error) {
	if int(v) >= len(keys) {
		return nil, invalidf("%s %d has no name", kind, v)
	}
	return []byte(keys[v]), nil
}

func unmarshalKey[T ~uint8](kind string, keys []string, text []byte, v *T) error {
	i := slices.Index(keys, string(text))
	if i < 0 {
		return invalidf("there is no %s %q", kind, text)
	}
	*v = T(i)
	return nil
}

// MarshalText returns the names of the preferences, as in "public,care-of".
func (p Preferences) MarshalText() ([]byte, error) {
	if p>>len(preferenceKeys) != 0 {
		return nil, invalidf("preferences %#x: unknown bits", uint8(p))
	}
	return []byte(strings.Join(p.names(), ",")), nil
}

func (p Preferences) names() []string {
	var names []string
	for i, name := range preferenceKeys {
		if p>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return names
}

// UnmarshalText reads what MarshalText writes.
func (p *Preferences) UnmarshalText(text []byte) error {
	var read Preferences
	for name := range strings.SplitSeq(string(text), ",") {
		i := slices.Index(preferenceKeys[:], name)
		if i < 0 && len(text) > 0 {
			return invalidf("there is no preference %q", name)
		}
		if i >= 0 {
			read |= 1 << i
		}
	}
	*p = read
	return nil
}
