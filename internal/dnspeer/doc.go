// Package dnspeer runs real name servers (BIND, Knot DNS, PowerDNS) for tests and benchmarks: each on a
// loopback port of its own, with zones of the caller's, as the caller's user and in the caller's directory.
//
// [Start] serves a test, which skips when the server is not installed and fails when it misbehaves. [Launch]
// serves programs and returns errors. Both return when the server answers for every zone. [StartProgram] runs
// what name servers need beside them, such as a KDC. None leaves a process behind, on Linux not even when the
// program panics. Servers run in the network namespace of the program, not in that of a goroutine.
//
// It builds on Unix-like systems only.
package dnspeer
