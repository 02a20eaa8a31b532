package gvisor

// Why gVisor deviates.
const (
	early      = "raw sockets see packets before the destination is looked at"
	firstOnly  = "raw sockets go by the Next Header field of the IPv6 header alone"
	noFragment = "raw sockets send no fragments"
	experiment = "253 is taken for an extension header"
	eightBytes = "ICMPv6 messages of less than eight bytes are dropped"
	noHeaders  = "raw sockets send no extension headers"
	noPath     = "raw sockets know neither a path MTU nor the options about it"
)

// known is how gVisor deviates.
var known = map[string]string{
	"option/minus-7":                  "a negative offset is kept as it is",
	"send/icmpv6/traffic-class":       "there is no traffic class per packet",
	"send/offset/udp-comes-to-0":      "UDP's checksum of 0 is sent as 0",
	"verify/on/udp-zero":              "UDP's checksum of 0 is added up like any other",
	"receive/icmpv6/four-bytes":       eightBytes,
	"receive/icmpv6/six-bytes":        eightBytes,
	"deliver/unknown-253":             experiment,
	"verify/off/253":                  experiment,
	"deliver/known-253":               experiment,
	"filter/behind-options":           firstOnly,
	"deliver/other-host":              early,
	"deliver/icmpv6-other-host":       early,
	"deliver/group-not-joined":        early,
	"deliver/group-left":              early,
	"deliver/from-group":              early,
	"deliver/disconnected":            "a raw socket can't be disconnected",
	"deliver/unknown-protocol":        "raw sockets need a transport protocol, and that takes packets for good",
	"fragment/send/icmpv6":            noFragment,
	"fragment/send/offset":            noFragment,
	"fragment/send/off":               noFragment,
	"fragment/send/longest":           noFragment,
	"fragment/receive/icmpv6":         firstOnly,
	"fragment/receive/89":             firstOnly,
	"fragment/receive/reversed":       firstOnly,
	"fragment/receive/atomic":         firstOnly,
	"fragment/receive/options-within": firstOnly,
	"header/receive/hop-by-hop":       firstOnly,
	"header/receive/options":          firstOnly,
	"header/receive/several":          firstOnly,
	"header/receive/routing-done":     firstOnly,
	"header/receive/option-to-skip":   firstOnly,
	"header/send/hop-by-hop":          noHeaders,
	"header/send/options":             noHeaders,
	"header/send/taken-away":          noHeaders,
	"header/send/routing":             noHeaders,
	"header/send/routing-offset":      noHeaders,
	"path/too-big":                    noPath,
	"path/too-big-89":                 noPath,
	"path/too-large":                  noFragment,
	"path/dont-fragment":              noPath,
	"path/minimum":                    noPath,
	"path/minimum-for-groups":         noPath,
}
