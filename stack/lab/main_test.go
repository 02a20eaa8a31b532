package lab_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or, in a process that a test started, one scenario.
func TestMain(m *testing.M) {
	if seed := os.Getenv("LAB_TEST_SCENARIO"); seed != "" {
		fmt.Println(traceOf(seed))
		return
	}
	goleak.VerifyTestMain(m)
}
