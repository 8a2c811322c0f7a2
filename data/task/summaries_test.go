package task

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/column"
	"github.com/gopet-ml/gopet/data/shard"
)

// Files of the Hub's columns, with texts of our own: those of SAMSum have
// Windows line ends, and one of its dialogues is empty; Multi-News parts the
// articles of a document with five bars.
var summaries = map[string]struct {
	columns      []string
	rows         [][]string
	first        string // what a model reads of the first row
	firstSummary string
}{
	"samsum": {
		columns: []string{"id", "dialogue", "summary"},
		rows: [][]string{
			{"1", "Ada: Is the kiln free?\r\nBo: From noon on \U0001f600\r\nAda: I'll take it", "Ada will use the kiln from noon on."},
			{"2", "", "Nobody said a word."},
			{"3", "Cy: tea?\r\nDee: coffee", "Dee prefers coffee to tea."},
		},
		first:        "Input: summarize: Ada: Is the kiln free?\r\nBo: From noon on \U0001f600\r\nAda: I'll take it Output: ",
		firstSummary: "Ada will use the kiln from noon on.",
	},
	"multi_news": {
		columns: []string{"document", "summary"},
		rows: [][]string{
			{"The old bridge closed today. \n \n Ferries run. ||||| A bridge is shut for repairs.", "\u2013 The old bridge is closed for repairs; ferries run instead."},
			{"Snow fell on the pass. |||||", "\u2013 It snowed on the pass."},
		},
		first:        "Input: summarize: The old bridge closed today. \n \n Ferries run. ||||| A bridge is shut for repairs. Output: ",
		firstSummary: "\u2013 The old bridge is closed for repairs; ferries run instead.",
	},
}

// writeSplits writes rows of texts as the shard of every split.
func writeSplits(t *testing.T, names []string, rows [][]string) (dir string) {
	t.Helper()
	group := make([]column.Values, len(names))
	schemas := make([]column.Schema, len(names))
	for i, name := range names {
		schemas[i] = column.Schema{Name: name, Kind: column.String}
		group[i].Schema = schemas[i]
		for _, row := range rows {
			group[i].Strings = append(group[i].Strings, row[i])
		}
	}
	dir = t.TempDir()
	for _, split := range data.SplitNames {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-00000-of-00001.parquet", split)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := shard.NewWriter(f, schemas)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{w.Write(group), w.Close(), f.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestSummaries(t *testing.T) {
	for name, c := range summaries {
		t.Run(name, func(t *testing.T) {
			d, err := data.Open(writeSplits(t, c.columns, c.rows))
			if err != nil {
				t.Fatal(err)
			}
			task, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if task, err = task.Bind(context.Background(), d); err != nil {
				t.Fatal(err)
			}
			for _, split := range d.Splits() {
				var targets, want []string
				eachRow(t, split, task, func(row data.Row) {
					if len(targets) == 0 {
						checkText(t, task, row, c.first, c.firstSummary)
					}
					if row.Has("id") {
						t.Errorf("%s: the id was read, which the task has no use for", row.Place())
					}
					targets = append(targets, checkRow(t, task, row))
				})
				for _, row := range c.rows {
					want = append(want, row[len(row)-1])
				}
				if diff := cmp.Diff(want, targets); diff != "" {
					t.Errorf("split %s: summaries (-want +got):\n%s", split.Name(), diff)
				}
			}
		})
	}
}
