// Package networks measures whole networks in memory, those of stack/lab: how fast hosts
// start, what they exchange, how fast their time passes and what they take; against
// network namespaces of Linux and stacks of gVisor, which are joined in the same way.
package networks
