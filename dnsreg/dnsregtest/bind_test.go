package dnsregtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// bindConf gives BIND the keys of bindConfig and the limits that this package states.
const bindConf = `
key "upd.test." { algorithm hmac-sha256; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
key "one.test." { algorithm hmac-sha1; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
key "two.test." { algorithm hmac-sha224; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
key "three.test." { algorithm hmac-sha384; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
key "five.test." { algorithm hmac-sha512; secret "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="; };
options { directory "%s"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
  listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; max-records-per-type 100;
  recursion no; dnssec-validation no; notify no; empty-zones-enable no; allow-transfer { 127.0.0.1; }; };
controls { };
`

// startBind serves the zones of s, as they are, by a BIND on loopback, and returns its address.
func startBind(t *testing.T, s *Server) (address string) {
	t.Helper()
	peertest.DNS.Tools(t, "named")
	dir := t.TempDir()
	// AppArmor knows named by its path, and lets that read no configuration but its own.
	path, err := exec.LookPath("named")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "named"), program, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 { // another program may take the port meanwhile
		port := freePort(t)
		conf := fmt.Sprintf(bindConf, dir, port)
		for name, z := range s.zones {
			right := "allow-update { key upd.test.; key one.test.; key two.test.; key three.test.; key five.test.; };"
			if z.readOnly {
				right = ""
			}
			conf += fmt.Sprintf("zone %q { type primary; file %q; %s };\n", name, name+"zone", right)
			var lines []string
			for _, r := range s.Zone(name) {
				if line := r.String() + "\n"; r.Type == "SOA" {
					lines = append([]string{line}, lines...)
				} else {
					lines = append(lines, line)
				}
			}
			writeFile(t, filepath.Join(dir, name+"zone"), strings.Join(lines, ""))
		}
		writeFile(t, filepath.Join(dir, "named.conf"), conf)
		if runNamed(t, dir) {
			return fmt.Sprintf("127.0.0.1:%d", port)
		}
	}
	t.Fatal("named did not come up")
	return ""
}

// runNamed starts named and waits until it says that it runs, or that it doesn't.
func runNamed(t *testing.T, dir string) bool {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "named"), "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running, drained := make(chan bool, 2), make(chan struct{})
	var said []string
	go func() {
		defer close(drained)
		up, listening := false, true
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said = append(said, lines.Text())
			if strings.HasSuffix(lines.Text(), "address in use") {
				listening = false // named runs on without the port
			}
			if !up && strings.HasSuffix(lines.Text(), " running") {
				up = true
				running <- listening
			}
		}
		running <- false
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		cmd.Wait()
		if t.Failed() {
			t.Logf("named said:\n%s", strings.Join(said, "\n"))
		}
	})
	return <-running
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	for range 16 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		pc, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			pc.Close()
			return port
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return 0
}
