package lab

import (
	"bufio"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hextet/hextet/srcselect"
)

//go:embed page*.html page*.css page*.js
var pageFiles embed.FS

// The scripts of the page, in their order.
var pageScripts = []string{"pagedecode.js", "pagefilter.js", "pagetopology.js", "pageladder.js", "pagedetail.js", "page.js"}

const (
	maxPagePackets = 50_000 // the latest
	maxPageBytes   = 1514   // of a packet
	maxPageBulk    = 160    // of one with TCP, or with a payload that the page does not decode
)

// WritePage writes the trace as one HTML file that needs no network and no other file: the topology, a
// ladder diagram of the packets over time, why each source was chosen, and headers field by field. It has
// the latest 50,000 packets, and of long ones the beginning.
func (l *Lab) WritePage(w io.Writer) error {
	data, err := json.Marshal(l.page())
	if err != nil {
		return fmt.Errorf("lab: page: %w", err)
	}
	out := bufio.NewWriter(w)
	rest := pageFile("page.html")
	for _, part := range []struct {
		mark string
		text func() string
	}{
		{"{{title}}", func() string { return html.EscapeString(l.title()) }},
		{"{{style}}", func() string { return pageFile("page.css") }},
		{"{{data}}", func() string { return string(data) }}, // in which json has escaped all "<"
		{"{{script}}", pageScript},
	} {
		before, after, _ := strings.Cut(rest, part.mark)
		out.WriteString(before)
		out.WriteString(part.text())
		rest = after
	}
	out.WriteString(rest)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("lab: page: %w", err)
	}
	return nil
}

func pageFile(name string) string {
	b, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(b)
}

func pageScript() string {
	var b strings.Builder
	for _, name := range pageScripts {
		b.WriteString(pageFile(name))
	}
	return b.String()
}

func (l *Lab) title() string {
	if l.tb == nil {
		return "hextet lab"
	}
	return l.tb.Name()
}

// The page's data. Packets refer to the lists by index.
type pageData struct {
	Title     string        `json:"title"`
	Failed    bool          `json:"failed"`
	Failures  []string      `json:"failures"` // as far as the lab knows
	Start     time.Time     `json:"start"`
	LeftOut   int           `json:"leftOut"`
	Segments  []pageSegment `json:"segments"`
	Hosts     []pageHost    `json:"hosts"`
	Ports     []string      `json:"ports"`
	Receivers [][]int       `json:"receivers"` // lists of ports
	Choices   []pageChoice  `json:"choices"`
	Packets   []pagePacket  `json:"packets"`
}

type pageSegment struct {
	Name string `json:"name"`
	MTU  int    `json:"mtu"`
}

type pageChoice struct {
	Source  string    `json:"source"`
	Why     string    `json:"why"`
	Ruled   bool      `json:"ruled"` // a rule chose
	Query   string    `json:"query"`
	Rows    []pageRow `json:"rows"`
	Omitted int       `json:"omitted"`
}

type pageRow struct {
	Address string `json:"address"`
	Flags   string `json:"flags"`
	Verdict string `json:"verdict"`
	Chosen  bool   `json:"chosen"`
}

type pagePacket struct {
	Number  int        `json:"n"`
	Time    int64      `json:"t"` // nanoseconds since the start
	Segment int        `json:"g"`
	From    int        `json:"f"`
	Choice  int        `json:"c"` // -1: none
	Bad     string     `json:"b,omitempty"`
	Length  int        `json:"l"` // of the frame
	Summary string     `json:"s"`
	Data    []byte     `json:"d"` // its beginning
	Fates   []pageFate `json:"r"`
}

type pageFate struct {
	To      int     `json:"to"` // in Receivers
	Outcome Outcome `json:"o"`
	After   int64   `json:"a"` // nanoseconds since the packet was sent
	Marks   marks   `json:"m"`
}

// pageMaker numbers what packets refer to.
type pageMaker struct {
	pageData
	ports     map[string]int
	receivers map[string]int
	choices   map[*Choice]int
	segments  map[string]int
}

