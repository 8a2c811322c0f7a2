package rules

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// simple are the functions that call nothing of libtorch's that throws.
var simple = map[string]bool{
	"gt_free": true, "gt_libtorch_version": true, "gt_cpu_capability": true, "gt_live_tensors": true,
	"gt_set_num_threads": true, "gt_num_threads": true, "gt_tensor_free": true, "gt_empty_cache": true,
}

var (
	declared = regexp.MustCompile(`(?m)^(?:GT_(?:UNARY|BINARY|SCALAR|DIM)\((\w+)\);|(?:const )?\w+ \*?(gt_\w+)\()`)
	lines    = regexp.MustCompile(`(?m)^#cgo (noescape|nocallback) (\w+)$`)
	// A macro that defines functions, up to the line that does not go on.
	macro = regexp.MustCompile(`(?m)^#define (GT_\w+)\((?:.*\\\n)*.*\n`)
)

// functions are the names that gopet_torch.h declares.
func functions(t *testing.T) []string {
	var names []string
	for _, match := range declared.FindAllStringSubmatch(read(t, "torch/csrc/gopet_torch.h"), -1) {
		if match[1] != "" {
			names = append(names, "gt_"+match[1])
		} else {
			names = append(names, match[2])
		}
	}
	if len(names) < 80 {
		t.Fatalf("found only %d functions in gopet_torch.h", len(names))
	}
	return names
}

// shim is the C++ source of the boundary, file by file.
func shim(t *testing.T) map[string]string {
	files := map[string]string{}
	walk(t, func(file string) {
		if path.Dir(file) == "torch/csrc" && path.Ext(file) == ".cc" {
			files[file] = read(t, file)
		}
	})
	return files
}

// TestCgoDirectives: without the two lines a call costs twice as much and its
// arguments escape to the heap.
func TestCgoDirectives(t *testing.T) {
	wrapped := map[string]int{}
	for _, match := range lines.FindAllStringSubmatch(read(t, "torch/internal/ctorch/ctorch.go"), -1) {
		wrapped[match[1]+" "+match[2]]++
	}
	for _, name := range functions(t) {
		for _, directive := range []string{"noescape ", "nocallback "} {
			if wrapped[directive+name] != 1 {
				t.Errorf("ctorch.go has %d lines #cgo %s%s, want 1", wrapped[directive+name], directive, name)
			}
			delete(wrapped, directive+name)
		}
	}
	for left := range wrapped {
		t.Errorf("#cgo %s: gopet_torch.h declares no such function", left)
	}
}

// TestNothingIsThrownOverTheBoundary: each function is noexcept and its body
// catches what libtorch throws, by the macro.
func TestNothingIsThrownOverTheBoundary(t *testing.T) {
	files := shim(t)
	for _, name := range functions(t) {
		body := definition(files, name)
		switch {
		case body == "":
			t.Errorf("%s is declared and defined nowhere", name)
		case !strings.Contains(body, "noexcept"):
			t.Errorf("%s is not noexcept", name)
		case !simple[name] && !strings.Contains(body, "GT_BOUNDARY(") && !strings.Contains(body, "GT_RESULT(") && !strings.Contains(body, "catch (...)"):
			t.Errorf("%s does not catch: use GT_BOUNDARY or GT_RESULT", name)
		case simple[name] && (strings.Contains(body, "GT_BOUNDARY(") || strings.Contains(body, "GT_RESULT(")):
			t.Errorf("%s catches and is listed as one that need not", name)
		}
	}
}

// definition is the text that defines a function, or the macro that does.
func definition(files map[string]string, name string) string {
	plain := regexp.MustCompile(`(?m)^(?:const )?\w+ \*?` + name + `\([^{]*\{(?:.*\}\n|(?s:.*?)\n\})`)
	made := regexp.MustCompile(`(?m)^(GT_\w+)\(` + strings.TrimPrefix(name, "gt_") + `[,)]`)
	for _, text := range files {
		if found := plain.FindString(text); found != "" {
			return found
		}
		if use := made.FindStringSubmatch(text); use != nil {
			for _, define := range macro.FindAllStringSubmatch(text, -1) {
				if define[1] == use[1] {
					return define[0]
				}
			}
		}
	}
	return ""
}

// TestNoCString: memory that C.CString makes is C's to free; strings cross as
// pointer and length.
func TestNoCString(t *testing.T) {
	walk(t, func(file string) {
		if path.Ext(file) == ".go" && !strings.HasPrefix(file, "internal/rules/") && strings.Contains(read(t, file), "C.CString(") {
			t.Errorf("%s uses C.CString", file)
		}
	})
}
