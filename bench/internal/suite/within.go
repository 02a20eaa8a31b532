package suite

import "strings"

// Within says whether a row is of those that only names; see Pick. The names of a case's
// rows begin with its own, so that this holds for cases that are no more, too.
func Within(row, only string) bool {
	if only == "" {
		return true
	}
	for w := range strings.SplitSeq(only, ",") {
		if row == w || strings.HasPrefix(row, strings.TrimSuffix(w, "/")+"/") {
			return true
		}
	}
	return false
}
