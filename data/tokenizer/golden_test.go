package tokenizer

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// blockLines is how many lines of the corpus a line of corpus.hashes covers.
const blockLines = 100

// cacheDir is where the Makefile keeps downloads.
func cacheDir() string {
	if dir := os.Getenv("GOPET_CACHE"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "gopet")
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".cache", "gopet")
}

// modelDirs hold the tokenizer of MiniLM, for which the hashes were made.
func modelDirs() []string {
	return []string{
		filepath.Join(cacheDir(), "models", "all-MiniLM-L6-v2"),
		filepath.Join("..", "..", "..", "shared", "checkpoints", "minilm-l3"),
	}
}

func TestCorpus(t *testing.T) {
	lines := readCorpus(t)
	columns, hashes := readHashes(t, len(lines))
	variants := readVariants(t)
	done := map[string]bool{}
	for _, dir := range modelDirs() {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
			if err != nil {
				t.Skip("no tokenizer to test with:", err)
			}
			compared := columns
			if done[string(content)] { // the same file again: one variant will do
				compared = columns[:1]
			}
			done[string(content)] = true
			for column, variant := range compared {
				t.Run(variant, func(t *testing.T) {
					compareBlocks(t, loadVariant(t, content, variants[variant]), lines, hashes, column)
				})
			}
			t.Run("vocab.txt", func(t *testing.T) {
				only := t.TempDir()
				for _, file := range []string{"vocab.txt", "tokenizer_config.json"} {
					copyFile(t, filepath.Join(dir, file), filepath.Join(only, file))
				}
				compareBlocks(t, load(t, only), lines, hashes, 0)
			})
		})
	}
}

func compareBlocks(t *testing.T, tokenizer *Tokenizer, lines []string, hashes [][]string, column int) {
	t.Parallel()
	wrong := 0
	for block := range hashes {
		start := block * blockLines
		got := blockHash(tokenizer, lines[start:start+blockLines], start)
		if want := hashes[block][column]; got != want {
			t.Errorf("lines %d to %d of the corpus: hash %s, want %s", start+1, start+blockLines, got, want)
			if wrong++; wrong == 10 {
				t.Fatal("further lines are not compared")
			}
		}
	}
}

// blockHash is block_hash of testdata/make_golden.py.
func blockHash(tokenizer *Tokenizer, lines []string, number int) string {
	digest := sha256.New()
	for i, line := range lines {
		alone := tokenizer.Encode(line, 0)
		digest.Write(serialize(alone))
		digest.Write(serialize(tokenizer.EncodePair(line, lines[(i+1)%len(lines)], 3+(number+i)*7%60)))
		digest.Write([]byte(tokenizer.Decode(alone.IDs, true) + "\n"))
	}
	return hex.EncodeToString(digest.Sum(nil)[:8])
}

func serialize(e Encoding) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(e.IDs)))
	for _, list := range [][]int32{e.IDs, e.Types} {
		for _, v := range list {
			out = binary.LittleEndian.AppendUint32(out, uint32(v))
		}
	}
	return out
}

func readCorpus(t testing.TB) []string {
	t.Helper()
	path := filepath.Join(cacheDir(), "tokenizer-corpus", "corpus.txt")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Skip("no corpus; testdata/corpus.sh makes it:", err)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// readHashes returns the names of the columns of corpus.hashes and its lines.
func readHashes(t *testing.T, lines int) (columns []string, hashes [][]string) {
	t.Helper()
	file, err := os.Open("testdata/corpus.hashes")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if comment, names, ok := strings.Cut(scanner.Text(), ": "); ok && strings.HasPrefix(comment, "#") {
			columns = strings.Fields(names)
			continue
		}
		hashes = append(hashes, strings.Fields(scanner.Text()))
	}
	if len(hashes)*blockLines != lines {
		t.Fatalf("the corpus has %d lines, corpus.hashes is of %d; make the corpus anew with testdata/corpus.sh", lines, len(hashes)*blockLines)
	}
	return columns, hashes
}

// changes of variants.json to a tokenizer.json.
type changes struct {
	Normalizer    map[string]any `json:"normalizer"`
	Model         map[string]any `json:"model"`
	AddedTokens   []any          `json:"added_tokens"`
	PostProcessor map[string]any `json:"post_processor"`
}

func readVariants(t testing.TB) map[string]changes {
	t.Helper()
	var variants map[string]changes
	readJSON(t, "testdata/variants.json", &variants)
	return variants
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// loadVariant loads a tokenizer.json with changes, merged as variant of
// testdata/make_golden.py does.
func loadVariant(t testing.TB, content []byte, c changes) *Tokenizer {
	t.Helper()
	var file map[string]any
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	maps.Copy(file["normalizer"].(map[string]any), c.Normalizer)
	maps.Copy(file["model"].(map[string]any), c.Model)
	file["added_tokens"] = append(file["added_tokens"].([]any), c.AddedTokens...)
	if c.PostProcessor != nil {
		file["post_processor"] = c.PostProcessor
	}
	merged, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return loadJSON(t, merged)
}

// loadJSON loads a directory that holds just this tokenizer.json.
func loadJSON(t testing.TB, content []byte) *Tokenizer {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, dir)
}

func load(t testing.TB, dir string) *Tokenizer {
	t.Helper()
	tokenizer, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
