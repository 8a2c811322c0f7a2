package hub

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/internal/hub"
	"github.com/gopet-ml/gopet/internal/hubtest"
)

// id is the test's data set, and onServer how the server names it.
const (
	id       = "nyu-mll/glue"
	onServer = "datasets/" + id
)

// rows is a shard whose rows hold a text.
func rows(t *testing.T, text string, n int) string {
	t.Helper()
	type row struct {
		Text  string `parquet:"text"`
		Label int64  `parquet:"label"`
	}
	var out bytes.Buffer
	w := parquet.NewGenericWriter[row](&out)
	for i := range n {
		if _, err := w.Write([]row{{text, int64(i % 2)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// shards are files of these names, one row each.
func shards(t *testing.T, names ...string) map[string]string {
	files := map[string]string{"README.md": "words"}
	for _, name := range names {
		files[name] = rows(t, name, 1)
	}
	return files
}

func mustData(t *testing.T, name string) string {
	t.Helper()
	dir, err := Data(context.Background(), name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// counts opens a data set and counts the rows of its splits.
func counts(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	dataset, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, split := range dataset.Splits() {
		rows[split.Name()] = data.NumRows(split)
	}
	return rows
}

func TestLayouts(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		ask   string
		dir   string // below the snapshot
		train int64
		test  int64
	}{
		"data":                {[]string{"data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"}, id, "data", 2, 1},
		"none":                {[]string{"train.parquet", "test.parquet"}, id, ".", 1, 1},
		"a configuration":     {[]string{"rte/train-00000-of-00001.parquet", "rte/test.parquet", "mnli/train.parquet"}, id + ":rte", "rte", 1, 1},
		"in data":             {[]string{"data/rte/train.parquet", "data/rte/test.parquet", "data/mnli/train.parquet"}, id + ":rte", "data/rte", 1, 1},
		"the only one":        {[]string{"plain_text/train.parquet", "plain_text/test.parquet"}, id, "plain_text", 1, 1},
		"the default":         {[]string{"data/train.parquet", "data/test.parquet", "extra/train.parquet"}, id, "data", 1, 1},
		"named default":       {[]string{"data/train.parquet", "data/test.parquet", "extra/train.parquet"}, id + ":default", "data", 1, 1},
		"folders of splits":   {[]string{"train/0000.parquet", "train/0001.parquet", "test/0000.parquet"}, id, ".", 2, 1},
		"in a configuration":  {[]string{"rte/train/0000.parquet", "rte/test/0000.parquet", "mnli/train/0000.parquet"}, id + ":rte", "rte", 1, 1},
		"with other splits":   {[]string{"data/train.parquet", "data/test.parquet", "data/unsupervised.parquet", "data/dev-0.parquet"}, id, "data", 1, 1},
		"a revision":          {[]string{"data/train.parquet", "data/test.parquet"}, id + "@main", "data", 1, 1},
		"both":                {[]string{"rte/train.parquet", "rte/test.parquet", "mnli/train.parquet"}, id + ":rte@main", "rte", 1, 1},
		"more files in train": {[]string{"data/train-a.parquet", "data/train-b.parquet", "data/test.parquet"}, id, "data", 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			repo := server.Add(onServer, shards(t, test.files...))
			dir := mustData(t, test.ask)
			want := filepath.Join(cache, "datasets--nyu-mll--glue", "snapshots", repo.Head("main"), test.dir)
			if dir != want {
				t.Errorf("got %s, want %s", dir, want)
			}
			if got := counts(t, dir); got[data.Train] != test.train || got[data.Test] != test.test {
				t.Errorf("rows: %v", got)
			}
			for _, request := range server.Requests() {
				for _, other := range []string{"README", "unsupervised", "dev-", "extra/", "mnli/"} {
					if strings.Contains(request.Path, other) {
						t.Errorf("asked for %s", request.Path)
					}
				}
			}

			// Again, from the cache; where one of many may be the only one, the Hub is asked which there are.
			if again := mustData(t, test.ask); again != dir {
				t.Errorf("%s, then %s", dir, again)
			}
			if requests := server.Requests(); len(requests) > 0 && test.dir != "plain_text" {
				t.Errorf("asked for %v", requests)
			}
			t.Setenv("HF_HUB_OFFLINE", "1")
			server.Close()
			if again := mustData(t, test.ask); again != dir {
				t.Errorf("%s, offline %s", dir, again)
			}
		})
	}
}

func TestConverted(t *testing.T) {
	server, cache := hubtest.New(t)
	repo := server.Add(onServer, map[string]string{"samsum.py": "a script", "corpus.7z": "packed"})
	commit := repo.Commit("refs/convert/parquet", shards(t, "samsum/train/0000.parquet", "samsum/validation/0000.parquet", "samsum/test/0000.parquet"))
	dir := mustData(t, id)
	folder := filepath.Join(cache, "datasets--nyu-mll--glue")
	if want := filepath.Join(folder, "snapshots", commit, "samsum"); dir != want {
		t.Errorf("got %s, want %s", dir, want)
	}
	if got := counts(t, dir); len(got) != 3 {
		t.Errorf("splits: %v", got)
	}
	if ref, err := os.ReadFile(filepath.Join(folder, "refs/refs/convert/parquet")); err != nil || string(ref) != commit {
		t.Errorf("reference %s, %v", ref, err)
	}
	server.Requests()
	if again := mustData(t, id+":samsum"); again != dir {
		t.Errorf("%s, then %s", dir, again)
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("asked for %v", requests)
	}
	// A revision that is named is the only one.
	_, err := Data(context.Background(), id+"@main", Options{})
	wantError(t, err, "no shards named SPLIT-*.parquet")
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("not a line: %q", err)
	}
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		files     []string
		converted []string
		ask       string
		offline   bool
		words     []string
	}{
		"no such id":      {ask: "nobody/rows", words: []string{`no such data directory: "nobody/rows"; `, `has no data set "nobody/rows"`}},
		"no owner":        {ask: "glue", words: []string{`no such data directory: "glue"; `, "most ids have an owner"}},
		"no revision":     {files: []string{"train.parquet"}, ask: id + "@v9", words: []string{`data set "nyu-mll/glue" has no revision "v9"`}},
		"offline":         {ask: id, offline: true, words: []string{`data set "nyu-mll/glue" is not in the cache`, "HF_HUB_OFFLINE is set"}},
		"no shards":       {files: []string{"rows.parquet"}, ask: id, words: []string{`data set "nyu-mll/glue" has no shards`, "gopet data import"}},
		"nor converted":   {files: []string{}, converted: []string{"default/dev/0000.parquet"}, ask: id, words: []string{"has no shards"}},
		"several":         {files: []string{"rte/train.parquet", "mnli/train.parquet"}, ask: id, words: []string{"several configurations", "OWNER/NAME:CONFIG", "mnli, rte"}},
		"a typo":          {files: []string{"rte/train.parquet", "mnli/train.parquet"}, ask: id + ":mlni", words: []string{`no configuration "mlni"`, `did you mean "mnli"?`}},
		"a part only":     {files: []string{}, converted: []string{"default/partial-train/0000.parquet"}, ask: id, words: []string{"converted a part only"}},
		"part of a named": {files: []string{}, converted: []string{"a/partial-train/0000.parquet", "a/test/0.parquet", "b/train/0.parquet"}, ask: id + ":a", words: []string{"converted a part only"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, cache := hubtest.New(t)
			if test.files != nil {
				repo := server.Add(onServer, shards(t, test.files...))
				if test.converted != nil {
					repo.Commit(converted, shards(t, test.converted...))
				}
			}
			if test.offline {
				t.Setenv("HF_HUB_OFFLINE", "1")
			}
			_, err := Data(context.Background(), test.ask, Options{})
			wantError(t, err, test.words...)
			if left, _ := filepath.Glob(filepath.Join(cache, "*", "snapshots")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestPathsAndSourcesAreReturned(t *testing.T) {
	server, _ := hubtest.New(t)
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("data", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{
		"data", "data/rte", "data/*.parquet", "*", "rows.parquet", "./x", "/x/y", "parquet:x", "lines:a/b", "glue:rte", "x/y:../z", "x/y:", "x/y:a:b", "",
		"data/rte:config",
	} {
		if got := mustData(t, spec); got != spec {
			t.Errorf("%q became %q", spec, got)
		}
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("sent to the network: %v", requests)
	}
}

// TestACacheThatLacksShards: what is there in part is not taken for whole.
func TestACacheThatLacksShards(t *testing.T) {
	all := []string{"rte/train-00000-of-00002.parquet", "rte/train-00001-of-00002.parquet", "rte/validation.parquet", "mnli/train.parquet"}
	for name, there := range map[string][]string{
		"a shard of two":      {all[1], all[2]},
		"no train":            {all[2]},
		"another's":           {all[3]},
		"neither, but a text": {"README.md"},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := hubtest.New(t)
			server.Add(onServer, shards(t, all...))
			place(t, there...)
			t.Setenv("HF_HUB_OFFLINE", "1")
			_, err := Data(context.Background(), id+":rte", Options{})
			wantError(t, err, "HF_HUB_OFFLINE is set")
			if !errors.Is(err, hub.ErrOffline) {
				t.Errorf("%v is not ErrOffline", err)
			}
			t.Setenv("HF_HUB_OFFLINE", "")
			if got := counts(t, mustData(t, id+":rte")); got[data.Train] != 2 || got[data.Validation] != 1 {
				t.Errorf("rows: %v", got)
			}
		})
	}
}

// place puts files of the data set into the cache, as another program might.
func place(t *testing.T, names ...string) {
	t.Helper()
	client, err := hub.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Snapshot(context.Background(), hub.Repo{Kind: hub.Dataset, ID: id, Revision: "main"})
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

// TestOnlyTheHubKnowsTheConfigurations: one that is in the cache alone is not
// taken for the only one there is.
func TestOnlyTheHubKnowsTheConfigurations(t *testing.T) {
	server, _ := hubtest.New(t)
	server.Add(onServer, shards(t, "rte/train.parquet", "mnli/train.parquet"))
	mustData(t, id+":rte")
	_, err := Data(context.Background(), id, Options{})
	wantError(t, err, "several configurations")
	mustData(t, id+":mnli")
	t.Setenv("HF_HUB_OFFLINE", "1")
	_, err = Data(context.Background(), id, Options{})
	wantError(t, err, "lacks what was asked for", "several configurations")
}

func TestTheFirstShardIsLinkedLast(t *testing.T) {
	got := lastFirst([]string{"data/test-0.parquet", "data/train-0.parquet", "data/train-1.parquet", "data/validation-0.parquet"})
	want := []string{"data/test-0.parquet", "data/validation-0.parquet", "data/train-1.parquet", "data/train-0.parquet"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
