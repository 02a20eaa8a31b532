package arrows

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hextet/hextet"

// Modules by the names that the table uses.
var external = map[string]string{
	"x/net":    "golang.org/x/net",
	"x/sys":    "golang.org/x/sys",
	"x/term":   "golang.org/x/term",
	"gVisor":   "gvisor.dev/gvisor",
	"gopacket": "github.com/google/gopacket",
	"dns":      "github.com/miekg/dns",
	"gokrb5":   "github.com/jcmturner/gokrb5",
}

// A row says what a package and all below it, unless they have a row of their own, may import besides
// the standard library, and why not more.
type row struct {
	allowed []string
	reason  string
}

var table = map[string]row{
	"srcselect":         {nil, "source selection is pure: anyone can import it, check it against the RFC and run it anywhere"},
	"icmp6/checksum":    {[]string{"x/sys/cpu"}, "the checksum core is a leaf that every other package may build on"},
	"icmp6":             {[]string{"icmp6/checksum", "x/net"}, "RFC 3542's rules hold for any stack, the kernel's too, so they know none"},
	"icmp6/conformance": {[]string{"icmp6", "x/net"}, "the suite judges any raw socket, so it knows no stack"},
	"dnsreg":            {[]string{"srcselect", "dns", "x/net/idna"}, "registration sees addresses through a Source and the network through a Dial: it serves hosts that run no stack of ours"},
	"dnsreg/dnsregtest": {[]string{"dns"}, "the test server judges the registrar and therefore shares no code with it"},
	"dnsreg/gss":        {[]string{"dnsreg", "gokrb5", "dns"}, "Kerberos is linked only by those who import this package"},
	"stack":             {[]string{"srcselect", "icmp6", "icmp6/checksum", "gVisor", "x/net", "stack/internal", "stack/offload"}, "the stack joins selection and checksum over gVisor; registration and capture plug in from outside"},
	"stack/internal":    {[]string{"srcselect", "icmp6", "icmp6/checksum", "gVisor", "x/net", "stack/internal", "stack/offload"}, "gVisor stays behind one door"},
	"stack/lab":         {[]string{"srcselect", "icmp6", "icmp6/checksum", "dnsreg", "dnsreg/dnsregtest", "gopacket", "stack", "stack/capture", "stack/internal", "stack/netsh", "stack/offload", "stack/vxlan", "x/net"}, "a lab joins everything: it serves tests, so its weight is nobody's but theirs"},
	"stack/netsh":       {[]string{"srcselect", "stack"}, "a language over any stack: who registers in DNS plugs in from outside, and a terminal is its caller's"},
	"stack/offload":     {[]string{"icmp6/checksum"}, "every link shares it, and no link may cost its importers a stack"},
	"stack/capture":     {[]string{"gopacket", "stack/offload"}, "a tap knows packets, not stacks: it must not cost its importers gVisor"},
	"stack/tun":         {[]string{"x/sys", "x/net", "stack/offload"}, "a link knows packets, not stacks"},
	"stack/vxlan":       {[]string{"x/sys", "x/net"}, "a link knows packets, not stacks"},
	"examples":          {[]string{"srcselect", "icmp6", "icmp6/checksum", "dnsreg", "dnsreg/dnsregtest", "stack", "stack/capture", "stack/lab", "stack/netsh", "stack/tun", "stack/vxlan", "x/net", "x/sys", "x/term"}, "examples use what users can use"},
	"internal/arrows":   {nil, "it only reads source text"},
	"internal/dnspeer":  {[]string{"dns", "internal/peertest"}, "the real servers judge the registrar and therefore know nothing of it"},
}

// rowOf finds the row of a package: its own, or that of the nearest package above.
func rowOf(pkg string) (string, row, bool) {
	for name := pkg; name != "." && name != ""; name = filepath.ToSlash(filepath.Dir(name)) {
		if r, ok := table[name]; ok {
			return name, r, true
		}
	}
	return "", row{}, false
}

