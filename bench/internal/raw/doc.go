// Package raw measures sends of small ICMPv6 messages from raw sockets: against gVisor's
// raw endpoint and Linux's raw socket, with few addresses on the interface and with many.
package raw
