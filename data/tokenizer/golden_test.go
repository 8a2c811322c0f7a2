package tokenizer

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// blockLines is how many lines of the corpus a line of a file of hashes covers.
const blockLines = 100

// pairLines is how many lines of the corpus are encoded alone for one that is
// encoded with the next too.
const pairLines = 4

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

// modelDirs hold the tokenizer of MiniLM, for which wordpiece.hashes were made.
func modelDirs() []string {
	return []string{
		filepath.Join(cacheDir(), "models", "all-MiniLM-L6-v2"),
		filepath.Join("..", "..", "..", "shared", "checkpoints", "minilm-l3"),
	}
}

// t5Dir holds T5's tokenizer, for which unigram.hashes were made.
var t5Dir = filepath.Join("..", "..", "..", "shared", "checkpoints", "t5-tokenizer")

func TestCorpusWordPiece(t *testing.T) {
	done := map[string]bool{}
	for _, dir := range modelDirs() {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			content := readModel(t, dir, "tokenizer.json")
			if !done[string(content)] {
				compareVariants(t, "wordpiece", content)
			} else { // the same file again: one variant will do
				compareCorpus(t, "wordpiece", "uncased", load(t, dir))
			}
			done[string(content)] = true
			only := copyFiles(t, dir, "vocab.txt", "tokenizer_config.json")
			compareCorpus(t, "wordpiece", "uncased", load(t, only))
		})
	}
}

func TestCorpusUnigram(t *testing.T) {
	compareVariants(t, "unigram", readModel(t, t5Dir, "tokenizer.json"))
	compareCorpus(t, "unigram", "spiece", load(t, copyFiles(t, t5Dir, "spiece.model")))
}

func TestCorpusBPE(t *testing.T) {
	merges, vocab := readMerges(t)
	compareVariants(t, "bpe", bpeFile(t, merges, vocab))
	dir := t.TempDir()
	copyFile(t, filepath.Join("testdata", "merges.txt"), filepath.Join(dir, "merges.txt"))
	writeJSON(t, filepath.Join(dir, "vocab.json"), vocab)
	compareCorpus(t, "bpe", "gpt2", load(t, dir))
	writeFile(t, filepath.Join(dir, "tokenizer_config.json"), `{
		"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true,
		"mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": true}}`)
	compareCorpus(t, "bpe", "files", load(t, dir))
}

// readModel reads a file of a model, or skips where there is none.
func readModel(t testing.TB, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skip("the tokenizer of a shared checkpoint, or of MiniLM-L6, which make test fetches, is not here: ", err)
	}
	return content
}

// readMerges reads merges.txt and derives the vocabulary, as vocabulary of
// testdata/train_bpe.py does.
func readMerges(t testing.TB) (merges [][2]string, vocab map[string]int32) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "merges.txt"))
	if err == nil {
		merges, err = parseMerges(strings.Split(strings.TrimSuffix(string(content), "\n"), "\n"))
	}
	if err != nil {
		t.Fatal(err)
	}
	alphabet := byteAlphabet().chars
	slices.Sort(alphabet[:])
	vocab = map[string]int32{"<|endoftext|>": 0}
	add := func(token string) {
		if _, ok := vocab[token]; !ok {
			vocab[token] = int32(len(vocab))
		}
	}
	for _, char := range alphabet {
		add(char)
	}
	for _, merge := range merges {
		add(merge[0] + merge[1])
	}
	return merges, vocab
}

// bpeFile is byte_level of testdata/make_golden.py: GPT-2's tokenizer.json.
func bpeFile(t testing.TB, merges [][2]string, vocab map[string]int32) []byte {
	t.Helper()
	level := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	return encodeJSON(t, map[string]any{
		"version": "1.0",
		"added_tokens": []any{map[string]any{
			"id": 0, "content": "<|endoftext|>", "special": true,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
		}},
		"pre_tokenizer": level, "post_processor": level, "decoder": level,
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": merges},
	})
}

// compareVariants compares each variant of a tokenizer.json.
func compareVariants(t *testing.T, kind string, content []byte) {
	t.Helper()
	for name, changes := range readVariants(t)[kind] {
		compareCorpus(t, kind, name, loadVariant(t, content, changes))
	}
}

// compareCorpus compares what a tokenizer makes of the corpus with a column of
// KIND.hashes, beside the other comparisons of the test.
func compareCorpus(t *testing.T, kind, variant string, tokenizer *Tokenizer) {
	t.Helper()
	lines := readCorpus(t)
	columns, hashes := readHashes(t, kind, len(lines))
	column := slices.Index(columns, variant)
	if column < 0 {
		t.Fatalf("%s.hashes has no column %s", kind, variant)
	}
	t.Run(variant, func(t *testing.T) {
		t.Parallel()
		compareBlocks(t, tokenizer, lines, hashes, column)
	})
}

func compareBlocks(t *testing.T, tokenizer *Tokenizer, lines []string, hashes [][]string, column int) {
	wrong := 0
	for block := 0; block < len(hashes); block += blockStride {
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
		for _, skip := range []bool{true, false} {
			digest.Write([]byte(tokenizer.Decode(alone.IDs, skip) + "\n"))
		}
		if i%pairLines == 0 {
			digest.Write(serialize(tokenizer.EncodePair(line, lines[(i+1)%len(lines)], 4+(number+i)*7%60)))
		}
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

// readHashes returns the names of the columns of KIND.hashes and its lines.
func readHashes(t *testing.T, kind string, lines int) (columns []string, hashes [][]string) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", kind+".hashes"))
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
		t.Fatalf("the corpus has %d lines, %s.hashes is of %d; make the corpus anew with testdata/corpus.sh", lines, kind, len(hashes)*blockLines)
	}
	return columns, hashes
}

// changes of variants.json to a tokenizer.json, by section; "normalizers" come
// after the normalizer that is there.
type changes map[string]json.RawMessage

// readVariants returns the variants by kind and name.
func readVariants(t testing.TB) map[string]map[string]changes {
	t.Helper()
	var variants map[string]map[string]changes
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
	var file map[string]json.RawMessage // numbers keep their digits
	decodeJSON(t, content, &file)
	for name, change := range c {
		switch name {
		case "normalizer", "model":
			var section map[string]json.RawMessage
			decodeJSON(t, file[name], &section)
			decodeJSON(t, change, &section)
			file[name] = encodeJSON(t, section)
		case "normalizers", "added_tokens":
			var more []json.RawMessage
			decodeJSON(t, change, &more)
			if name == "added_tokens" {
				var tokens []json.RawMessage
				decodeJSON(t, file[name], &tokens)
				file[name] = encodeJSON(t, append(tokens, more...))
				continue
			}
			list := append([]json.RawMessage{file["normalizer"]}, more...)
			file["normalizer"] = encodeJSON(t, map[string]any{"type": "Sequence", "normalizers": list})
		default:
			file[name] = change
		}
	}
	return loadJSON(t, encodeJSON(t, file))
}

func decodeJSON(t testing.TB, content []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(content, v); err != nil {
		t.Fatal(err)
	}
}

func encodeJSON(t testing.TB, v any) []byte {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func writeJSON(t testing.TB, path string, v any) {
	t.Helper()
	writeFile(t, path, string(encodeJSON(t, v)))
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

// copyFiles returns a directory with some files of another, or skips where one
// is missing.
func copyFiles(t testing.TB, dir string, names ...string) string {
	t.Helper()
	only := t.TempDir()
	for _, name := range names {
		writeFile(t, filepath.Join(only, name), string(readModel(t, dir, name)))
	}
	return only
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
