package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/hubtest"
)

func TestSettings(t *testing.T) {
	home := t.TempDir()
	for name, test := range map[string]struct {
		environment map[string]string
		want        Settings
		endpoint    string
	}{
		"nothing": {
			nil, Settings{Cache: home + "/.cache/huggingface/hub"}, "https://huggingface.co",
		},
		"XDG": {
			map[string]string{"XDG_CACHE_HOME": "/x"}, Settings{Cache: "/x/huggingface/hub"}, "https://huggingface.co",
		},
		"home": {
			map[string]string{"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/x", "HF_ENDPOINT": "http://mirror/hf/"},
			Settings{Cache: home + "/hf/hub"}, "http://mirror/hf",
		},
		"cache": {
			map[string]string{"HF_HOME": "/h", "HF_HUB_CACHE": "$HOME/c", "HUGGINGFACE_HUB_CACHE": "/old", "HF_TOKEN": " hf_a\n", "HF_HUB_OFFLINE": "1"},
			Settings{Cache: home + "/c", Token: "hf_a", TokenFrom: "HF_TOKEN", Offline: "HF_HUB_OFFLINE"}, "https://huggingface.co",
		},
		"older names": {
			map[string]string{"HUGGINGFACE_HUB_CACHE": "/old", "HUGGING_FACE_HUB_TOKEN": "hf_b", "TRANSFORMERS_OFFLINE": "yes"},
			Settings{Cache: "/old", Token: "hf_b", TokenFrom: "HUGGING_FACE_HUB_TOKEN", Offline: "TRANSFORMERS_OFFLINE"}, "https://huggingface.co",
		},
		"online": {
			map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, Settings{Cache: home + "/.cache/huggingface/hub"}, "https://huggingface.co",
		},
		"token of the login": {
			map[string]string{"HF_HOME": home + "/login"}, Settings{Cache: home + "/login/hub", Token: "hf_c", TokenFrom: home + "/login/token"}, "https://huggingface.co",
		},
		"token's path": {
			map[string]string{"HF_TOKEN_PATH": "~/login/token"},
			Settings{Cache: home + "/.cache/huggingface/hub", Token: "hf_c", TokenFrom: home + "/login/token"}, "https://huggingface.co",
		},
		"no token wanted": {
			map[string]string{"HF_TOKEN": "hf_a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, Settings{Cache: home + "/.cache/huggingface/hub"}, "https://huggingface.co",
		},
	} {
		t.Run(name, func(t *testing.T) {
			hubtest.New(t) // an environment without any of them
			t.Setenv("HOME", home)
			t.Setenv("HF_HOME", "")
			t.Setenv("HF_ENDPOINT", "")
			if err := os.MkdirAll(home+"/login", 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(home+"/login/token", []byte("hf_c\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for variable, value := range test.environment {
				t.Setenv(variable, value)
			}
			got, err := FromEnvironment()
			if err != nil {
				t.Fatal(err)
			}
			if got.Endpoint.String() != test.endpoint {
				t.Errorf("endpoint %s, want %s", got.Endpoint, test.endpoint)
			}
			if got.Endpoint = nil; got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ variable, value, word string }{
		{"HF_ENDPOINT", "huggingface.co", "HF_ENDPOINT"},
		{"HF_ENDPOINT", "ftp://user:hf_pw@host", "HF_ENDPOINT"},
		{"HF_ENDPOINT", "http://user:hf_pw@ho st", "HF_ENDPOINT"},
		{"HF_TOKEN", "hf_a hf_b", "HF_TOKEN: not a token"},
		{"HF_TOKEN", "hf_ü", "HF_TOKEN: not a token"},
		{"HF_TOKEN_PATH", t.TempDir(), "is a directory"},
	} {
		hubtest.New(t)
		t.Setenv(test.variable, test.value)
		_, err := FromEnvironment()
		wantError(t, err, test.word)
	}
}

func TestAPasswordOfTheEndpointIsNotTold(t *testing.T) {
	server, _ := hubtest.New(t)
	t.Setenv("HF_ENDPOINT", strings.Replace(server.URL, "http://", "http://me:hf_pw@", 1))
	server.Add(id, files()).Gated = true
	c, _ := testClient(t)
	_, err := get(c, at("main"), model)
	wantError(t, err, "gated", "google/t5-tiny")
	server.Close()
	_, err = get(c, at("main"), model)
	wantError(t, err, "cannot reach")
}

func TestParse(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	for _, dir := range []string{"runs", "here", "a/b", "x@main"} {
		if err := os.MkdirAll(filepath.FromSlash(dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]Repo{
		"google/t5-v1_1-small":     {Model, "google/t5-v1_1-small", "main"},
		"bert-base-uncased":        {Model, "bert-base-uncased", "main"},
		"google/t5@refs/pr/2":      {Model, "google/t5", "refs/pr/2"},
		"google/t5@v1.0":           {Model, "google/t5", "v1.0"},
		"runs/rte@main":            {Model, "runs/rte", "main"}, // it says that the Hub is meant
		"EleutherAI/gpt-neo-1.3B":  {Model, "EleutherAI/gpt-neo-1.3B", "main"},
		"a_b/" + long(96):          {Model, "a_b/" + long(96), "main"},
		"google/t5@" + aCommit:     {Model, "google/t5", aCommit},
		"sentence-transformers/al": {Model, "sentence-transformers/al", "main"},
	} {
		if got, ok := Parse(Model, text); !ok || got != want {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
		if got := want.String(); got != strings.TrimSuffix(text, "@main") {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range []string{
		"", ".", "..", "here", "a/b", "x@main", "/google/t5", "./google/t5", "../google/t5", "~/t5", "google/t5/", "google//t5",
		"google/t5/x", "runs/rte", `google\t5`, "C:/t5", "google/t 5", "t5*", "data/[ab]", "google/t5.parquet", "model.safetensors",
		"owner/rows.jsonl", "a--b", "a..b", "-t5", "google/t5-", ".hidden", "goo.git", "parquet:x", "café/x", long(97), "@main",
		"google/t5@", "google/t5@../x", "google/t5@/x", "google/t5@x/", "google/t5@a b", "google/t5@.x", "google/t5@a//b", "google/t5@-x",
	} {
		if got, ok := Parse(Model, text); ok {
			t.Errorf("%q was taken for %+v", text, got)
		}
	}
}

const aCommit = "0123456789abcdef0123456789abcdef01234567"

func long(n int) string { return strings.Repeat("x", n) }
