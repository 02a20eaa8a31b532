//go:build race

package checksum_test

func init() { thin = true }
