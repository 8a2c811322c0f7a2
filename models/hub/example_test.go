package hub_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gopet-ml/gopet/internal/hubtest"
	"github.com/gopet-ml/gopet/models/hub"
)

func Example() {
	// A Hub on this machine, so that the example needs no network.
	server, end := hubtest.Example()
	defer end()
	server.Add("google/t5-tiny", map[string]string{
		"config.json": "{}", "spiece.model": "pieces", "model.safetensors": strings.Repeat("w", 1<<20), "README.md": "not needed",
	})

	var bytes int64
	dir, err := hub.Model(context.Background(), "google/t5-tiny", hub.Options{
		Progress: func(done, total int64) { bytes = done },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("downloaded", bytes, "bytes")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, file := range files {
		fmt.Println(filepath.Base(file))
	}
	_, err = hub.Model(context.Background(), "google/t5-tiny@v2", hub.Options{})
	fmt.Println(err)
	// Output:
	// downloaded 1048584 bytes
	// config.json
	// model.safetensors
	// spiece.model
	// model "google/t5-tiny" has no revision "v2": want a branch, a tag or a commit
}
