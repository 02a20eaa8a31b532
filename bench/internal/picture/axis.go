package picture

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// An axis says what is measured along it.
type axis struct {
	what   string // "addresses", "GB/s"
	log    bool
	format func(float64) string // of a tick's value
}

// Scales of 1, 2 and 5 times a power of ten.
var steps = []float64{1, 2, 5}

// ends returns where an axis for values from low to high begins and stops.
func (a axis) ends(low, high float64) (first, last float64) {
	if !a.log {
		step := linearStep(high)
		return 0, step * max(1, math.Ceil(high/step-1e-9))
	}
	if low == high {
		low, high = low/2, high*2
	}
	return below(low), 1 / below(1/high)
}

// below returns the largest 1, 2 or 5 times a power of ten that v reaches.
func below(v float64) float64 {
	power := math.Pow10(exponent(v))
	for i := len(steps) - 1; i > 0; i-- {
		if steps[i]*power <= v*(1+1e-9) {
			return steps[i] * power
		}
	}
	return power
}

// farthest is the largest power of ten on an axis, and the smallest: hours and years are within
// it, and what a hostile file says isn't.
const farthest = 30

// exponent is the power of ten that v reaches.
func exponent(v float64) int {
	if !(v > 0) {
		return -farthest
	}
	return int(min(max(math.Floor(math.Log10(v)+1e-9), -farthest), farthest))
}

// linearStep returns the distance of about five ticks up to high.
func linearStep(high float64) float64 {
	if high <= 0 {
		return 1
	}
	return 1 / below(5/high)
}

const mostTicks = 10 // more than any linearStep leaves room for

// ticks returns the marks between two ends. Those without a label are small.
func (a axis) ticks(first, last float64) (ticks []plot.Tick) {
	if !a.log {
		step := linearStep(last)
		for i := 0; i <= mostTicks && float64(i)*step <= last*(1+1e-9); i++ {
			ticks = append(ticks, plot.Tick{Value: float64(i) * step, Label: a.format(float64(i) * step)})
		}
		return ticks
	}
	decades := math.Log10(last / first)
	for e := exponent(first); e <= exponent(last); e++ {
		for m := range 9 {
			v := math.Pow10(e) * float64(m+1)
			if v < first*(1-1e-9) || v > last*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 0 || decades < 1.6 && (m == 1 || m == 4) {
				t.Label = a.format(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// dress gives a gonum axis its looks.
func (a axis) dress(to *plot.Axis, low, high float64) {
	to.Min, to.Max = a.ends(low, high)
	to.Tick.Marker = plot.ConstantTicks(a.ticks(to.Min, to.Max))
	if a.log {
		to.Scale = plot.LogScale{}
	}
	to.Padding, to.Tick.Length = 0, 5
	to.Color, to.Width = faint, 1
	to.Tick.Color, to.Tick.Width = faint, 1
	to.Tick.Label.Color, to.Tick.Label.Font = faint, plain(words)
}

// labelled returns the values of the ticks that have a label.
func (a axis) labelled(low, high float64) (values []float64) {
	for _, t := range a.ticks(a.ends(low, high)) {
		if t.Label != "" {
			values = append(values, t.Value)
		}
	}
	return values
}

// noBreak is a space between a figure and its unit, where lines are not broken.
const noBreak = "\u00a0"

// thousands writes 10,000.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// kilo writes 10k, which fits beside other ticks.
func kilo(v float64) string {
	switch {
	case v >= 1e6*(1-1e-9):
		return short(v/1e6) + "M"
	case v >= 1e3*(1-1e-9):
		return short(v/1e3) + "k"
	}
	return short(v)
}

// duration writes nanoseconds in the unit that makes them short.
func duration(ns float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= u.size*(1-1e-9) {
			return short(ns/u.size) + noBreak + u.name
		}
	}
	return short(ns) + noBreak + "ns"
}

// octets writes bytes in thousands.
func octets(v float64) string {
	switch {
	case v >= 1e6*(1-1e-9):
		return short(v/1e6) + noBreak + "MB"
	case v >= 1e3*(1-1e-9):
		return short(v/1e3) + noBreak + "kB"
	}
	return short(v) + noBreak + "B"
}

// short writes three significant digits.
func short(v float64) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // what FormatFloat wrote parses
	return strconv.FormatFloat(v, 'f', -1, 64)
}

const tickRoom = vg.Length(words) + 10 // below a horizontal axis
