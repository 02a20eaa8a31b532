package conformance

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// faults are what can be planted in the model, each with cases that have to notice it.
var faults = map[string][]string{
	"short packets are refused":                 {"send/off/short", "send/off/135-short"},
	"-1 changes nothing":                        {"option/minus-1", "option/minus-7", "send/offset/moved", "verify/switched"},
	"-7 is kept":                                {"option/minus-7"},
	"0 becomes 0xffff":                          {"send/icmpv6/comes-to-0", "send/offset/89-comes-to-0"},
	"0 is no checksum":                          {"receive/icmpv6/zero", "verify/on/udp-zero", "verify/on/zero"},
	"0xffff stays":                              {"send/icmpv6/carries", "send/icmpv6/ones"},
	"135 has an offset":                         {"option/default/135", "send/off/135"},
	"135 is summed elsewhere":                   {"send/offset/mobility-header"},
	"65536 bytes are accepted":                  {"fragment/send/longest"},
	"89 receives 253":                           {"deliver/other-protocol"},
	"ICMPv6 is sent as it is":                   {"option/icmpv6/other-way-off", "send/icmpv6/zero"},
	"ICMPv6 may be empty":                       {"send/icmpv6/empty"},
	"ICMPv6 may be moved":                       {"option/icmpv6/set-3", "option/icmpv6/set-4", "option/icmpv6/set-off"},
	"ICMPv6 may be set to 2":                    {"option/icmpv6/set-2"},
	"IPV6_DONTFRAG does nothing":                {"path/dont-fragment"},
	"IPV6_USE_MIN_MTU does nothing":             {"path/minimum"},
	"Packet Too Big is ignored":                 {"path/too-big", "path/too-big-89"},
	"UDP's 0 stays":                             {"send/offset/udp-comes-to-0"},
	"a bound address is no source":              {"send/icmpv6/bound", "send/icmpv6/connected"},
	"a carry is lost":                           {"send/icmpv6/carries", "send/icmpv6/longest"},
	"a chosen source is ignored":                {"send/icmpv6/chosen-source", "send/icmpv6/foreign-source"},
	"a drop is an unknown protocol":             {"deliver/known-and-wrong"},
	"a field at the end is not filled":          {"send/icmpv6/shortest", "send/offset/beyond-the-end"},
	"a field that is not 0 stays":               {"send/icmpv6/ones", "send/icmpv6/stale"},
	"a header stays":                            {"header/send/taken-away"},
	"a right field is counted":                  {"send/icmpv6/right-already", "send/offset/udp-comes-to-0"},
	"all groups are mine":                       {"deliver/group-left", "deliver/group-not-joined"},
	"all have an offset":                        {"option/default/17", "option/default/89"},
	"all hosts are mine":                        {"deliver/icmpv6-other-host", "deliver/other-host"},
	"all is verified":                           {"verify/off/253", "verify/off/89"},
	"all protocols are unknown":                 {"deliver/known-253", "deliver/known-protocol"},
	"an even offset is refused":                 {"option/set", "verify/on/right"},
	"answers have no checksum":                  {"deliver/unknown-253", "deliver/unknown-protocol"},
	"any source may be chosen":                  {"send/icmpv6/foreign-source"},
	"atomic fragments are dropped":              {"fragment/receive/atomic"},
	"bound receives all":                        {"deliver/bound", "deliver/icmpv6-bound"},
	"connected for ever":                        {"deliver/disconnected"},
	"connected receives for all":                {"deliver/connected-other-address"},
	"connected receives from all":               {"deliver/connected"},
	"empty packets are dropped":                 {"verify/off/empty"},
	"errors are not filled":                     {"send/icmpv6/error-type"},
	"errors are the host's":                     {"filter/default", "receive/icmpv6/unknown-error"},
	"every option may be skipped":               {"header/receive/option-to-drop"},
	"extension headers are not read":            {"header/receive/options", "header/receive/option-to-skip", "header/receive/routing-done"},
	"fields are cleared without the option":     {"send/off/17", "send/off/253", "send/off/89"},
	"filtered is verified":                      {"filter/wrong-checksum"},
	"filters are ignored":                       {"filter/block", "filter/pass-one"},
	"filters do not see headers":                {"filter/behind-options"},
	"filters end at 128":                        {"filter/first-and-last"},
	"filters for every protocol":                {"filter/other-protocol"},
	"filters silence the host":                  {"filter/host-answers"},
	"four bytes are not filled":                 {"send/icmpv6/every-length", "send/icmpv6/shortest"},
	"fragments are not read":                    {"fragment/receive/89", "fragment/receive/atomic", "fragment/receive/icmpv6"},
	"fragments come in order":                   {"fragment/receive/reversed"},
	"fragments hide the sum":                    {"fragment/receive/wrong"},
	"gaps are zero":                             {"fragment/receive/missing", "fragment/receive/reversed"},
	"groups are never left":                     {"deliver/group-left"},
	"groups are not heard":                      {"deliver/group-joined", "verify/on/group"},
	"groups are not in the sum":                 {"send/icmpv6/group", "send/offset/group"},
	"groups get the whole MTU":                  {"path/minimum-for-groups"},
	"groups may speak":                          {"deliver/from-group"},
	"groups need no sum":                        {"verify/on/group"},
	"half a field is enough":                    {"send/icmpv6/three-bytes", "send/offset/one-byte-missing"},
	"headers are delivered":                     {"header/receive/option-to-skip", "header/receive/routing-done"},
	"headers are not sent":                      {"header/send/hop-by-hop", "header/send/options", "header/send/routing", "header/send/routing-offset"},
	"headers hide the sum":                      {"header/receive/wrong"},
	"headers in fragments are not read":         {"fragment/receive/options-within"},
	"hop-by-hop is dropped":                     {"header/receive/hop-by-hop", "header/receive/several"},
	"hop-by-hop may be anywhere":                {"header/receive/second-hop-by-hop"},
	"long packets are dropped":                  {"fragment/receive/icmpv6", "receive/icmpv6/longest"},
	"long packets are not filled":               {"path/too-small", "send/icmpv6/longest"},
	"negative offsets are refused":              {"option/minus-7", "send/offset/toggled-while-sending"},
	"no option may be skipped":                  {"header/receive/option-to-skip"},
	"no socket of 254":                          {"option/default/254", "send/off/254", "verify/off/empty"},
	"nothing is reported":                       {"deliver/hop-limit", "deliver/traffic-class"},
	"nothing is sent in fragments":              {"fragment/send/off", "path/too-big"},
	"nothing is verified":                       {"receive/icmpv6/wrong", "receive/icmpv6/zero"},
	"odd bytes are not verified":                {"receive/icmpv6/wrong-last-byte"},
	"odd offsets are accepted":                  {"option/odd"},
	"offset 0 is off":                           {"send/offset/at-the-end", "send/offset/first-byte"},
	"offsets are not filled":                    {"send/offset/stale", "send/offset/zero"},
	"offsets are not verified":                  {"verify/on/udp-zero", "verify/on/wrong"},
	"offsets may be beyond anything":            {"option/beyond-any-packet"},
	"one copy is enough":                        {"receive/icmpv6/right", "receive/icmpv6/two-sockets"},
	"only the first 1460 bytes are summed":      {"fragment/send/icmpv6", "fragment/send/offset", "path/too-large"},
	"overlapping fragments are joined":          {"fragment/receive/overlapping"},
	"packets leave twice":                       {"send/icmpv6/comes-to-0", "send/icmpv6/right-already"},
	"paths may be tiny":                         {"path/too-small"},
	"paths may be wide":                         {"path/too-large"},
	"routing headers are dropped":               {"header/receive/routing-done", "header/receive/several"},
	"segments left do not matter":               {"header/receive/routing-to-go"},
	"short ICMPv6 is dropped":                   {"receive/icmpv6/four-bytes", "receive/icmpv6/six-bytes"},
	"short counts":                              {"send/icmpv6/comes-to-0", "send/icmpv6/right-already"},
	"short is right":                            {"receive/icmpv6/empty", "receive/icmpv6/three-bytes", "verify/on/short"},
	"short messages are sent":                   {"option/beyond-any-packet", "send/icmpv6/empty"},
	"the IPv6 header is delivered":              {"deliver/payload-only"},
	"the caller's bytes are changed":            {"option/icmpv6/other-way-off", "send/icmpv6/zero"},
	"the destination is not verified":           {"receive/icmpv6/other-destination"},
	"the filter is everybody's":                 {"filter/block-all", "filter/pass-all-again", "filter/per-socket"},
	"the filter reads as empty":                 {"filter/reads-back"},
	"the first fragment is enough":              {"fragment/receive/first-only", "fragment/receive/missing"},
	"the first hop is in the sum":               {"header/send/routing", "header/send/routing-offset"},
	"the hop limit is fixed":                    {"send/icmpv6/hop-limit"},
	"the odd byte breaks the sum":               {"receive/icmpv6/odd-length", "verify/on/right"},
	"the odd byte is left out":                  {"send/icmpv6/every-length", "send/icmpv6/odd-length", "send/offset/odd-length"},
	"the offset reads 0":                        {"option/default/17", "option/default/253", "option/icmpv6/default"},
	"the option is everybody's":                 {"option/per-socket", "verify/on/per-socket"},
	"the protocol is not verified":              {"receive/icmpv6/other-protocol"},
	"the source in the sum is always the first": {"send/icmpv6/bound", "send/icmpv6/reconnected"},
	"the traffic class is fixed":                {"send/icmpv6/traffic-class"},
	"the whole is verified":                     {"receive/icmpv6/three-bytes", "verify/on/short-that-fits"},
	"types are blocked by default":              {"filter/default"},
	"unbound is the first address":              {"deliver/both-addresses", "deliver/destination"},
	"unknown protocols are silent":              {"deliver/unknown-253", "deliver/unknown-protocol"},
	"x/net switches ICMPv6 off":                 {"option/icmpv6/other-way-off", "receive/icmpv6/not-switched-off"},
}

