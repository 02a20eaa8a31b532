// Package lab runs whole networks inside a test: hosts, segments and routers in memory, on any system, without
// root, in the same order every time.
//
//	l := lab.New(t)
//	web := l.Host(lab.HostConfig{Addresses: lab.Addresses("2001:db8::1/64", "2001:db8::2/64 skip")})
//	...
//	c, err := client.DialContext(ctx, "tcp", "[2001:db8::1]:80")
//
// A Host is a *stack.Stack with a name, so everything that a stack does is there. Start is for programs
// that are no tests.
//
// # Time
//
// The lab has its own time. It stands still while anybody has something left to do, then goes on to the
// next thing that is to happen: a packet that arrives, a timer, a deadline. A lease of thirty days takes
// milliseconds, and a latency of 10 ms is 10 ms exactly. Config.Manual leaves time to Advance.
//
// # Order
//
// The goroutine that made the lab is its first task, and Go starts others. One task runs at a time, until
// it waits: for a host (Read, Accept, Dial, WaitAssigned), for time (Sleep, Advance), or for another task
// (Wait). So with one Seed, each run leaves the same trace, byte for byte and time for time, TCP included,
// at any GOMAXPROCS, as long as
//
//   - only tasks use the hosts,
//   - tasks wait for nothing but the lab, and share nothing whose order is random, such as a map's,
//   - no link leads out of the lab.
//
// Code under test that has goroutines of its own, such as net/http, works as well: the lab notices them,
// and from then on lets time pass only when the whole process is idle, by the count of the runtime. What
// runs beside each other then comes in any order. Deadlines of contexts are real time unless they are from
// Lab.WithTimeout.
//
// # What was seen
//
// Everything that hosts send is in the trace, with what became of it at each receiver, and for what a host
// says by itself which rule chose its source address:
//
//	l.RequireSource(lab.Match("tcp and syn and from web"), netip.MustParseAddr("10.0.0.100"))
//	l.RequireNone(lab.Match("src 10.0.0.50"))
//	p, err := l.WaitPacket(ctx, lab.Match("type ra"))
//	l.Golden("testdata/handshake.txt", lab.Match("tcp"))
//
// ParseFilter has the language of Match. A bad checksum that a host sends fails the test by itself, unless
// Config.AllowBadChecksums is set. LAB_UPDATE=1 writes golden files anew.
//
// A test that fails leaves a capture file and a page to look at, which its log names: Lab.Report has more.
// LAB_TRACE=always keeps them on success too, LAB_TRACE=never never, and LAB_TRACE_DIR says where.
package lab
