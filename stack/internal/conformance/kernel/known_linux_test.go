package kernel

// known is how the kernel deviates, and why.
var known = map[string]string{
	"option/icmpv6/other-way-off":     "the option at the level of raw sockets, which is x/net's, switches off what that of IPv6 may not",
	"receive/icmpv6/not-switched-off": "the option at the level of raw sockets, which is x/net's, switches off what that of IPv6 may not",
	"option/default/135":              "a socket of the mobility header's protocol has offset 4 unasked",
	"send/off/135":                    "a socket of the mobility header's protocol has offset 4 unasked",
	"send/off/135-short":              "the mobility header's type is looked at, whether it is there or not",
	"verify/on/udp-zero":              "a field of 0 that adds up is right, for UDP too",
	"verify/on/short-that-fits":       "the sum of the whole is verified, wherever the field is",
	"deliver/disconnected":            "a raw socket that is disconnected is taken off the list of those that receive",
	"path/too-big-89":                 "a socket of another protocol learns a path MTU only when it is connected, or asks for errors",
	"path/minimum":                    "there is no such option",
	"path/minimum-for-groups":         "there is no such option",
}
