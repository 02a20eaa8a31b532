package srcselect

import (
	"encoding/json"
	"strings"
)

// MarshalJSON returns the explanation as an object: the query, the candidates in
// their order, the rule and, where there is one, the error's text. Rules, exclusions
// and preferences are written by name; what is false, empty or not known is left out.
func (e Explanation) MarshalJSON() ([]byte, error) {
	text := ""
	if e.Err != nil {
		text = e.Err.Error()
	}
	return json.Marshal(explanationJSON{e.Query, e.Rule, e.Tied, text, e.Candidates})
}

// UnmarshalJSON reads what MarshalJSON writes. Of the error there are the text and
// what errors.Is finds in it.
func (e *Explanation) UnmarshalJSON(text []byte) error {
	var read explanationJSON
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*e = Explanation{Query: read.Query, Rule: read.Rule, Tied: read.Tied, Candidates: read.Candidates}
	if read.Error != "" {
		e.Err = &readError{read.Error}
	}
	return nil
}

type explanationJSON struct {
	Query      Query       `json:"query"`
	Rule       Rule        `json:"rule"`
	Tied       bool        `json:"tied,omitzero"`
	Error      string      `json:"error,omitzero"`
	Candidates []Candidate `json:"candidates"`
}

// A readError is an error of Select that was written as text.
type readError struct{ text string }

func (e *readError) Error() string { return e.text }

func (e *readError) Is(target error) bool {
	if strings.HasPrefix(e.text, ErrNoSource.Error()) {
		return target == ErrNoSource
	}
	return target == ErrInvalid
}

// MarshalJSON returns the counts as an object: a member by the name of each rule that
// decided anything.
func (c RuleCounts) MarshalJSON() ([]byte, error) {
	counts := make(map[Rule]uint64)
	for r, n := range c.All() {
		counts[r] = n
	}
	return json.Marshal(counts)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *RuleCounts) UnmarshalJSON(text []byte) error {
	var counts map[Rule]uint64
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	*c = RuleCounts{}
	for r, n := range counts {
		c[r] = n
	}
	return nil
}
