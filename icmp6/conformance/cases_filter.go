package conformance

import (
	"github.com/hextet/hextet/icmp6"
	"golang.org/x/net/ipv6"
)

const filters = "RFC 3542 section 3.2"

// RFC 3542 section 3.2: "When an ICMPv6 raw socket is created, it will by default pass all ICMPv6
// message types to the application."
var filterCases = []Case{
	{"filter/default", filters, "a new socket receives all types", everyType()},
	{"filter/block", filters, "a type that is blocked is not received, others are",
		[]step{socket(icmpv6), filtered(block(201)), arrives(icmp(201, 0, text(8))).drop(),
			arrives(icmp(202, 0, text(8))), arrives(icmp(200, 0, text(8)))}},
	{"filter/pass-one", filters, "with all blocked, a type that is passed again is received",
		[]step{socket(icmpv6), filtered(only(201)), arrives(icmp(202, 0, text(8))).drop(),
			arrives(icmp(201, 0, text(8))), arrives(icmp(1, 0, text(48))).drop()}},
	{"filter/block-all", filters, "with all blocked nothing is received",
		[]step{socket(icmpv6), filtered(blockAll), arrives(echo).drop(), arrives(icmp(100, 0, text(48))).drop()}},
	{"filter/pass-all-again", filters, "a filter can be taken away",
		[]step{socket(icmpv6), filtered(blockAll), arrives(echo).drop(), filtered((*icmp6.Filter).AcceptAll),
			arrives(echo)}},
	{"filter/first-and-last", filters, "types 0 and 255 can be blocked",
		[]step{socket(icmpv6), filtered(block(0)), filtered(block(255)), arrives(icmp(0, 0, text(48))).drop(),
			arrives(icmp(255, 0, text(8))).drop(), arrives(icmp(254, 0, text(8))), arrives(icmp(31, 0, text(48))), arrives(icmp(32, 0, text(48)))}},
	{"filter/reads-back", filters, "the filter is read as it was set",
		[]step{socket(icmpv6), filtered(only(201)), filtered(pass(3)), readsFilter}},
	{"filter/per-socket", filters, "the filter of one socket does nothing to another",
		[]step{socket(icmpv6), socket(icmpv6), use(0), filtered(block(private)), use(1), arrives(echo), use(0), nothing}},
	{"filter/other-protocol", filters, "a socket of another protocol has no such option",
		[]step{socket(89), refusesFilter, arrives(icmp(private, 0, text(8)))}},
	{"filter/behind-options", filters, "the type counts, also behind extension headers",
		[]step{socket(icmpv6), filtered(block(201)), arrives(icmp(201, 0, text(8))).wrapped(behind(padding)).drop(),
			arrives(icmp(202, 0, text(8))).wrapped(behind(padding))}},
	{"filter/host-answers", "RFC 4443 section 4.2", "a filter does not keep the host from answering an echo request",
		[]step{socket(icmpv6), filtered(blockAll), answers(arrives(icmp(128, 0, text(16))), message(129, 0))}},
	{"filter/wrong-checksum", filters, "a type that passes still needs a right checksum",
		[]step{socket(icmpv6), filtered(only(201)), arrives(icmp(201, 0, text(8))).spoiled(flip(2)).drop()}},
}

func block(t ipv6.ICMPType) func(*icmp6.Filter) { return func(f *icmp6.Filter) { f.Block(t) } }
func pass(t ipv6.ICMPType) func(*icmp6.Filter)  { return func(f *icmp6.Filter) { f.Accept(t) } }
func blockAll(f *icmp6.Filter)                  { f.BlockAll() }
func only(t ipv6.ICMPType) func(*icmp6.Filter) {
	return func(f *icmp6.Filter) { f.BlockAll(); f.Accept(t) }
}

// everyType receives one message of each type, housekeeping and errors about packets of nobody's
// left out.
func everyType() []step {
	steps := []step{socket(icmpv6)}
	for t := range 256 {
		if t >= 128 && t <= 199 && t != 129 || t >= 1 && t <= 4 {
			continue
		}
		steps = append(steps, arrives(icmp(byte(t), 0, text(48))))
	}
	return steps
}
