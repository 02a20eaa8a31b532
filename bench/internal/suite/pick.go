package suite

import (
	"fmt"
	"slices"
	"strings"
)

// Pick returns the cases that only names, in their own order: whole names or beginnings
// of names up to a slash, separated by commas. Empty: all of them.
func Pick(cases []Case, only string) ([]Case, error) {
	if only == "" {
		return cases, nil
	}
	wanted := strings.Split(only, ",")
	hit := make([]bool, len(wanted))
	var picked []Case
	for _, c := range cases {
		found := false
		for i, w := range wanted {
			if c.Name == w || strings.HasPrefix(c.Name, strings.TrimSuffix(w, "/")+"/") {
				hit[i], found = true, true
			}
		}
		if found {
			picked = append(picked, c)
		}
	}
	if i := slices.Index(hit, false); i >= 0 {
		return nil, fmt.Errorf("suite: nothing is called %q; parts: %s", wanted[i], strings.Join(parts(cases), ", "))
	}
	return picked, nil
}

// parts returns the first elements of the cases' names.
func parts(cases []Case) (names []string) {
	for _, c := range cases {
		if p, _, _ := strings.Cut(c.Name, "/"); !slices.Contains(names, p) {
			names = append(names, p)
		}
	}
	return names
}
