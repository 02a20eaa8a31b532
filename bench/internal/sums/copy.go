package sums

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/hextet/hextet/bench/internal/measure"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/suite"
	"github.com/hextet/hextet/icmp6/checksum"
)

// copyCases compare Copy with Sum of the source followed by copy, the faster order of
// the two, and with copy alone, the limit.
func copyCases() (cases []suite.Case) {
	for _, n := range []int{64, 576, 1500, 9000, 65535} {
		cases = append(cases, suite.Case{Name: fmt.Sprintf("checksum/copy/%d", n), Open: func(context.Context) (*suite.Bench, error) {
			return copyBench(n), nil
		}})
	}
	return cases
}

func copyBench(n int) *suite.Bench {
	src, dst := payload(n), make([]byte, n)
	goal := report.Goal{}
	if n >= 1500 {
		goal = report.Goal{Kind: report.AtLeast, Value: 1.3}
	}
	return &suite.Bench{
		Check: func() error {
			if got := checksum.Copy(dst, src, 0); got != checksum.Sum(src, 0) || !bytes.Equal(dst, src) {
				return errors.New("sums: Copy is not copy and Sum")
			}
			return nil
		},
		Contenders: []measure.Contender{
			{Name: "Copy", Run: func(n int) {
				var s uint16
				for range n {
					s += checksum.Copy(dst, src, 0)
				}
				runtime.KeepAlive(s)
			}},
			{Name: "Sum then copy", Run: func(n int) {
				var s uint16
				for range n {
					s += checksum.Sum(src, 0)
					copy(dst, src)
				}
				runtime.KeepAlive(s)
			}},
			{Name: "copy alone", Run: func(n int) {
				for range n {
					copy(dst, src)
				}
			}},
		},
		Rows: []suite.Row{{Name: "sum-then-copy", Ours: 0, Peer: 1, Goal: goal}, {Name: "copy-alone", Ours: 0, Peer: 2}},
	}
}