// permits reports whether an import path is one of r's. A package of this module is permitted by its
// exact name, or as part of an internal tree or of examples.
func (r row) permits(path string) bool {
	inside, own := strings.CutPrefix(path, module+"/")
	for _, a := range r.allowed {
		if own {
			if inside == a || strings.HasSuffix(a, "internal") && strings.HasPrefix(inside, a+"/") {
				return true
			}
			continue
		}
		name, rest, _ := strings.Cut(a, "/")
		if name == "x" { // x/net, x/net/idna
			repo, sub, _ := strings.Cut(rest, "/")
			name, rest = "x/"+repo, sub
		}
		full, ok := external[name]
		if rest != "" {
			full += "/" + rest
		}
		if ok && (path == full || strings.HasPrefix(path, full+"/")) {
			return true
		}
	}
	return false
}

// standard reports whether path belongs to the standard library: its first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// eachImport calls f for every import of every non-test Go file below root, whatever its build tags.
func eachImport(t *testing.T, root string, f func(file, pkg, path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if name := d.Name(); rel != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil && rel != "." {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f(rel, filepath.ToSlash(filepath.Dir(rel)), path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	eachImport(t, "../..", func(file, pkg, path string) {
		if pkg == "internal/arrows" || standard(path) {
			return
		}
		name, r, ok := rowOf(pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in the table of arrows: decide what it may import, and why", file, pkg)
			return
		}
		seen[name] = true
		if !r.permits(path) {
			t.Errorf("%s imports %s, which %s may not: %s", file, path, name, r.reason)
		}
	})
	if len(seen) < 5 {
		t.Errorf("only %d packages were looked at: %v", len(seen), seen)
	}
}

// The table itself must be able to say no.
func TestArrowsRefuse(t *testing.T) {
	for _, tt := range []struct{ pkg, path string }{
		{"srcselect", module + "/icmp6"},
		{"srcselect", "golang.org/x/net/ipv6"},
		{"icmp6/checksum", "golang.org/x/sys/unix"},
		{"icmp6", module + "/stack"},
		{"icmp6/conformance", module + "/icmp6/checksum"},
		{"icmp6/conformance", module + "/stack"},
		{"stack/vxlan", module + "/stack"},
		{"dnsreg", module + "/stack"},
		{"dnsreg", "golang.org/x/net/ipv6"},
		{"dnsreg/dnsregtest", module + "/dnsreg"},
		{"dnsreg", module + "/dnsreg/gss"},
		{"dnsreg", "github.com/jcmturner/gokrb5/v8/client"},
		{"dnsreg/gss", module + "/stack"},
		{"stack", module + "/dnsreg"},
		{"stack", module + "/stack/tun"},
		{"stack/capture", "gvisor.dev/gvisor/pkg/tcpip"},
		{"stack/capture", module + "/stack"},
		{"stack/tun", module + "/stack/internal/engine"},
		{"stack/netsh", module + "/dnsreg"},
		{"stack/netsh", "golang.org/x/term"},
		{"examples/quickstart", "gvisor.dev/gvisor/pkg/tcpip"},
	} {
		if _, r, ok := rowOf(tt.pkg); !ok || r.permits(tt.path) {
			t.Errorf("%s may import %s", tt.pkg, tt.path)
		}
	}
	for _, tt := range []struct{ pkg, path string }{
		{"icmp6/checksum", "golang.org/x/sys/cpu"},
		{"dnsreg", "golang.org/x/net/idna"},
		{"dnsreg/gss", "github.com/jcmturner/gokrb5/v8/messages"},
		{"stack", module + "/stack/internal/engine"},
		{"stack/internal/engine", "gvisor.dev/gvisor/pkg/tcpip/stack"},
		{"examples/quickstart", module + "/stack/capture"},
		{"examples/netsh", "golang.org/x/term"},
		{"stack/netsh", module + "/stack"},
	} {
		if _, r, ok := rowOf(tt.pkg); !ok || !r.permits(tt.path) {
			t.Errorf("%s may not import %s", tt.pkg, tt.path)
		}
	}
}