func (l *Lab) page() *pageData {
	m := &pageMaker{ports: make(map[string]int), receivers: make(map[string]int), choices: make(map[*Choice]int), segments: make(map[string]int)}
	m.Title, m.Start, m.Hosts = l.title(), l.cfg.Start, l.survey()
	m.Failed = l.tb != nil && l.tb.Failed()
	m.Ports, m.Receivers, m.Choices, m.Packets = []string{}, [][]int{}, []pageChoice{}, []pagePacket{}
	l.mu.Lock()
	m.Failures = append([]string{}, l.complaints...)
	m.Segments = make([]pageSegment, len(l.segments))
	for i, s := range l.segments {
		m.Segments[i] = pageSegment{s.name, s.mtu}
		m.segments[s.name] = i
	}
	l.mu.Unlock()
	for _, h := range m.Hosts { // in this order they stand side by side
		for _, p := range h.Ports {
			m.port(h.Name + "/" + p.Name)
		}
	}
	pkts := l.Packets()
	pkts = pkts[max(len(pkts)-maxPagePackets, 0):]
	if len(pkts) > 0 {
		m.LeftOut = pkts[0].Number - 1
	}
	for _, p := range pkts {
		m.packet(p)
	}
	return &m.pageData
}

func (m *pageMaker) packet(p Packet) {
	q := pagePacket{
		Number: p.Number, Time: int64(p.Time.Sub(m.Start)), Segment: m.segments[p.Segment], From: m.port(p.From), Choice: -1,
		Length: len(p.Data), Summary: p.Summary(), Data: p.Data[:min(len(p.Data), shown(p.Data))], Fates: []pageFate{},
	}
	if p.bad != nil {
		q.Bad = p.bad.Error()
	}
	if p.Choice != nil {
		q.Choice = m.choice(p.Choice)
	}
	for _, g := range p.fates {
		q.Fates = append(q.Fates, pageFate{m.list(g.to), g.outcome, int64(g.after), g.marks})
	}
	for _, away := range p.gone {
		q.Fates = append(q.Fates, pageFate{m.list([]*port{away.to}), Unplugged, int64(away.after), 0})
	}
	m.Packets = append(m.Packets, q)
}

// shown is how many bytes of a frame are worth showing.
func shown(frame []byte) int {
	h := parse(frame)
	if h.proto == protoTCP || h.ports && h.srcPort != 53 && h.dstPort != 53 {
		return maxPageBulk
	}
	return maxPageBytes
}

func (m *pageMaker) port(name string) int {
	i, ok := m.ports[name]
	if !ok {
		i = len(m.Ports)
		m.ports[name] = i
		m.Ports = append(m.Ports, name)
	}
	return i
}

func (m *pageMaker) list(to []*port) int {
	ids := make([]int, len(to))
	for i, p := range to {
		ids[i] = m.port(p.name)
	}
	key := fmt.Sprint(ids)
	i, ok := m.receivers[key]
	if !ok {
		i = len(m.Receivers)
		m.receivers[key] = i
		m.Receivers = append(m.Receivers, ids)
	}
	return i
}

func (m *pageMaker) choice(c *Choice) int {
	i, ok := m.choices[c]
	if ok {
		return i
	}
	i = len(m.Choices)
	m.choices[c] = i
	pc := pageChoice{
		Source: c.Source.String(), Why: c.Why, Ruled: c.Rule != srcselect.RuleNone,
		Query: c.Explanation.Query.String(), Rows: []pageRow{}, Omitted: c.Omitted,
	}
	for _, row := range c.Explanation.Candidates {
		pc.Rows = append(pc.Rows, pageRow{row.Address.Prefix.String(), addressFlags(row.Address), verdict(row), row.Chosen})
	}
	m.Choices = append(m.Choices, pc)
	return i
}

// verdict says in words what became of a candidate.
func verdict(c srcselect.Candidate) string {
	switch {
	case c.Chosen:
		return "chosen: " + c.Rule.String()
	case c.Excluded != srcselect.NotExcluded:
		return "no candidate: " + c.Excluded.String()
	case c.Against.IsValid():
		return fmt.Sprintf("out by %v against %v", c.Rule, c.Against)
	}
	return "out by " + c.Rule.String()
}

func addressFlags(a srcselect.Address) string {
	words := []string{"skip", "tentative", "deprecated", "temporary", "home"}
	on := []bool{a.SkipAsSource, a.Tentative, a.Deprecated, a.Temporary, a.HomeAddress}
	n := 0
	return strings.Join(slices.DeleteFunc(words, func(string) bool { n++; return !on[n-1] }), " ")
}
