// Package sums measures the checksum: against those of other Go libraries at many
// sizes, at sizes that no branch predictor knows, fused with a copy, fed from
// registers, and against what the processor can load.
package sums
