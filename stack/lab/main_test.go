package lab_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or what a process that a test started is for.
func TestMain(m *testing.M) {
	if seed := os.Getenv("LAB_TEST_SCENARIO"); seed != "" {
		fmt.Println(traceOf(seed))
		return
	}
	if os.Getenv("LAB_TEST_BUSY") != "" {
		beBusy()
		return
	}
	goleak.VerifyTestMain(m)
}
