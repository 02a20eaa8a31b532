// Package netsh configures a host in the language that administrators of Windows know, and says what is wrong
// with a line better than Windows does: the word, its column, what was expected, and what was probably meant.
//
//	sh, err := netsh.New(netsh.Config{Stack: host})
//	...
//	err = sh.Run(ctx, `Netsh int ipv4 add address "Local Area Connection" 192.168.1.5 255.255.255.0 skipassource=true`, os.Stdout)
//
// That is the line of KB975808, by which an address is never chosen as a source, and not registered in DNS.
// COMMANDS.md lists all commands; a ? at the end of any of them tells what it takes.
//
// # The language
//
// Letters may be of either case. Every word of a command, every name of a parameter and every value out of a
// few may be abbreviated, as long as only one thing can be meant: "int ip sh addr" is "interface ipv4 show
// addresses". Parameters are name=value, or the value alone, which then is the first parameter's, in the order
// of the help, that has none yet. Double quotes hold together what has blanks. The first word may be netsh, and
// ipconfig is understood too.
//
// A Shell has a context, as netsh has that waits for lines: "interface ipv4" goes there, after which "show
// route" will do, ".." goes up, and bye ends. What a context does not know is looked for in those around it.
// Prompt and Complete are for a program that reads lines from a terminal; examples/netsh is one.
//
// # Of which Windows
//
// Commands, parameters and their order are those of Microsoft's reference of "netsh interface" (2025), with
// what KB975808 brought to Windows Server 2008 SP2 and Vista SP2. Tables are laid out as transcripts of
// Windows 7 to 11 show them; only those of "show udpconnections" and of single routes are after the pattern of
// the others. What a stack does not have is refused by name, as errors.ErrUnsupported: store=persistent,
// type=anycast, source=dhcp, lifetimes of routes, publish=yes. Beyond that:
//
//   - There is no parameter subinterface, and no command that COMMANDS.md does not list.
//   - store is active where it is not given, and not persistent.
//   - "add address" needs a mask or the length of a prefix for IPv4: there are no classes to guess it from.
//   - "set address" changes what is named of an address that is there, its flag and its lifetimes, without a
//     gap: Windows has skipassource= only in add, so that the address must go first. For IPv4 it is
//     source=static that puts the address in the place of the others.
//   - "delete route" and "set route" without a next hop mean the only route there is to the prefix.
//   - Interfaces have no metric: 0 is shown. The loopback interface is not listed.
//   - rr=, which shows a table again and again, must be 0.
//   - "show tcpconnections" and "show udpconnections" are IPv4's, as in Windows: a socket of both families is
//     listed only if its own address is one of IPv4.
//   - "ipconfig /registerdns" waits, and returns what went wrong.
//   - Each line that begins with # is a comment.
//
// # Errors
//
// A line that can't be run changes nothing: a command of several steps takes back those that were done. Run
// returns an *Error, in which errors.Is finds ErrSyntax for what is not in the language, errors.ErrUnsupported,
// syscall.ENODEV for an interface, EADDRNOTAVAIL for an address and ESRCH for a route or a row that is not
// there, EEXIST for a row that is, and whatever the stack says.
package netsh
