package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from this package.
const root = "../.."

// module is the import path of root.
const module = "github.com/gopet-ml/gopet"

// source is one package of the module without its tests.
type source struct {
	dir   string // slash-separated, relative to root
	files map[string]*ast.File
	set   *token.FileSet
}

// imports lists the module's own packages that s imports, by their folders.
func (s source) imports() []string {
	var list []string
	for _, file := range s.files {
		for _, spec := range file.Imports {
			if path, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"); ours {
				list = append(list, path)
			}
		}
	}
	return list
}

// importsC reports whether s calls C.
func (s source) importsC() bool {
	for _, file := range s.files {
		for _, spec := range file.Imports {
			if spec.Path.Value == `"C"` {
				return true
			}
		}
	}
	return false
}

// sources parses every package of the module, tests left out.
func sources(t *testing.T) []source {
	t.Helper()
	set := token.NewFileSet()
	byDir := map[string]map[string]*ast.File{}
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(set, filepath.Join(root, path), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if byDir[dir] == nil {
			byDir[dir] = map[string]*ast.File{}
		}
		byDir[dir][filepath.Base(path)] = file
	})
	var list []source
	for dir, files := range byDir {
		list = append(list, source{dir, files, set})
	}
	if len(list) < 10 {
		t.Fatalf("found only %d packages below %s", len(list), root)
	}
	return list
}

// walk visits the files of the module by their path relative to root. Other
// modules inside it and folders that hold no source are left out.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			relative, err := filepath.Rel(root, path)
			visit(filepath.ToSlash(relative))
			return err
		}
		if path == root {
			return nil
		}
		if strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read is a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
