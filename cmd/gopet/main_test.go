package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/torchtest"
)

// TestMain runs the tests; as bench starts the program that it is, the tests
// are its workers too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == benchWorker {
		os.Exit(run(context.Background(), os.Args))
	}
	torchtest.Main(m)
}

// outcome is what a command left on its streams, and its exit code.
type outcome struct {
	code        int
	out, errors string
}

// gopet runs the command with its input in place of standard input.
func gopet(t testing.TB, input string, args ...string) outcome {
	t.Helper()
	return gopetContext(t, t.Context(), input, args...)
}

func gopetContext(t testing.TB, ctx context.Context, input string, args ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	in, out, errs := stream(t, dir, "in"), stream(t, dir, "out"), stream(t, dir, "err")
	if _, err := in.WriteString(input); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	before := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	os.Stdin, os.Stdout, os.Stderr = in, out, errs
	defer func() { os.Stdin, os.Stdout, os.Stderr = before[0], before[1], before[2] }()
	code := run(ctx, append([]string{"gopet"}, args...))
	return outcome{code: code, out: content(t, out), errors: content(t, errs)}
}

func stream(t testing.TB, dir, name string) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func content(t testing.TB, file *os.File) string {
	t.Helper()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustGopet runs a command that must succeed and returns what it printed.
func mustGopet(t testing.TB, input string, args ...string) string {
	t.Helper()
	o := gopet(t, input, args...)
	if o.code != 0 {
		t.Fatalf("gopet %s: exit %d: %s", strings.Join(args, " "), o.code, o.errors)
	}
	return o.out
}

// refuses runs a command that must fail with one line on standard error that
// holds all of want, and nothing on standard output.
func refuses(t testing.TB, code int, args []string, want ...string) {
	t.Helper()
	o := gopet(t, "", args...)
	if o.code != code {
		t.Errorf("gopet %s: exit %d, want %d: %s", strings.Join(args, " "), o.code, code, o.errors)
	}
	if !strings.HasPrefix(o.errors, "gopet: ") || strings.Count(o.errors, "\n") != 1 {
		t.Errorf("gopet %s: standard error %q, want one line from gopet", strings.Join(args, " "), o.errors)
	}
	for _, part := range want {
		if !strings.Contains(o.errors, part) {
			t.Errorf("gopet %s: %q does not say %q", strings.Join(args, " "), o.errors, part)
		}
	}
	if o.out != "" {
		t.Errorf("gopet %s: %q on standard output", strings.Join(args, " "), o.out)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

var words = []string{"red", "green", "blue", "one", "two", "three", "cat", "dog", "bird", "runs", "sleeps", "sings"}

// model copies a BERT from a folder of test data and gives it a vocabulary.
func model(t testing.TB, source string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for _, name := range []string{"config.json", "model.safetensors"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	vocab := append([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, words...)
	write(t, filepath.Join(dir, "vocab.txt"), strings.Join(vocab, "\n")+"\n")
	return dir
}

const (
	encoder    = "../../models/bert/testdata/bare"
	classifier = "../../models/bert/testdata/classifier"
)

// rowsOf is a table of texts and kinds; the first word tells the kind.
func rowsOf(rows int) string {
	var lines strings.Builder
	lines.WriteString("text,kind\n")
	for i := range rows {
		kind := []string{"colour", "number", "animal"}[i%3]
		fmt.Fprintf(&lines, "%s%s,%s\n", words[i%3*3+i/3%3], strings.Repeat(" "+words[i*7%len(words)], 1+i%4), kind)
	}
	return lines.String()
}

// dataset imports a table into train, validation and test.
func dataset(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "train.csv"), rowsOf(60))
	write(t, filepath.Join(dir, "test.csv"), rowsOf(30))
	out := filepath.Join(dir, "shards")
	mustGopet(t, "", "data", "import", "--train", filepath.Join(dir, "train.csv"), "--test", filepath.Join(dir, "test.csv"),
		"--label", "kind", "--validation", "0.2", "--out", out)
	return out
}

// trainArgs is a short run; more flags override it.
func trainArgs(model, data, out string, more ...string) []string {
	return append([]string{"train", "--model", model, "--data", data, "--task", "classify", "--text", "text", "--label", "kind",
		"--params", "100", "--steps", "4", "--batch", "8", "--device", "cpu", "--threads", "1", "--out", out}, more...)
}

func decode(t testing.TB, line string) map[string]any {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(line), &fields); err != nil || strings.Count(line, "\n") != 1 {
		t.Fatalf("%q: want one JSON object in a line (%v)", line, err)
	}
	return fields
}

func hasKeys(t testing.TB, fields map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := fields[key]; !ok {
			t.Errorf("no %q in %v", key, fields)
		}
	}
}

// TestHelpOfEveryCommand wants an example of its use.
func TestHelpOfEveryCommand(t *testing.T) {
	var walk func(commands []*cli.Command, path ...string)
	walk = func(commands []*cli.Command, path ...string) {
		for _, command := range commands {
			at := append(append([]string{}, path...), command.Name)
			help := mustGopet(t, "", append(at, "--help")...)
			if !strings.Contains(help, command.Usage) {
				t.Errorf("%s --help does not say what it does", strings.Join(at, " "))
			}
			if len(command.Subcommands) > 0 {
				walk(command.Subcommands, at...)
			} else if !strings.Contains(help, "gopet "+strings.Join(at, " ")) || !strings.Contains(help, "Example:") {
				t.Errorf("%s --help has no example:\n%s", strings.Join(at, " "), help)
			}
		}
	}
	walk(newApp().Commands)
	if help := mustGopet(t, "", "help", "train"); !strings.Contains(help, "gopet train") {
		t.Errorf("help train: %s", help)
	}
	if help := mustGopet(t, "", "--help"); !strings.Contains(help, "train") {
		t.Errorf("--help: %s", help)
	}
}

func TestWrongUsage(t *testing.T) {
	const usage = exitUsage
	for _, test := range []struct {
		args string
		want string
	}{
		{"trian", `unknown command "trian"; did you mean "train"?`},
		{"data imprt", `unknown command "imprt"; did you mean "import"?`},
		{"train --modle m", "flag provided but not defined: -modle"},
		{"train --steps many", `invalid value "many" for flag -steps`},
		{"train", "train: no --model given; see gopet train --help"},
		{"train --model m --data d --task t", "train: no --out given"},
		{"train --resume", "train: no --out given"},
		{"train --model m extra", `train: unexpected argument "extra"`},
		{"eval --model m", "eval: no --data given"},
		{"predict --in rows", "predict: no --model given"},
		{"predict --model m", "predict: no task: give one with --task"},
		{"predict --model m --task embed --pool max", `pooling "max": want cls or mean`},
		{"data import --out o", "import: no input: give files with --train"},
		{"data import --out o --train f --format xml", `format "xml": want auto,`},
		{"data inspect", "inspect: want one directory"},
		{"compare", "compare: no run directory given"},
		{"compare run --json", "compare: --json stands after a run directory: flags come first"},
		{"convert --in m", "convert: no --out given; see gopet convert --help"},
		{"bench --model m --shape 16", `shape "16": want BATCHxLENGTH`},
		{"bench --model m --shape 16x128x4", `shape "16x128x4": want BATCHxLENGTH`},
		{"bench --model m --threads -1", "-1 threads: want 0 or more"},
		{"bench --model m --dtype float16", `dtype "float16": want float32 or bfloat16`},
		{"plan --model m --method full --dtype float16", `dtype "float16": want float32 or bfloat16`},
		{"bench --model m --compile", "add --peers"},
		{"plan --model m --method full --labels -1", "-1 labels: want 0 or more"},
		{"plan --gpu a100 --shape 1x64", `gpu "a100": say which, a100-40 or a100-80`},
		{"bench --model m --batch 4", "--batch goes with --data"},
		{"bench --model m --data d", "--data needs a --task"},
		{"bench --model m --data d --task sst2 --shape 2x4", "give one of them"},
		{"bench --model m --data d --task sst2 --batch 0", "batch 0: want 1 or more"},
		{"bench --model m --steps 0", "0 steps: want 1 or more"},
		{"bench --model m --dtype int3", "int3"},
		{"version extra", `version: unexpected argument "extra"`},
	} {
		refuses(t, usage, strings.Fields(test.args), test.want)
	}
}
