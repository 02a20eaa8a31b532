package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/hextet/hextet/bench/internal/measure"
)

// longest is how long a line of results may be. An error text is the only part of a row
// without a length of its own.
const longest = 1 << 20

// Read reads rows that were written as JSON, one a line. Its errors name the line and the
// rule that it breaks; there are no rows then.
func Read(r io.Reader) ([]Row, error) {
	var rows []Row
	seen := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	n := 0
	for lines.Scan() {
		n++
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("report: line %d: %w", n, err)
		}
		if before, ok := seen[row.Name]; ok {
			return nil, fmt.Errorf("report: line %d: %s is in line %d already", n, row.Name, before)
		}
		seen[row.Name] = n
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("report: line %d: %w", n+1, err)
	}
	return rows, nil
}

// UnmarshalJSON reads what MarshalJSON wrote, and nothing else.
func (r *Row) UnmarshalJSON(text []byte) error {
	var l line
	if err := strict(text, &l); err != nil {
		return err
	}
	if err := l.valid(); err != nil {
		return err
	}
	*r = Row{
		Name: l.Name, Unit: l.Unit, PeerName: l.PeerName, Goal: Goal{Kind: l.GoalKind},
		OK: l.OK, Verdict: measure.Verdict(l.Verdict), Runs: l.Runs, Spread: l.Spread, Outliers: l.Outliers,
	}
	if l.Error != "" {
		r.Err = errors.New(l.Error)
	}
	for to, from := range map[*float64]*float64{&r.Ours: l.Ours, &r.Peer: l.Peer, &r.Ratio: l.Ratio, &r.Goal.Value: l.Goal} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*[2]float64]*quartiles{&r.OursQuartiles: l.OursQuartiles, &r.PeerQuartiles: l.PeerQuartiles, &r.RatioQuartiles: l.RatioQuartiles} {
		if from != nil {
			*to = *from
		}
	}
	return nil
}

// strict decodes an object that has every name of l's, and no other. Package json alone
// would take a missing one for zero.
func strict(text []byte, l *line) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(l); err != nil {
		return err
	}
	var has map[string]json.RawMessage
	if err := json.Unmarshal(text, &has); err != nil {
		return err
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[line]()) {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if _, ok := has[name]; !ok && option == "" {
			return fmt.Errorf("no %q", name)
		}
	}
	return nil
}

// valid says which rule of a row is broken.
func (l *line) valid() error {
	peer := l.PeerName != ""
	switch {
	case l.Name == "":
		return errors.New(`"name" is empty`)
	case l.Error != "" && (l.OK || l.Ours != nil || l.Peer != nil || l.Ratio != nil):
		return fmt.Errorf("%s has an error and figures", l.Name)
	case l.Error != "":
		return nil
	case l.Ours == nil || l.Unit == "" || l.Runs < 1:
		return fmt.Errorf(`%s has no error, so it needs "ours", "unit" and at least one of "runs"`, l.Name)
	case peer != (l.Peer != nil) || peer != (l.Ratio != nil) || peer != (l.PeerQuartiles != nil) || peer != (l.RatioQuartiles != nil):
		return fmt.Errorf(`%s needs all of "peer_name", "peer", "ratio" and their quartiles, or none`, l.Name)
	case (peer || l.Runs > 1) != (l.OursQuartiles != nil):
		return fmt.Errorf(`%s needs "ours_quartiles" exactly if there is a peer or more than one round`, l.Name)
	case l.Unit == "ns" && (*l.Ours <= 0 || peer && *l.Peer <= 0):
		return fmt.Errorf("%s: a time that is not above zero", l.Name)
	case !l.GoalKind.known():
		return fmt.Errorf("%s: there is no goal_kind %q", l.Name, l.GoalKind)
	case l.GoalKind.valued() != (l.Goal != nil):
		return fmt.Errorf(`%s: goal_kind %q and "goal" don't fit`, l.Name, l.GoalKind)
	case l.Spread < 0 || l.Outliers < 0 || l.Outliers > l.Runs:
		return fmt.Errorf("%s: spread %v, %d outliers of %d runs", l.Name, l.Spread, l.Outliers, l.Runs)
	}
	return l.validWords()
}

// validWords checks the verdict and the order of quartiles.
func (l *line) validWords() error {
	switch measure.Verdict(l.Verdict) {
	case "", measure.Faster, measure.Slower, measure.Same:
	default:
		return fmt.Errorf("%s: there is no verdict %q", l.Name, l.Verdict)
	}
	for _, q := range []*quartiles{l.OursQuartiles, l.PeerQuartiles, l.RatioQuartiles} {
		if q != nil && q[0] > q[1] {
			return fmt.Errorf("%s: quartiles %v are not in order", l.Name, *q)
		}
	}
	return nil
}
