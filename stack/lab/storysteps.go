package lab

import "strings"

// storySteps are all there are, in the order of STORIES.md. Set once, by init: the steps refer to it.
var storySteps []storyStep

func init() {
	const impairments = "[loss=SHARE] [duplicate=SHARE] [corrupt=SHARE] [reorder=SHARE] [latency=TIME] [jitter=TIME] [bandwidth=N] [queue=N] [tunnel=N] [down]"
	storySteps = []storyStep{
		{name: "lab", usage: "[seed=N]", does: "The lab, if it is not to be as it is anyhow. Nothing is before it.", run: (*tale).playLab},
		{name: "segment", usage: "NAME [mtu=N] " + impairments, does: "A segment, and what happens to packets on it, as in Impairment; tunnel is its MTU.", run: (*tale).playSegment},
		{name: "impair", usage: "SEGMENT " + impairments, does: "What happens to packets on a segment from now on, instead of what did so far.", run: (*tale).playImpair},
		{name: "partition", usage: "SEGMENT [HOST,...]", does: "These hosts reach each other on the segment and nobody else; without any, all reach all again.", run: (*tale).playPartition},
		{name: "host", usage: "NAME [on=SEGMENT,...] [interface=NAME,...] [name=DOMAIN] [dad] [slaac] [optimistic] [temporary] [silent] [bare]", does: "A host with an interface on each of these segments, else on the first. name is what ipconfig /registerdns registers. silent: it answers no echo requests. bare: without link-local addresses.", run: (*tale).playHost},
		{name: "router", usage: "NAME [on=SEGMENT,...] [interface=NAME,...] [dad] [silent]", does: "A host that forwards.", run: (*tale).playRouter},
		{name: "dns", usage: "NAME address=PREFIX,... zone=DOMAIN,... [on=SEGMENT]", does: "A DNS host. Hosts that come after it ask it.", run: (*tale).playDNS},
		{name: "address", usage: "HOST PREFIX [skip] [deprecated] [temporary] [home] [care-of]", does: "An address, with flags that netsh has not. HOST may be host/interface, here and below. care-of is for choose and order only.", run: (*tale).playAddress},
		{name: "host> LINE", does: "A line of netsh or ipconfig, run on a host. \"Ok.\" is not shown; an error is, after \"error:\"."},
		{name: "advertise", usage: "ROUTER [PREFIX...] [lifetime=TIME] [preferred=TIME] [valid=TIME] [mtu=N] [dns=ADDRESS,...] [search=DOMAIN,...] [high] [low] [managed] [other]", does: "What a router advertises from now on, with these prefixes. preferred and valid are the prefixes'; 0s takes them back.", run: (*tale).playAdvertise},
		{name: "silence", usage: "ROUTER", does: "The router takes leave and advertises no more.", run: (*tale).playSilence},
		{name: "conflict", usage: "SEGMENT ADDRESS", does: "A station on the segment claims an address.", run: (*tale).playConflict},
		{name: "firewall", usage: "HOST [only=ADDRESS,...] [none]", does: "A firewall before an interface, that of KB975808; none takes it away. Without either: its counters.", run: (*tale).playFirewall},
		{name: "pass", usage: "HOST FILTER...", does: "A rule of that firewall, behind those there are.", run: (*tale).playPass},
		{name: "drop", usage: "HOST FILTER...", does: "A rule of that firewall, behind those there are.", run: (*tale).playDrop},
		{name: "answer", usage: "HOST FILTER... [too-big=N] [unreachable=BYTE] [time-exceeded=BYTE] [redirect=ADDRESS]", does: "From now on the host sends an ICMP error about each packet of others that the filter passes: an MTU, a code, a better router.", run: (*tale).playAnswer},
		{name: "listen", usage: "HOST PORT [udp]", does: "A server that sends back what it gets.", run: (*tale).playListen},
		{name: "connect", usage: "HOST ENDPOINT [udp] [from=ADDRESS] [as=NAME] [send=N] [within=TIME]", does: "A connection: its addresses, and what decided about its source. as keeps it open; send is so many bytes, there and back; within is 30s.", run: (*tale).playConnect},
		{name: "say", usage: "CONNECTION TEXT...", does: "Sends a text by a connection: what comes back.", run: (*tale).playSay},
		{name: "close", usage: "CONNECTION", does: "Closes a connection.", run: (*tale).playClose},
		{name: "ping", usage: "HOST ADDRESS [from=ADDRESS] [count=N] [size=N] [within=TIME]", does: "Echo requests: who answers whom, and when. size is that of the data, 32; within is 1s.", run: (*tale).playPing},
		{name: "send raw", usage: "HOST ADDRESS [type=BYTE] [code=BYTE] [checksum=HEX] [size=N] [from=ADDRESS]", does: "An ICMPv6 message by a raw socket, an echo request if type is not there, with this in its checksum field: what leaves. size is all of it, 17.", run: (*tale).playSendRaw},
		{name: "lookup", usage: "HOST DOMAIN", does: "The addresses that a name resolves to, sorted.", run: (*tale).playLookup},
		{name: "registered", usage: "DNS DOMAIN [count]", does: "The records of a zone, else of a name, or how many there are of each type.", run: (*tale).playRegistered},
		{name: "explain", usage: "HOST ADDRESS", does: "Stack.Explain.", run: (*tale).playExplain},
		{name: "choose", usage: "HOST ADDRESS", does: "The source that RFC 6724 section 5 chooses among the interface's addresses, and the rule.", run: (*tale).playChoose},
		{name: "order", usage: "HOST ADDRESS...", does: "Destinations by RFC 6724 section 6, each with its source and the rule that put it there.", run: (*tale).playOrder},
		{name: "addresses", usage: "HOST", does: "The interface's addresses and their states.", run: (*tale).playAddresses},
		{name: "routers", usage: "HOST", does: "What the interface has learnt from routers.", run: (*tale).playRouters},
		{name: "packets", usage: "[FILTER...]", does: "What was sent since the latest mark, as in Lab.Text.", run: (*tale).playPackets},
		{name: "count", usage: "[FILTER...]", does: "How many packets that is.", run: (*tale).playCount},
		{name: "expect packet", usage: "FILTER...", does: "There is such a packet, or the story fails, under -update too.", run: (*tale).playExpect},
		{name: "expect no packet", usage: "FILTER...", does: "There is none.", run: (*tale).playExpectNone},
		{name: "mark", does: "Forgets the packets so far.", run: (*tale).playMark},
		{name: "advance", usage: "TIME", does: "Lets time pass, and all that happens in it.", run: (*tale).playAdvance},
		{name: "time", does: "How much has passed since the lab began.", run: (*tale).playTime},
		{name: "stop", does: "Ends the story. The rest is read and not told.", run: (*tale).playStop},
	}
	for i := range storySteps {
		s := &storySteps[i]
		s.words, s.grammar = strings.Fields(s.name), grammarOf(s.usage)
	}
}
