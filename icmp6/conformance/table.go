package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// passed is what a table says of a case that went as due.
const passed = "yes"

// The columns of a table that are the cases' own.
const fixedColumns = 3

// cell is what a table says of a case.
func (s Suite) cell(c Case, err error) string {
	if err == nil {
		return passed
	}
	text := err.Error()
	if d, ok := err.(*Deviation); ok {
		text = d.Seen
	}
	text = "no: " + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "/")
	if _, ok := s.Pending[c.Name]; ok {
		text = "pending; " + text
	}
	return text
}

// A table is a Markdown file with one table in it.
type table struct {
	raw           string
	before, after []string
	columns       []string            // of hosts
	cells         map[string][]string // by case
}

func readTable(path string) (*table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &table{raw: string(b), cells: map[string][]string{}}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		row, ok := strings.CutPrefix(line, "| ")
		switch {
		case strings.HasPrefix(line, "|-"):
		case !ok && t.columns == nil:
			t.before = append(t.before, line)
		case !ok:
			t.after = append(t.after, line)
		default:
			cells := strings.Split(strings.TrimSuffix(row, " |"), " | ")
			if len(cells) <= fixedColumns {
				return nil, fmt.Errorf("conformance: %s: a row with %d columns: %s", path, len(cells), line)
			}
			if t.columns == nil {
				t.columns = cells[fixedColumns:]
			} else {
				t.cells[cells[0]] = cells[fixedColumns:]
			}
		}
	}
	return t, nil
}

// column returns where a column is.
func (t *table) column(path, name string) (int, error) {
	i := slices.Index(t.columns, name)
	if i < 0 {
		return 0, fmt.Errorf("conformance: %s has no table with a column %q, only %q", path, name, t.columns)
	}
	return i, nil
}

// cell is a cell's text; what is not there is "?".
func (t *table) cell(name string, column int) string {
	if row := t.cells[name]; column < len(row) {
		return row[column]
	}
	return "?"
}

// render is the file for these cases; cells of others are left out.
func (t *table) render(cases []Case) string {
	var b strings.Builder
	for _, line := range t.before {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, "| case | source | due | %s |\n", strings.Join(t.columns, " | "))
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", fixedColumns+len(t.columns)))
	for _, c := range cases {
		fmt.Fprintf(&b, "| %s | %s | %s |", c.Name, c.RFC, c.Due)
		for i := range t.columns {
			fmt.Fprintf(&b, " %s |", t.cell(c.Name, i))
		}
		fmt.Fprintln(&b)
	}
	for _, line := range t.after {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// updateTable writes a column, and the table and the file if they are missing.
func updateTable(path, column string, cases []Case, outcomes map[string]string) error {
	t, err := readTable(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t = &table{cells: map[string][]string{}}
	case err != nil:
		return err
	}
	if len(t.columns) == 0 && len(t.before) > 0 {
		t.before = append(t.before, "") // or the table would continue the text
	}
	i := slices.Index(t.columns, column)
	if i < 0 {
		i = len(t.columns)
		t.columns = append(t.columns, column)
	}
	for _, c := range cases {
		row := make([]string, len(t.columns))
		for j := range row {
			row[j] = t.cell(c.Name, j)
		}
		row[i] = outcomes[c.Name]
		t.cells[c.Name] = row
	}
	return os.WriteFile(path, []byte(t.render(cases)), 0o644)
}

// compareTable reports what a column says that is not so.
func compareTable(path, column string, cases []Case, outcomes map[string]string) error {
	t, err := readTable(path)
	if err != nil {
		return err
	}
	i, err := t.column(path, column)
	if err != nil {
		return err
	}
	var wrong []string
	for _, c := range cases {
		if got, want := t.cell(c.Name, i), outcomes[c.Name]; got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %q, now %q", c.Name, got, want))
		}
	}
	if len(wrong) == 0 && t.render(cases) != t.raw {
		wrong = append(wrong, "its cases, or what is due of them, have changed")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("conformance: column %s of %s is not current:\n%s", column, path, strings.Join(wrong, "\n"))
	}
	return nil
}
