package main

import (
	"os"
	"testing"
)

// The second process is this one's program once more, which is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-peer" {
		main()
		return
	}
	os.Exit(m.Run())
}

func Example() {
	main()
	// Output: 1 router in the other process; its network says: hello from the first process
}
