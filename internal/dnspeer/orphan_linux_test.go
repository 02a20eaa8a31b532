package dnspeer

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
)

// A program that is killed takes its servers with it.
func TestServersDieWithTheProgram(t *testing.T) {
	const role = "DNSPEER_TEST_ROLE"
	if os.Getenv(role) != "" { // the program
		s, err := Launch(t.TempDir(), Knot, Config{Zones: []Zone{example}})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("serves at " + s.Address + "\n")
		io.Copy(io.Discard, os.Stdin)
		s.Close()
		return
	}
	peertest.DNS.Tools(t, recipes[Knot].tools...)
	program := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheProgram$")
	program.Env = append(os.Environ(), role+"=program")
	if _, err := program.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "serves at ")
	program.Process.Kill()
	program.Wait()
	if !ok {
		t.Fatalf("it says %q, %v", line, err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); probe(address) != nil; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s is still in use", address)
		}
	}
}
