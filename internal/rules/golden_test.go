package rules

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestGoldenFilesHaveTheirScript: beside golden files lies the script that
// made them, with the versions it needs.
func TestGoldenFilesHaveTheirScript(t *testing.T) {
	version := regexp.MustCompile(`\b\d+\.\d+\.\d+\b`)
	data, pinned := map[string]string{}, map[string]bool{}
	walk(t, func(file string) {
		before, after, inside := strings.Cut(file, "/testdata/")
		// Inputs that fuzzing found are kept by go test, as text.
		if !inside || strings.HasPrefix(after, "fuzz/") {
			return
		}
		folder := before + "/testdata"
		if path.Ext(file) != ".py" {
			data[folder] = file
		} else if strings.HasPrefix(path.Base(file), "make_") && version.MatchString(read(t, file)) {
			pinned[folder] = true
		}
	})
	if len(data) == 0 {
		t.Fatal("found no testdata folder")
	}
	for folder, file := range data {
		if !pinned[folder] {
			t.Errorf("%s holds %s and no make_*.py that names the versions it was made with", folder, path.Base(file))
		}
	}
}
