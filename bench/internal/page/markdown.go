package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hextet/hextet/bench/internal/picture"
	"github.com/hextet/hextet/bench/internal/report"
	"github.com/hextet/hextet/bench/internal/results"
)

// mark writes RESULTS.md. way leads from where it is to the pictures.
func mark(r results.Results, pictures []*picture.Picture, way string) []byte {
	var b strings.Builder
	b.WriteString("# Results\n\nWritten by the command below; not to be edited. bench/METHOD.md says what each row measures.\n\n")
	for _, c := range conditions(r) {
		value := cell(c[1])
		if c[0] == "Command" {
			value = code(c[1])
		}
		fmt.Fprintf(&b, "- %s: %s\n", c[0], value)
	}
	fmt.Fprintf(&b, "- Cores: %d, of which Go uses %d\n", r.Machine.Cores, r.Machine.GOMAXPROCS)
	markBalance(&b, r)
	for _, p := range pictures {
		fmt.Fprintf(&b, "\n![%s](%s)\n", cell(p.Title), strings.TrimPrefix(way+"/"+p.Name+".svg", "./"))
	}
	for _, part := range parts(r.Rows) {
		fmt.Fprintf(&b, "\n## %s\n\n", cell(part.Name))
		b.WriteString("| row | ours | peer | ratio | goal | spread | rounds | outliers | |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
		for _, row := range part.Rows {
			markRow(&b, row)
		}
	}
	b.WriteString("\n## Versions\n\n")
	for _, path := range slices.Sorted(maps.Keys(r.Machine.Modules)) {
		fmt.Fprintf(&b, "- %s %s\n", cell(path), cell(r.Machine.Modules[path]))
	}
	return []byte(b.String())
}

// markBalance tells how many rows there are, which are short and what was left out.
func markBalance(b *strings.Builder, r results.Results) {
	missed := short(r.Rows)
	fmt.Fprintf(b, "\n%d rows, %d short of their goals", len(r.Rows), len(missed))
	if len(missed) > 0 {
		b.WriteString(":\n\n")
		for _, row := range missed {
			fmt.Fprintf(b, "- %s: %s\n", code(row.Name), cell(shortfall(row)))
		}
	} else {
		b.WriteString(".\n")
	}
	if len(r.Run.Omitted) > 0 {
		b.WriteString("\nLeft out:\n\n")
		for _, o := range r.Run.Omitted {
			fmt.Fprintf(b, "- %s: %s\n", code(o.What), cell(o.Why))
		}
	}
}

// shortfall says by what a row misses its goal.
func shortfall(r report.Row) string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case r.PeerName != "" && r.Goal.Kind != report.Within:
		return fmt.Sprintf("%sx, goal %s", report.Digits(r.Ratio), r.GoalText())
	case r.PeerName != "":
		return fmt.Sprintf("%s, peer %s, goal %s", report.Figure(r.Ours, r.Unit), report.Figure(r.Peer, r.Unit), r.GoalText())
	}
	return fmt.Sprintf("%s, goal %s", report.Figure(r.Ours, r.Unit), r.GoalText())
}

func markRow(b *strings.Builder, r report.Row) {
	if r.Err != nil {
		fmt.Fprintf(b, "| %s | | | | | | | | %s |\n", cell(r.Name), cell(r.Err.Error()))
		return
	}
	peer, ratio := peerCells(r)
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %d | %s | %s |\n", cell(r.Name), cell(report.Figure(r.Ours, r.Unit)), cell(peer), ratio, cell(r.GoalText()), spreadCell(r), r.Runs, outlierCell(r), r.Remark())
}

// peerCells are the peer with its name, and the ratio.
func peerCells(r report.Row) (peer, ratio string) {
	if r.PeerName == "" {
		return "", ""
	}
	return report.Figure(r.Peer, r.Unit) + " " + r.PeerName, report.Digits(r.Ratio) + "x"
}

func spreadCell(r report.Row) string {
	if r.Runs < 2 {
		return ""
	}
	return report.Percent(r.Spread)
}

func outlierCell(r report.Row) string {
	if r.Runs < 2 {
		return ""
	}
	return strconv.Itoa(r.Outliers)
}

var (
	cells = strings.NewReplacer(`\`, `\\`, "|", `\|`, "[", `\[`, "]", `\]`, "&", "&amp;", "<", "&lt;", "\n", " ", "\r", " ", "`", "'")
	codes = strings.NewReplacer("\n", " ", "\r", " ", "`", "'")
)

// cell makes a text harmless in a line, within a table and elsewhere.
func cell(s string) string { return cells.Replace(s) }

// code makes a text harmless as code, outside of tables.
func code(s string) string { return "`" + codes.Replace(s) + "`" }
