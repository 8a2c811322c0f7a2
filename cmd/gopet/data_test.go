package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestImportAndInspect(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "train.csv"), rowsOf(60))
	out := filepath.Join(dir, "shards")
	summary := decode(t, mustGopet(t, "", "data", "import", "--train", filepath.Join(dir, "train.csv"), "--label", "kind",
		"--validation", "0.2", "--seed", "3", "--out", out, "--json"))
	hasKeys(t, summary, "out", "columns", "label", "splits")
	rows := map[string]float64{}
	for _, split := range summary["splits"].([]any) {
		fields := split.(map[string]any)
		rows[fields["name"].(string)] = fields["rows"].(float64)
	}
	if rows["train"] != 48 || rows["validation"] != 12 {
		t.Errorf("rows %v, want 48 and 12 of 60", rows)
	}

	report := decode(t, mustGopet(t, "", "data", "inspect", "--json", out))
	if splits := report["splits"].([]any); len(splits) != 2 {
		t.Errorf("%d splits: %v", len(splits), report)
	}
	text := mustGopet(t, "", "data", "inspect", out)
	for _, want := range []string{"train: 48 rows", "validation: 12 rows", "animal 16", "colour 4", "text"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
