// Package udp measures datagrams that cross a wire in memory and are read without loss:
// two stacks of ours on a Pipe, and two of gVisor's with gonet on its channel link.
package udp
