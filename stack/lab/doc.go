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
// milliseconds, and a latency of 10 ms is 10 ms exactly. Config.Manual leaves time to Advance. Deadlines of
// conns, Lab.Sleep, Lab.WithTimeout and Lab.Clock are in it; time.Now, time.Sleep and the standard library's
// contexts are not: a context that ends in real time ends what waits for it then.
//
// # Order
//
// The goroutine that made the lab is its first task, and Go starts others. One task runs at a time, until
// it waits: for a host (Read, Accept, Dial, WaitAssigned), for time (Sleep, Advance), or for another task
// (Wait). So with one Seed, each run leaves the same trace, byte for byte and time for time, TCP included,
// in every process and at any GOMAXPROCS, as long as
//
//   - only tasks use the hosts,
//   - tasks wait for nothing but the lab and goroutines that they started themselves, and share nothing whose order
//     is random, such as a map's,
//   - names are looked up by DialContext, or by a Resolver for one task at a time, with a context that does not end
//     before the answer comes,
//   - nobody sends queries of MLDv1 or IGMPv2: the delays of the answers are dealt out in a map's order,
//   - no link leads out of the lab.
//
// A goroutine that runs while a task waits for it in its own way, as a test does for t.Run, counts as that
// task. How busy the machine is, or the process, is of no matter to any of this.
//
// # Other goroutines
//
// Code under test that has goroutines of its own, such as net/http, works as well: the lab notices them,
// and from then on lets time pass only when the whole process is idle, by the count of the runtime. What
// runs beside each other then comes in any order. In a process that is never idle, because another test
// computes say, the lab's time goes no faster than real time, or, where nothing is to happen for more than a
// second, waits a second: so nobody's timeout comes before he had a fair chance, and the lab is slow.
//
// A task that waits for something that is not the lab's, such as a channel, loses its turn as soon as no goroutine
// of the lab's, and none that these started, has anything left to do; or, if one of these always has, after ten
// seconds.
//
// # What happens to packets
//
// An Impairment is a segment's, or that of one direction of an interface's cable, and can be changed while
// the lab runs; so can plugs be moved and segments be partitioned. Luck is drawn for each packet from the
// Seed, the place, the two between whom it goes and how many went there before. What others send, changed
// shares and added hosts change no packet's luck; who sends something else, or at another time, has another
// packet there. A Latency keeps no order among packets of different senders; a Bandwidth is shared by all who
// pass, first come, first served.
//
// A segment passes frames for a group to the interfaces that joined it, as network cards' filters do, and puts
// the records of multicast listener reports (MLDv2, IGMPv3) in the order of their groups, since stacks do not.
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
//
// # Stories
//
// A network and what happens in it can be a text file, with hosts configured in the language of package netsh
// and the expected output beneath each step: RunStories tells those of a directory as subtests, RunStory one
// outside of tests. STORIES.md has the grammar, testdata/stories examples.
//
// # The end
//
// Close, which New arranges for, ends what tasks wait for and waits for them. Tasks that do not end, and
// goroutines that they leave behind, are errors that name them. If everybody waits and nothing is to come, or
// if time passes and nobody gets on (Config.Patience), the lab gives up and says who waits where.
package lab
