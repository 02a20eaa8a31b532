package icmp6_test

import (
	"fmt"
	"testing"

	"github.com/hextet/hextet/icmp6"
)

var sizes = []int{8, 64, 1232, 1452, 8952}

func BenchmarkFill(b *testing.B) {
	for _, n := range sizes {
		msg := make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFillBuffers(b *testing.B) {
	for _, n := range sizes {
		msg := make([]byte, n)
		pieces := [][]byte{msg[:8], msg[8:]}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if err := icmp6.Offset(2).FillBuffers(host1, host2, 58, pieces); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkValid(b *testing.B) {
	for _, n := range sizes {
		msg := make([]byte, n)
		if err := icmp6.SetChecksum(host1, host2, msg); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if !icmp6.Valid(host1, host2, msg) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
