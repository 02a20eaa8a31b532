//go:build !android

package main

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/srcselect"
)

func (w watched) untilThere(prefix string, ok func(srcselect.Address) bool) {
	w.t.Helper()
	w.until(prefix, func(all map[string]srcselect.Address) bool { a, there := all[prefix]; return there && ok(a) })
}

func preferred(a srcselect.Address) bool {
	return !a.Tentative && !a.Optimistic && !a.Deprecated && !a.Temporary && !a.HomeAddress && !a.SkipAsSource
}

// The kernel's addresses are in the table with their flags, and changes are heard of.
func TestHostTable(t *testing.T) {
	peertest.EnterNetns(t)
	peertest.Run(t, "ip link add reg0 type veth peer name reg1")
	peertest.Run(t, "ip link set reg1 up")
	table, stop, err := hostTable(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	w := watched{table, t}
	w.untilThere("127.0.0.1/8", preferred)

	// Without a carrier duplicate address detection waits, so tentative stays.
	peertest.Run(t, "ip link set reg1 down")
	peertest.Run(t, "ip link set reg0 up")
	peertest.Run(t, "ip address add 2001:db8::1/64 dev reg0")
	w.untilThere("2001:db8::1/64", func(a srcselect.Address) bool { return a.Tentative })
	peertest.Run(t, "ip link set reg1 up")
	w.untilThere("2001:db8::1/64", preferred)

	peertest.Run(t, "ip address add 192.0.2.7/24 dev reg0")
	w.untilThere("192.0.2.7/24", func(a srcselect.Address) bool { return preferred(a) && table.interfaceNames()[a.Interface] == "reg0" })
	peertest.Run(t, "ip address add 192.0.2.8/24 dev reg0") // IFA_F_SECONDARY, the same bit as IFA_F_TEMPORARY
	w.untilThere("192.0.2.8/24", preferred)
	peertest.Run(t, "ip address change 192.0.2.8/24 dev reg0 preferred_lft 0")
	w.untilThere("192.0.2.8/24", func(a srcselect.Address) bool { return a.Deprecated })
	peertest.Run(t, "ip address add 192.0.2.9 peer 198.51.100.9/32 dev reg0")
	w.untilThere("192.0.2.9/32", preferred) // ours, not the peer's

	peertest.Run(t, "ip address add 2001:db8::2/64 dev reg0 nodad")
	w.untilThere("2001:db8::2/64", preferred)
	peertest.Run(t, "ip address change 2001:db8::2/64 dev reg0 preferred_lft 0")
	w.untilThere("2001:db8::2/64", func(a srcselect.Address) bool { return a.Deprecated })
	peertest.Run(t, "ip address add 2001:db8::3/64 dev reg0 home nodad")
	w.untilThere("2001:db8::3/64", func(a srcselect.Address) bool { return a.HomeAddress })
	peertest.Run(t, "ip address add 2001:db8::4/64 dev reg0 optimistic")
	w.untilThere("2001:db8::4/64", func(a srcselect.Address) bool { return !a.Tentative })

	peertest.Run(t, "ip address del 192.0.2.7/24 dev reg0")
	w.until("removal", func(all map[string]srcselect.Address) bool { _, there := all["192.0.2.7/24"]; return !there })
	peertest.Run(t, "ip link del reg0")
	w.until("the interface's end", func(all map[string]srcselect.Address) bool { return len(all) <= 2 }) // 127.0.0.1, ::1
}

// An interface that gets another name is heard of, though of its IPv6 addresses the kernel says nothing: settings
// choose by name.
func TestHostTableRenamed(t *testing.T) {
	peertest.EnterNetns(t)
	peertest.Run(t, "ip link add reg0 type veth peer name reg1")
	peertest.Run(t, "ip address add 2001:db8::7/64 dev reg0")
	table, stop, err := hostTable(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	w := watched{table, t}
	w.untilThere("2001:db8::7/64", func(a srcselect.Address) bool { return table.interfaceNames()[a.Interface] == "reg0" })
	peertest.Run(t, "ip link set reg0 name wan0")
	w.untilThere("2001:db8::7/64", func(a srcselect.Address) bool { return table.interfaceNames()[a.Interface] == "wan0" })
}

// Temporary addresses (RFC 8981), which the kernel makes beside one that manages them.
func TestHostTableTemporary(t *testing.T) {
	peertest.EnterNetns(t, "sysctl")
	peertest.Run(t, "ip link add reg0 type veth peer name reg1")
	peertest.Run(t, "sysctl -qw net.ipv6.conf.reg0.use_tempaddr=1 net.ipv6.conf.reg0.accept_dad=0")
	peertest.Run(t, "ip link set reg1 up")
	peertest.Run(t, "ip link set reg0 up")
	table, stop, err := hostTable(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	peertest.Run(t, "ip address add 2001:db8::5/64 dev reg0 mngtmpaddr valid_lft 3600 preferred_lft 3600")
	watched{table, t}.until("a temporary address", func(all map[string]srcselect.Address) bool {
		for prefix, a := range all {
			if a.Temporary && strings.HasPrefix(prefix, "2001:db8:") && prefix != "2001:db8::5/64" {
				return !all["2001:db8::5/64"].Temporary
			}
		}
		return false
	})
}

// Two thousand addresses, added in one go, are all there in the end, and the table is that of the ip command.
func TestHostTableMany(t *testing.T) {
	peertest.EnterNetns(t)
	peertest.Run(t, "ip link add reg0 type veth peer name reg1")
	table, stop, err := hostTable(slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var batch strings.Builder
	want := make(map[string]bool)
	for i := range 1000 {
		for _, prefix := range []string{fmt.Sprintf("10.7.%d.%d/32", i/250, i%250+1), fmt.Sprintf("2001:db8::%x/128", i+1)} {
			fmt.Fprintf(&batch, "address add %s dev reg0\n", prefix)
			want[prefix] = true
		}
	}
	file := filepath.Join(t.TempDir(), "batch")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	peertest.Run(t, "ip -batch "+file)
	watched{table, t}.until("2000 addresses", func(all map[string]srcselect.Address) bool {
		got := make(map[string]bool)
		for prefix := range all {
			if want[prefix] {
				got[prefix] = true
			}
		}
		return maps.Equal(got, want)
	})
}
