package checksum

// Update returns the checksum field of a packet after one of its 16-bit words
// changed from old to new. field is the field's value before, as the packet has
// it (complemented). The word must begin at an even offset from the start of the
// summed data. A 32-bit value is updated by two calls.
//
// RFC 1624 section 3, equation 3, where HC is the old checksum in the header, m
// the old value of a 16-bit field and m' the new one:
//
//	HC' = ~(~HC + ~m + m')
//
// The result equals a new computation, apart from data that is nothing but zeros,
// which no checksum with a pseudo-header covers. For UDP a result of 0 must be
// sent as 0xffff, and a field of 0 over IPv4 means that there is none to update.
func Update(field, old, new uint16) uint16 {
	s := uint32(^field) + uint32(^old) + uint32(new)
	s = s&0xffff + s>>16
	return ^uint16(s + s>>16)
}
