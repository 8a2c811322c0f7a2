package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

// pooled is an encoder with a pooler, which other libraries need for a head.
const pooled = "../../models/bert/testdata/pooler"

// An adapter that went out and came back answers as it did, knows its task,
// and is trained on.
func TestExportedAdaptersComeBack(t *testing.T) {
	model, data, base := model(t, pooled), dataset(t), t.TempDir()
	rows := "red cat\none two\nbird sings\n"
	for _, test := range []struct{ method, format, flag, value string }{
		{"lora", "peft", "--rank", "3"}, {"prompt", "peft", "--prompt-length", "3"}, {"apet-discrete", "peft", "--params", "100"},
		{"adapter", "adapters", "--bottleneck", "5"}, {"bitfit", "bitfit", "--seed", "1"},
	} {
		t.Run(test.method, func(t *testing.T) {
			method, format := test.method, test.format
			run, out, back := filepath.Join(base, method), filepath.Join(base, method+"-out"), filepath.Join(base, method+"-back")
			args := trainArgs(model, data, run, "--method", method, "--lr", "0.05", "--json")
			at := slices.Index(args, "--params")
			args[at], args[at+1] = test.flag, test.value
			mustGopet(t, "", args...)
			adapter := filepath.Join(run, "adapter")
			said := decode(t, mustGopet(t, "", "export", "--adapter", adapter, "--out", out, "--json"))
			if said["method"] != method || said["format"] != format || said["out"] != out {
				t.Errorf("export said %v", said)
			}
			said = decode(t, mustGopet(t, "", "import", "--adapter", out, "--model", model, "--out", back, "--json"))
			if said["method"] != method || said["format"] != format {
				t.Errorf("import said %v", said)
			}
			want := mustGopet(t, rows, "predict", "--model", model, "--adapter", adapter, "--logits")
			got := mustGopet(t, rows, "predict", "--model", model, "--adapter", back, "--logits")
			sameLogits(t, got, want)
			mustGopet(t, "", append(args[:len(args)-1:len(args)-1], "--adapter", back, "--out", run+"-again")...)
		})
	}
}

// sameLogits compares lines of predictions.
func sameLogits(t *testing.T, got, want string) {
	t.Helper()
	a, b := strings.Split(strings.TrimSpace(got), "\n"), strings.Split(strings.TrimSpace(want), "\n")
	if len(a) != len(b) {
		t.Fatalf("%d lines, want %d", len(a), len(b))
	}
	for i := range a {
		var x, y struct {
			Label  string    `json:"label"`
			Logits []float64 `json:"logits"`
		}
		if err := json.Unmarshal([]byte(a[i]), &x); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(b[i]), &y); err != nil {
			t.Fatal(err)
		}
		if x.Label != y.Label || len(x.Logits) != len(y.Logits) || len(x.Logits) == 0 {
			t.Fatalf("%s, want %s", a[i], b[i])
		}
		for c := range x.Logits {
			if d := math.Abs(x.Logits[c] - y.Logits[c]); !(d <= 1e-5) {
				t.Errorf("row %d, class %d: off by %g", i, c, d)
			}
		}
	}
}

func TestImportOfAnotherLibrarysAdapter(t *testing.T) {
	const testdata = "../../pet/peft/testdata/bert"
	out := filepath.Join(t.TempDir(), "adapter")
	args := []string{"import", "--adapter", testdata + "/peft/lora-qv", "--model", testdata, "--out", out}
	refuses(t, exitUsage, append(args, "--task", "sst2", "--labels", "a,b"), "task sst2 has labels of its own")
	refuses(t, exitUsage, append(args, "--text", "review"), "--text and --label are for --task classify")
	refuses(t, exitUsage, append(args, "--max-length", "-1"), "want 0 or more tokens")
	refuses(t, exitFailure, append(args, "--task", "sst2"), "its head has 3 rows, and there are 2 labels")
	refuses(t, exitFailure, append(args, "--task", "sst"), `did you mean "sst2"?`)
	if printed := mustGopet(t, "", append(args, "--task", "mnli")...); !strings.Contains(printed, "LORA of peft read as lora") {
		t.Errorf("import printed %q", printed)
	}
	refuses(t, exitFailure, args, "already exists")
	refuses(t, exitUsage, []string{"export", "--adapter", out, "--out", "o", "--format", "peff"}, `unknown format "peff"; did you mean "peft"?`)
	refuses(t, exitFailure, []string{"export", "--adapter", out, "--out", "o", "--format", "bitfit"}, "export it as peft")
	refuses(t, exitFailure, []string{"export", "--adapter", testdata, "--out", "o"}, "no adapter_config.json")
}

// What peft wrote is evaluated, answers, and is trained on.
func TestAnImportedAdapterServes(t *testing.T) {
	const testdata = "../../pet/peft/testdata/bert"
	model, data, out := model(t, testdata), dataset(t), filepath.Join(t.TempDir(), "adapter")
	mustGopet(t, "", "import", "--adapter", testdata+"/peft/lora-qv", "--model", model, "--out", out,
		"--task", "classify", "--text", "text", "--label", "kind", "--labels", "animal,colour,number", "--max-length", "12")
	scores := decode(t, mustGopet(t, "", "eval", "--model", model, "--adapter", out, "--data", data, "--json"))
	hasKeys(t, scores, "split", "rows", "accuracy")
	if line := mustGopet(t, "red cat\n", "predict", "--model", model, "--adapter", out); !strings.Contains(line, `"animal":`) {
		t.Errorf("predict printed %q", line)
	}
	args := trainArgs(model, data, filepath.Join(t.TempDir(), "run"), "--method", "lora", "--adapter", out)
	at := slices.Index(args, "--params")
	mustGopet(t, "", slices.Delete(args, at, at+2)...)
}

// A base's id serves as its directory does, and an adapter remembers it.
func TestBasesOnTheHub(t *testing.T) {
	const testdata, id = "../../pet/peft/testdata/bert", "someone/base"
	testdataDir, err := filepath.Abs(testdata)
	if err != nil {
		t.Fatal(err)
	}
	server, _ := hubtest.New(t)
	files := map[string]string{}
	for _, name := range []string{"config.json", "model.safetensors"} {
		files[name] = read(t, filepath.Join(testdata, name))
	}
	server.Add(id, files)
	t.Chdir(t.TempDir())
	for _, name := range []string{"lora-qv", "shira"} {
		mustGopet(t, "", "import", "--adapter", filepath.Join(testdataDir, "peft", name), "--model", id, "--out", name)
		mustGopet(t, "", "export", "--adapter", name, "--out", name+"-out")
		if config := read(t, filepath.Join(name+"-out", "adapter_config.json")); !strings.Contains(config, `"base_model_name_or_path": "someone/base"`) {
			t.Errorf("the export names another base: %s", config)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
