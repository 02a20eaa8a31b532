// Package limit has the loops that bound what a checksum can do on a processor: load
// every byte and do nothing with it, and be called at all.
package limit
