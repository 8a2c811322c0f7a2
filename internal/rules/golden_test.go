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

// TestParityRunsEveryGoldenScript: scripts/parity.sh, or a shell script in the
// same folder, names each.
func TestParityRunsEveryGoldenScript(t *testing.T) {
	parity := read(t, "scripts/parity.sh")
	for _, set := range regexp.MustCompile(`(?m)^(\w+)=(\S+)$`).FindAllStringSubmatch(parity, -1) {
		parity = strings.ReplaceAll(parity, "$"+set[1]+"/", set[2]+"/")
	}
	helpers := map[string]string{} // what the shell scripts of a folder say
	var scripts []string
	walk(t, func(file string) {
		switch folder := path.Dir(file); {
		case path.Base(folder) != "testdata":
		case path.Ext(file) == ".sh":
			helpers[folder] += read(t, file)
		case path.Ext(file) == ".py" && strings.HasPrefix(path.Base(file), "make_"):
			scripts = append(scripts, file)
		}
	})
	if len(scripts) == 0 {
		t.Fatal("found no golden script")
	}
	for _, script := range scripts {
		if !strings.Contains(parity, " "+script) && !strings.Contains(helpers[path.Dir(script)], path.Base(script)) {
			t.Errorf("scripts/parity.sh does not run %s", script)
		}
	}
}
