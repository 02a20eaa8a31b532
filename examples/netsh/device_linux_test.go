package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
)

// The kernel's ping reaches an address that a line of netsh has assigned behind a TUN device.
func TestDevice(t *testing.T) {
	peertest.EnterNetns(t, "ping")
	h, err := onDevice("netsh0")
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	peertest.Run(t, "ip address add 192.168.1.1/24 dev netsh0")
	peertest.Run(t, "ip link set netsh0 up")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := out.WriteString("Netsh int ipv4 add address \"Local Area Connection\" 192.168.1.5 255.255.255.0 skipassource=true\n"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := h.serve(t.Context(), in, t.Output()); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ping", "-c", "2", "-i", "0.2", "-W", "5", "192.168.1.5").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
