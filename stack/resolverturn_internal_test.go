package stack

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Of the two goroutines of a lookup one asks for both. The other has its answer whenever it comes, also if it looked
// at the clock long before. The next lookup asks anew.
func TestLateGoroutineOfALookup(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	answered := start.Add(7 * time.Millisecond)
	both := fmt.Sprint([]dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA})
	for _, late := range []time.Time{start, start.Add(time.Millisecond), answered} {
		var r rounds
		q := dnsmessage.Question{Name: dnsmessage.MustNewName("www.example.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
		first, types := r.join(start, false, false, q)
		if fmt.Sprint(types) != both {
			t.Fatal(types)
		}
		msg := make([]byte, 12)
		r.end(first, answered, map[slot]reply{{dnsmessage.TypeA, false}: {msg: msg}, {dnsmessage.TypeAAAA, false}: {msg: msg}})
		q.Type = dnsmessage.TypeAAAA
		if other, types := r.join(late, false, false, q); other != first || len(types) > 0 {
			t.Errorf("%v after the first question: asks for %v", late.Sub(start), types)
		}
		if next, types := r.join(answered.Add(1), false, false, q); next == first || fmt.Sprint(types) != both {
			t.Errorf("the next lookup asks for %v", types)
		}
	}
}
