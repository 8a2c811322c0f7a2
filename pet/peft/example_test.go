package peft_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopet-ml/gopet/pet/peft"
)

// An adapter of Hugging Face PEFT becomes one of gopet, and one of PEFT again.
func Example() {
	dir, err := os.MkdirTemp("", "peft")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	imported, err := peft.Import(context.Background(), peft.ImportOptions{
		Adapter: "testdata/bert/peft/lora-qv", // adapter_config.json, adapter_model.safetensors
		Model:   "testdata/bert",
		Out:     filepath.Join(dir, "adapter"),
		Task:    "mnli",
		Labels:  []string{"entailment", "neutral", "contradiction"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(imported.Kind, "is", imported.Method, "of", imported.Count, "parameters")

	exported, err := peft.Export(context.Background(), peft.ExportOptions{Adapter: imported.Out, Out: filepath.Join(dir, "exported")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(exported.Method, "is", exported.Kind, "of", exported.Format)
	// Output:
	// LORA is lora of 512 parameters
	// lora is LORA of peft
}
