package srcselect

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrNoSource is what errors.Is finds in the error of a selection that no address
// could serve. The error itself is a [*NoSourceError], whose text gives the reason,
// candidate by candidate.
var ErrNoSource = errors.New("srcselect: no source address")

// ErrInvalid is what errors.Is finds in the error about an address, a query or a
// policy row that breaks a rule. The error's text names the input and the rule.
var ErrInvalid = errors.New("srcselect: invalid input")

type invalidError struct{ text string }

func (e *invalidError) Error() string        { return "srcselect: " + e.text }
func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

func invalidf(format string, args ...any) error {
	return &invalidError{fmt.Sprintf(format, args...)}
}

// namedPerReason bounds the addresses that a NoSourceError names for each reason.
const namedPerReason = 8

// A NoSourceError says that no source address serves Query, and why. It is of
// bounded size however many addresses there are, and makes its text on demand.
type NoSourceError struct {
	Query Query

	counts [exclusions]int
	named  [exclusions][]netip.Addr // the oldest ones
	source Exclusion                // why Query.Source is refused; NotExcluded: not assigned
}

// Unwrap returns ErrNoSource.
func (e *NoSourceError) Unwrap() error { return ErrNoSource }

// Count returns the number of addresses that were no candidates for the given
// reason. It is 0 for every reason when Query.Source was refused.
func (e *NoSourceError) Count(why Exclusion) int {
	if int(why) >= len(e.counts) {
		return 0
	}
	return e.counts[why]
}

// Error returns the reason, as in "srcselect: no source address for 2001:db8::9:
// all 2 candidates are skip-as-source: 2001:db8::1, 2001:db8::2".
func (e *NoSourceError) Error() string {
	dst := e.Query.Destination
	if explicit := explicitSource(&e.Query); explicit.IsValid() {
		return fmt.Sprintf("%v for %v: source %v %s", ErrNoSource, dst, e.Query.Source, e.refusal())
	}
	var parts []string
	for why := ExcludedSkipAsSource; why > ExcludedOtherFamily; why-- {
		if e.counts[why] > 0 {
			parts = append(parts, e.reason(why))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "there is no "+familyName(dst)+" address")
	}
	return fmt.Sprintf("%v for %v: %s", ErrNoSource, dst, strings.Join(parts, "; "))
}

func (e *NoSourceError) refusal() string {
	switch e.source {
	case ExcludedOtherFamily:
		return "is not an " + familyName(e.Query.Destination) + " address"
	case ExcludedOtherLink:
		return "is link-local and not assigned on the outgoing link"
	case ExcludedTentative:
		return "is tentative, so not assigned yet"
	}
	return "is not assigned"
}

// reason says how many addresses why kept out, and names the oldest.
func (e *NoSourceError) reason(why Exclusion) string {
	n, named := e.counts[why], e.named[why]
	var b strings.Builder
	onlyReason := e.counts[ExcludedSkipAsSource] == 0 || e.counts[ExcludedTentative] == 0
	switch {
	case why == ExcludedNotTranslatable:
		fmt.Fprintf(&b, "%s not IPv4-translatable: ", count(n, "address is", "addresses are"))
	case why != ExcludedSkipAsSource && why != ExcludedTentative:
		fmt.Fprintf(&b, "%s on %s: ", count(n, "address", "addresses"), why.place(n))
	case n == 1 && onlyReason:
		fmt.Fprintf(&b, "the only candidate is %v: ", why)
	case onlyReason:
		fmt.Fprintf(&b, "all %d candidates are %v: ", n, why)
	case n == 1:
		fmt.Fprintf(&b, "1 candidate is %v: ", why)
	default:
		fmt.Fprintf(&b, "%d candidates are %v: ", n, why)
	}
	for i, a := range named {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	if more := n - len(named); more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func familyName(a netip.Addr) string {
	if a.Unmap().Is4() {
		return "IPv4"
	}
	return "IPv6"
}
