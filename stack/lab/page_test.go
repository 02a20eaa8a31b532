package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hextet/hextet/internal/peertest"
	"github.com/hextet/hextet/stack"
	"github.com/hextet/hextet/stack/lab"
)

// reportSample is a lab with a bit of everything: two segments, a router, a bad wire, an address that is not to
// speak, TCP of so many bytes, UDP and echo requests.
func reportSample(tb lab.TB, size int) *lab.Lab {
	l := lab.New(tb, lab.Config{Seed: 4})
	office := l.Segment(lab.SegmentConfig{Name: "office", Impair: lab.Impairment{Latency: 2 * time.Millisecond, Loss: 0.03, Duplicate: 0.01, Corrupt: 0.01}})
	dmz := l.Segment(lab.SegmentConfig{Name: "dmz", Impair: lab.Impairment{Latency: 200 * time.Microsecond}})
	router := netip.MustParseAddr("2001:db8:1::f")
	client := l.Host(lab.HostConfig{Name: "client", Segment: office, Routers: []netip.Addr{router},
		Addresses: lab.Addresses("2001:db8:1::10/64", "2001:db8:1::11/64 deprecated", "2001:db8:1::50/64 skip", "192.0.2.10/24")})
	l.Host(lab.HostConfig{Name: "printer", Segment: office, Addresses: lab.Addresses("192.0.2.20/24", "2001:db8:1::20/64")})
	l.Host(lab.HostConfig{Name: "router", Interfaces: []lab.InterfaceConfig{
		{Segment: office, Addresses: lab.Addresses("2001:db8:1::f/64"), Stack: stack.InterfaceConfig{Forward: true}},
		{Segment: dmz, Addresses: lab.Addresses("2001:db8:2::f/64"), Stack: stack.InterfaceConfig{Forward: true}},
	}})
	web := l.Host(lab.HostConfig{Name: "web", Segment: dmz, Routers: []netip.Addr{netip.MustParseAddr("2001:db8:2::f")},
		Addresses: lab.Addresses("2001:db8:2::100/64", "2001:db8:2::50/64 skip", "2001:db8:2:0:1234:5678:9abc:def0/64 temporary")})
	l.Host(lab.HostConfig{Name: "dns", Segment: dmz, Addresses: lab.Addresses("2001:db8:2::53/64")})
	l.Sleep(2 * time.Second)
	ln, err := web.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		tb.Fatalf("%v", err)
	}
	l.Go("server", func(ctx context.Context) error {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(make([]byte, size))
		return err
	})
	pingFrom(tb, client, "2001:db8:2::100")
	c, err := client.DialContext(context.Background(), "tcp", "[2001:db8:2::100]:80")
	if err != nil {
		tb.Fatalf("%v", err)
	}
	if n, err := io.Copy(io.Discard, c); err != nil || int(n) != size {
		tb.Fatalf("%d bytes, %v", n, err)
	}
	c.Close()
	for _, to := range []string{"[2001:db8:2::53]:53", "192.0.2.20:9"} {
		c, err := client.DialContext(context.Background(), "udp", to)
		if err != nil {
			tb.Fatalf("%v", err)
		}
		c.Write([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x1c\x00\x01"))
		c.Close()
	}
	l.Sleep(time.Minute)
	return l
}

func pingFrom(tb lab.TB, h *lab.Host, to string) {
	raw, err := h.ListenRaw(58, netip.Addr{})
	if err != nil {
		tb.Fatalf("%v", err)
	}
	defer raw.Close()
	for n := range 3 {
		if _, err := raw.WriteTo([]byte{128, 0, 0, 0, 0, 7, 0, byte(n)}, nil, &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
			tb.Fatalf("%v", err)
		}
	}
}

// browse opens a page in Chromium and returns its document, and fails the test if a script did.
func browse(t *testing.T, file, fragment string, flags ...string) string {
	t.Helper()
	dom := peertest.Browse(t, file+fragment, flags...)
	if !strings.Contains(dom, `data-ready="true"`) || !strings.Contains(dom, `data-errors="0"`) {
		t.Fatalf("the page's script has not come to its end:\n%.2000s", dom)
	}
	return dom
}

// pageOf writes a lab's page.
func pageOf(t *testing.T, l *lab.Lab) string {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("LAB_PAGES"); keep != "" {
		dir = filepath.Join(keep, t.Name())
	}
	if err := l.Report(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "trace.html")
}

var tags = regexp.MustCompile(`<[^>]*>`)

// textOf is what a part of a document says.
func textOf(dom, id string) string {
	_, rest, _ := strings.Cut(dom, `id="`+id+`"`)
	_, rest, _ = strings.Cut(rest, ">")
	for _, end := range []string{"</output>", "</aside>", "</header>", "</main>", "</p>"} {
		if before, _, ok := strings.Cut(rest, end); ok && (end != "</p>" || id == "wrong") {
			return html.UnescapeString(tags.ReplaceAllString(before, " "))
		}
	}
	return html.UnescapeString(tags.ReplaceAllString(rest, " "))
}

func TestPageInBrowser(t *testing.T) {
	peertest.Chromium(t)
	l := reportSample(t, 30_000)
	file := pageOf(t, l)
	syn := l.Packets(lab.Match("syn and from client"))[0]
	dom := browse(t, file, fmt.Sprintf("#packet=%d", syn.Number))
	for _, want := range []string{
		"2001:db8:1::10", "rule 3 (avoid deprecated)", "no candidate: ", "sequence number", "MSS 1440", "router/eth0: delivered after 2 ms",
	} {
		if got := strings.Join(strings.Fields(textOf(dom, "detail")), " "); !strings.Contains(strings.ReplaceAll(got, " : ", ": "), want) {
			t.Errorf("the detail has no %q:\n%s", want, got)
		}
	}
	for _, host := range []string{"client", "printer", "router", "web", "dns"} {
		if !strings.Contains(dom, `aria-label="only packets of `+host+`"`) {
			t.Errorf("the topology has no %s", host)
		}
	}
	dom = browse(t, file, "#filter=lost")
	for _, want := range []string{`class="way lost"`, `class="cross"`, "✕ lost"} {
		if !strings.Contains(dom, want) {
			t.Errorf("a lost packet has no %s", want)
		}
	}
	want := fmt.Sprintf("%d of %d", l.Count(lab.Match("lost")), len(l.Packets()))
	if got := strings.TrimSpace(textOf(dom, "count")); got != want {
		t.Errorf("%s packets are shown, not %s", got, want)
	}
}

// The page's filters are the lab's: the same packets, the same errors.
func TestPageFiltersInBrowser(t *testing.T) {
	peertest.Chromium(t)
	l := reportSample(t, 10_000)
	file := pageOf(t, l)
	texts := []string{
		"", "tcp and not syn", "type ns or type na, on office", "host web and (udp or icmp6)", "net 2001:db8:2::/64 and len > 1000", "lost or corrupted or duplicated",
		"!(tcp||arp) && multicast", "src port 80 to client", "from router/eth1 and dst 2001:db8:2::100", "host 192.0.2.20", "type echo-request", "badsum", "port 53, not from router",
		"src net fe80::/10", "net ::/0", "net 192.0.0.0/9", "host ::ffff:1.2.3.4", "not not arp", "proto 58 code 0", "from web/eth", "fragment or igmp or rst",
		"tcp und port 80", "src", "(tcp", "tcp)", "type hello", "len 3", "port 70000", "net 1.2.3.4/33", "src 1.2.3", "from (", "src fe80::1%eth0", "net ::1/064", "host",
	}
	// What the page's own functions say of each text, as a line.
	script := `for (const text of ` + jsonOf(t, texts) + `) {
		let says;
		try { const f = parseFilter(text); says = D.packets.filter(p => f(p, p.facts)).map(p => p.n).join(" "); } catch (e) { says = e.message; }
		say(says);
	}`
	said := said(t, file, "", script)
	if len(said) != len(texts) {
		t.Fatalf("%d answers to %d filters", len(said), len(texts))
	}
	for i, text := range texts {
		want := ""
		if f, err := lab.ParseFilter(text); err != nil {
			want = strings.TrimPrefix(err.Error(), fmt.Sprintf("lab: filter %q: ", text))
		} else {
			var numbers []string
			for _, p := range l.Packets(f) {
				numbers = append(numbers, fmt.Sprint(p.Number))
			}
			want = strings.Join(numbers, " ")
		}
		if got := said[i]; got != want {
			t.Errorf("%q: %s in the page, %s in the lab", text, got, want)
		}
	}
}

// said runs a script at the end of a page and returns what it says.
func said(t *testing.T, file, fragment, script string, flags ...string) (lines []string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	file = strings.TrimSuffix(file, ".html") + "-test.html"
	const say = `const say = text => { const e = document.createElement("pre"); e.className = "says"; e.textContent = text; document.body.append(e); };`
	if err := os.WriteFile(file, append(page, "<script>"+say+script+"</script>"...), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?s)<pre class="says">(.*?)</pre>`).FindAllStringSubmatch(browse(t, file, fragment, flags...), -1) {
		lines = append(lines, html.UnescapeString(m[1]))
	}
	return lines
}

// Broken and cut frames are shown as far as they go.
func TestPageDecodesAnythingInBrowser(t *testing.T) {
	peertest.Chromium(t)
	script := `
	let luck = 1, threw = "", n = 0;
	const random = limit => { luck = (luck * 1103515245 + 12345) % 2147483648; return luck % limit; };
	for (let i = 0; i < 20000 && !threw; i++) {
		const p = D.packets[i % D.packets.length], b = p.bytes.slice(0, random(4) ? p.bytes.length : random(p.bytes.length + 1));
		for (let k = random(4); k > 0 && b.length; k--) b[Math.min(b.length - 1, 12 + random(60))] = random(256);
		const q = { ...p, bytes: b, facts: factsOf(b, b.length + random(50)) };
		try { layersOf(b, q.facts).forEach(l => { n += l.fields.length; }); kindOf(q.facts); sentence(q); parseFilter("len > 3 or port 80 or net ::/3 or type ns")(q, q.facts); } catch (e) { threw = e.stack + " " + Array.from(b); }
	}
	say(threw || (n > 50000 ? "fine" : n + " fields"));`
	if got := said(t, pageOf(t, reportSample(t, 10_000)), "", script); len(got) != 1 || got[0] != "fine" {
		t.Error(got)
	}
}

// Everything can be done with keys.
func TestPageKeysInBrowser(t *testing.T) {
	peertest.Chromium(t)
	l := reportSample(t, 10_000)
	script := `
	const chosen = () => state.at < 0 ? "none" : String(state.shown[state.at].n) + (document.getElementById("row" + state.at)?.getAttribute("aria-selected") === "true" ? "" : " unmarked");
	for (const key of ["ArrowDown", "ArrowDown", "k", "End", "Home", "PageDown", "n", "Escape", "/", "lost", "Enter", "ArrowDown", "/", "Escape"]) {
		if (key === "lost") { filterBox.value = key; applyFilter(); continue; }
		document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
		say(key + " " + chosen() + (document.activeElement === filterBox ? " typing" : "") + (filterBox.value ? " filtered" : ""));
	}`
	all, lost := l.Packets(), l.Packets(lab.Match("lost"))
	if len(lost) < 2 {
		t.Fatal("nothing was lost")
	}
	got := said(t, pageOf(t, l), "", script)
	if len(got) != 13 {
		t.Fatal(got)
	}
	got[5], got[6] = "", "" // how long a page is depends on the window, and so does the next loss
	want := []string{
		"ArrowDown 1", "ArrowDown 2", "k 1", fmt.Sprintf("End %d", len(all)), "Home 1", "", "", "Escape none", "/ none typing",
		fmt.Sprintf("Enter %d filtered", lost[0].Number), fmt.Sprintf("ArrowDown %d filtered", lost[1].Number),
		fmt.Sprintf("/ %d typing filtered", lost[1].Number), fmt.Sprintf("Escape %d typing", lost[1].Number),
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n%q, not\n%q", got, want)
	}
}

// Nothing is wider than the window, be it a telephone's.
func TestPageWidthsInBrowser(t *testing.T) {
	peertest.Chromium(t)
	file := pageOf(t, reportSample(t, 10_000))
	frames := filepath.Join(filepath.Dir(file), "frames.html")
	page := `<html data-ready="true" data-errors="0"><body><script>
	for (const width of [390, 1280]) {
		const f = document.createElement("iframe");
		f.width = width; f.height = 844; f.src = "trace.html#packet=31";
		f.onload = () => { const d = f.contentDocument, e = document.createElement("pre"); e.className = "says";
			e.textContent = [width, d.documentElement.dataset.ready, d.documentElement.scrollWidth <= width, d.querySelectorAll(".row").length > 3, getComputedStyle(d.querySelector("aside")).position].join(" ");
			document.body.append(e); };
		document.body.append(f);
	}</script></body></html>`
	if err := os.WriteFile(frames, []byte(page), 0o666); err != nil {
		t.Fatal(err)
	}
	dom := browse(t, frames, "", "--allow-file-access-from-files")
	for _, want := range []string{"390 true true true fixed", "1280 true true true sticky"} {
		if !strings.Contains(dom, ">"+want+"<") {
			t.Errorf("there is no %q in %.3000s", want, dom)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A page of 10,000 packets has a few rows only, and every packet in reach.
func TestLargePageInBrowser(t *testing.T) {
	peertest.Chromium(t)
	l := reportSample(t, 6_000_000)
	n := len(l.Packets())
	file := pageOf(t, l)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	dom := browse(t, file, fmt.Sprintf("#packet=%d", n-5))
	t.Logf("%d packets, %d KiB, in %v", n, info.Size()>>10, time.Since(start))
	if n < 10_000 {
		t.Errorf("%d packets are not many", n)
	}
	if rows := strings.Count(dom, `role="option"`); rows < 5 || rows > 100 {
		t.Errorf("%d rows are drawn", rows)
	}
	if !strings.Contains(dom, fmt.Sprintf(`id="row%d"`, n-6)) || !strings.Contains(textOf(dom, "detail"), fmt.Sprintf("Packet %d", n-5)) {
		t.Error("the packet that was asked for is not there")
	}
}
