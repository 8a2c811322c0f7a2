package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/hub"
	"github.com/gopet-ml/gopet/internal/hubtest"
)

const id = "google/t5-v1_1-small"

var weights = strings.Repeat("weights ", 1000)

// index names two shards.
func index(form string) string {
	return `{"metadata": {}, "weight_map": {"a": "` + shard(form, 1) + `", "b": "` + shard(form, 2) + `", "c": "` + shard(form, 1) + `"}}`
}

func shard(form string, i int) string {
	name, ending, _ := strings.Cut(form, ".")
	return name + "-0000" + string(rune('0'+i)) + "-of-00002." + ending
}

// beside are files beside the weights, and some that are none of gopet's.
func beside() map[string]string {
	return map[string]string{
		"config.json": `{"model_type": "t5"}`, "spiece.model": "pieces", "tokenizer_config.json": "{}", "generation_config.json": "{}",
		"README.md": "words", "tf_model.h5": weights, "onnx/model.onnx": weights, "flax_model.msgpack": weights, ".gitattributes": "",
	}
}

func with(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

func without(files map[string]string, names ...string) map[string]string {
	for _, name := range names {
		delete(files, name)
	}
	return files
}

func mustModel(t *testing.T, name string, o Options) string {
	t.Helper()
	dir, err := Model(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// names lists the files of a snapshot.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func TestFilesOfAModel(t *testing.T) {
	safe, pickle := "model.safetensors", "pytorch_model.bin"
	companions := []string{"config.json", "generation_config.json", "spiece.model", "tokenizer_config.json"}
	for name, test := range map[string]struct {
		files map[string]string
		o     Options
		want  []string
	}{
		"safetensors": {with(beside(), safe, weights, pickle, weights), Options{}, append(companions, safe)},
		"shards of safetensors": {
			with(beside(), safe+".index.json", index(safe), shard(safe, 1), weights, shard(safe, 2), "b", pickle, weights),
			Options{}, append(companions, safe+".index.json", shard(safe, 1), shard(safe, 2)),
		},
		"bin": {with(beside(), pickle, weights), Options{}, append(companions, pickle)},
		"shards of bin": {
			with(beside(), pickle+".index.json", index(pickle), shard(pickle, 1), weights, shard(pickle, 2), weights),
			Options{}, append(companions, pickle+".index.json", shard(pickle, 1), shard(pickle, 2)),
		},
		"no tokenizer":     {with(without(beside(), "spiece.model", "tokenizer_config.json"), safe, weights), Options{}, []string{"config.json", "generation_config.json", safe}},
		"config.json only": {beside(), Options{ConfigOnly: true}, []string{"config.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := hubtest.New(t)
			server.Add(id, test.files)
			dir := mustModel(t, id, test.o)
			slices.Sort(test.want)
			if got := names(t, dir); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, name := range test.want {
				if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(content) != test.files[name] {
					t.Errorf("%s: %.20q, %v", name, content, err)
				}
			}

			// Again, from the cache alone.
			server.Requests()
			if again := mustModel(t, id, test.o); again != dir {
				t.Errorf("%s, then %s", dir, again)
			}
			requests := server.Requests()
			if name != "no tokenizer" && len(requests) > 0 { // there, only the Hub knows that there is none
				t.Errorf("asked for %v", requests)
			}
			for _, request := range requests {
				if request.Large {
					t.Errorf("downloaded again: %v", request)
				}
			}
			t.Setenv("HF_HUB_OFFLINE", "1")
			server.Close()
			if again := mustModel(t, id, test.o); again != dir {
				t.Errorf("%s, offline %s", dir, again)
			}
		})
	}
}

func TestAPathIsReturned(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, with(beside(), "model.safetensors", weights))
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(id, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{id, "./" + id, "/no/such/model", "google/typo", "", "~/model", "a/b/c"} {
		if dir := mustModel(t, path, Options{}); dir != path {
			t.Errorf("%q became %q", path, dir)
		}
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("sent to the network: %v", requests)
	}
	// A revision says that the Hub is meant.
	if dir := mustModel(t, id+"@main", Options{}); !filepath.IsAbs(dir) {
		t.Errorf("got %q", dir)
	}
}

func TestRevision(t *testing.T) {
	server, _ := hubtest.New(t)
	repo := server.Add(id, with(beside(), "model.safetensors", weights))
	old := repo.Head("main")
	now := repo.Commit("main", with(beside(), "model.safetensors", weights+"!"))
	for revision, want := range map[string]string{"main": now, old: old, now: now} {
		if dir := mustModel(t, id+"@"+revision, Options{}); filepath.Base(dir) != want {
			t.Errorf("%s: got %s, want %s", revision, dir, want)
		}
	}
	// What main stood for stays, until another revision is asked for.
	repo.Commit("main", with(beside(), "model.safetensors", weights+"!!"))
	if dir := mustModel(t, id, Options{}); filepath.Base(dir) != now {
		t.Errorf("got %s, want %s", dir, now)
	}
}

// TestACacheThatLacksSomething: what others downloaded in part is completed.
func TestACacheThatLacksSomething(t *testing.T) {
	safe := "model.safetensors"
	files := with(beside(), safe+".index.json", index(safe), shard(safe, 1), weights, shard(safe, 2), "b")
	for name, test := range map[string]struct {
		there []string
		lacks string // offline; "" where it will do
	}{
		"a config":   {[]string{"config.json"}, itsWeights},
		"no config":  {[]string{"spiece.model"}, itsConfig},
		"an index":   {[]string{"config.json", safe + ".index.json"}, itsWeights},
		"a shard":    {[]string{"config.json", "spiece.model", safe + ".index.json", shard(safe, 1)}, itsWeights},
		"no pieces":  {[]string{"config.json", safe + ".index.json", shard(safe, 1), shard(safe, 2)}, ""},
		"everything": {[]string{"config.json", "spiece.model", safe + ".index.json", shard(safe, 1), shard(safe, 2)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := hubtest.New(t)
			server.Add(id, files)
			place(t, test.there...)

			t.Setenv("HF_HUB_OFFLINE", "1")
			_, err := Model(context.Background(), id, Options{})
			if test.lacks == "" && err != nil || test.lacks != "" && (!errors.Is(err, hub.ErrOffline) ||
				!strings.Contains(err.Error(), "lacks "+test.lacks+", and HF_HUB_OFFLINE is set")) {
				t.Errorf("offline: %v", err)
			}
			t.Setenv("HF_HUB_OFFLINE", "")
			dir := mustModel(t, id, Options{})
			for _, name := range []string{"config.json", "spiece.model", shard(safe, 1), shard(safe, 2)} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// place puts files of the model into the cache, as another program might.
func place(t *testing.T, names ...string) {
	t.Helper()
	client, err := hub.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Snapshot(context.Background(), hub.Repo{Kind: hub.Model, ID: id, Revision: "main"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Fetch(context.Background(), names...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Place(); err != nil {
		t.Fatal(err)
	}
}

func TestErrors(t *testing.T) {
	safe := "model.safetensors"
	for name, test := range map[string]struct {
		files   map[string]string
		ask     string
		offline bool
		words   []string
	}{
		"no such id":         {ask: "google/t6", words: []string{`no such model directory: "google/t6"; `, `has no model "google/t6"`}},
		"no owner":           {ask: "nowhere", words: []string{`no such model directory: "nowhere"; `, "most ids have an owner"}},
		"no such revision":   {files: beside(), ask: id + "@v9", words: []string{`no revision "v9"`}},
		"no config.json":     {files: without(beside(), "config.json"), ask: id, words: []string{"no config.json", "transformers"}},
		"an adapter":         {files: map[string]string{"adapter_config.json": "{}"}, ask: id, words: []string{"no config.json", "it is an adapter"}},
		"no weights":         {files: beside(), ask: id, words: []string{"no weights that can be read", "it has flax_model.msgpack"}},
		"offline":            {ask: id, offline: true, words: []string{`no such model directory: "` + id + `"`, "is not in the cache in ", "HF_HUB_OFFLINE is set"}},
		"a shard is missing": {files: with(beside(), safe+".index.json", index(safe), shard(safe, 1), "a"), ask: id, words: []string{shard(safe, 2), "lacks"}},
		"no index":           {files: with(beside(), safe+".index.json", "{}"), ask: id, words: []string{safe + ".index.json of model", "no weight_map"}},
		"a shard elsewhere": {
			files: with(beside(), safe+".index.json", `{"weight_map": {"a": "../../../../x"}}`), ask: id,
			words: []string{`"../../../../x" is not a plain file name`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			if test.files != nil {
				server.Add(id, test.files)
			}
			if test.offline {
				t.Setenv("HF_HUB_OFFLINE", "1")
			}
			dir, err := Model(context.Background(), test.ask, Options{})
			if err == nil {
				t.Fatalf("got %s", dir)
			}
			for _, word := range append(test.words, test.ask[:strings.IndexAny(test.ask+"@", "@")]) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not a line: %q", err)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "*", "snapshots")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if requests := server.Requests(); test.offline && len(requests) > 0 {
				t.Errorf("offline, and asked for %v", requests)
			}
		})
	}
}

func TestProgressOfADownload(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(id, with(beside(), "model.safetensors", weights))
	var last, all int64
	mustModel(t, id, Options{Progress: func(done, total int64) { last, all = done, total }})
	if want := int64(len(weights) + len(`{"model_type": "t5"}`) + len("pieces") + 4); last != want || all != want {
		t.Errorf("ended at %d of %d bytes, want %d", last, all, want)
	}
	mustModel(t, id, Options{Progress: func(done, total int64) { t.Errorf("downloads %d of %d again", done, total) }})
}