func TestFaults(t *testing.T) {
	cases := map[string]Case{}
	for _, c := range Cases() {
		cases[c.Name] = c
	}
	for fault, names := range faults {
		for _, name := range names {
			if _, ok := cases[name]; !ok {
				t.Errorf("%q: there is no case %q", fault, name)
			} else if cases[name].Check(context.Background(), newModel(fault)) == nil {
				t.Errorf("%q is not noticed by %s", fault, name)
			}
		}
	}
}

// Every case notices something, and the table has every fault of the model.
func TestFaultsAreComplete(t *testing.T) {
	noticed := map[string]bool{}
	for _, names := range faults {
		for _, name := range names {
			noticed[name] = true
		}
	}
	for _, c := range Cases() {
		if !noticed[c.Name] {
			t.Errorf("%s is not shown to notice any fault", c.Name)
		}
	}
	files, err := filepath.Glob("model*_test.go")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	var planted []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`has\("([^"]+)"\)`).FindAllSubmatch(b, -1) {
			planted = append(planted, string(m[1]))
			if _, ok := faults[string(m[1])]; !ok {
				t.Errorf("%s: the fault %q has no row", file, m[1])
			}
		}
	}
	for fault := range faults {
		if !slices.Contains(planted, fault) {
			t.Errorf("the fault %q is nowhere planted", fault)
		}
	}
}
