package peft_test

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
)

// all applies edits in turn.
func all(edits ...edit) edit {
	return func(t *testing.T, dir string) {
		for _, e := range edits {
			e(t, dir)
		}
	}
}

// widened makes the numbers of some tensors another type's.
func widened(suffix string, dtype checkpoint.DType, number func([]byte) []byte) edit {
	return weights(func(m map[string]checkpoint.Tensor) {
		for name, tensor := range m {
			if strings.HasSuffix(name, suffix) {
				tensor.DType = dtype
				var data []byte
				for four := range slices.Chunk(tensor.Data, 4) {
					data = append(data, number(four)...)
				}
				tensor.Data = data
				m[name] = tensor
			}
		}
	})
}

func float64Of(four []byte) []byte {
	value := float64(math.Float32frombits(binary.LittleEndian.Uint32(four)))
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(value))
}

func floatOfInt(four []byte) []byte {
	return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(binary.LittleEndian.Uint32(four))))
}

func int64OfInt(four []byte) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(binary.LittleEndian.Uint32(four)))
}

// TestOtherFormsOfTheSame: releases of peft and systems differ in what they
// write of one adapter.
func TestOtherFormsOfTheSame(t *testing.T) {
	const loraQV, shira = "bert/peft/lora-qv", "bert/peft/shira"
	const head = "base_model.model.classifier"
	for name, test := range map[string]struct {
		adapter string
		edit    edit
	}{
		"minimal configuration": {loraQV, file(pet.AdapterConfigFile, `{"peft_type": "LORA", "r": 4, "lora_alpha": 6}`)},
		"options to come, at their defaults": {loraQV, all(
			set("a_config", nil), set("use_b", false), set("c_list", []int{}), set("d_map", map[string]int{}), set("e", 0), set("f", ""))},
		"what does not change what is computed": {loraQV, all(
			set("inference_mode", false), set("revision", "main"), set("peft_version", "0.3.0"), set("auto_mapping", map[string]string{"a": "b"}),
			set("init_lora_weights", "gaussian"), set("task_type", nil))},
		"targets that only Python reads": {loraQV, set("target_modules", `^(?!.*pooler).*(query|value)$`)},
		"targets by an expression":       {loraQV, set("target_modules", `.*\.(query|value)`)},
		"targets without the key":        {loraQV, all(set("target_modules", []string{"query", "value", "key"}), set("exclude_modules", []string{"key"}))},
		"all layers by number":           {loraQV, set("layers_to_transform", []int{0, 1})},
		"layers of a list":               {loraQV, all(set("layers_to_transform", []int{0, 1}), set("layers_pattern", "layer"))},
		"head in peft's wrapper": {loraQV, all(
			rename(head+".weight", head+".modules_to_save.weight"), rename(head+".bias", head+".modules_to_save.bias"))},
		"head in peft's wrapper, named": {loraQV, all(
			rename(head+".weight", head+".modules_to_save.default.weight"), rename(head+".bias", head+".modules_to_save.default.bias"))},
		"float64":            {loraQV, widened("weight", checkpoint.Float64, float64Of)},
		"indices of Windows": {shira, widened("shira_indices", checkpoint.Float32, floatOfInt)},
		"indices of int64":   {shira, widened("shira_indices", checkpoint.Int64, int64OfInt)},
		"mask of one's own":  {shira, all(set("mask_type", "mine"), set("random_seed", nil))},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			original := filepath.Join("testdata", test.adapter)
			dir := copyDir(t, original)
			test.edit(t, dir)
			want := imported(t, peft.ImportOptions{Adapter: original, Model: "testdata/bert"})
			sameFiles(t, imported(t, peft.ImportOptions{Adapter: dir, Model: "testdata/bert"}), want)
		})
	}
}

func TestAllLinearOfPEFT(t *testing.T) {
	torchtest.NoLeaks(t)
	original := "testdata/bert/peft/lora-all-linear"
	dir := copyDir(t, original)
	set("target_modules", "all-linear")(t, dir)
	want := imported(t, peft.ImportOptions{Adapter: original, Model: "testdata/bert"})
	sameFiles(t, imported(t, peft.ImportOptions{Adapter: dir, Model: "testdata/bert"}), want)
}

func TestAnImportSaysWhatItDid(t *testing.T) {
	torchtest.NoLeaks(t)
	out := filepath.Join(t.TempDir(), "adapter")
	got, err := peft.Import(t.Context(), peft.ImportOptions{
		Adapter: "testdata/bert/peft/lora-regex", Model: "testdata/bert", Out: out,
		Task: "classify", Text: []string{"review"}, Label: "stars", Labels: []string{"1", "2", "3"}, MaxLength: 12,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &peft.Imported{
		Format: "peft", Kind: "LORA", Method: "lora", Count: 304, Labels: []string{"1", "2", "3"}, Out: out,
		Remarks: []string{"lora_dropout = 0.1 acts in training alone and is left out"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	config, err := pet.ReadAdapterConfig(out)
	if err != nil {
		t.Fatal(err)
	}
	if config.Task != "classify" || config.Label != "stars" || !slices.Equal(config.Text, []string{"review"}) || config.MaxLength != 12 ||
		config.Count != 304 || !config.Head || config.DType != "float32" || config.BaseModel != "testdata/bert" {
		t.Errorf("%+v", config)
	}
}

// Labels that nobody gives are numbered, as in transformers.
func TestLabelsOfAnAdapterWithoutAny(t *testing.T) {
	torchtest.NoLeaks(t)
	config, err := pet.ReadAdapterConfig(imported(t, peft.ImportOptions{Adapter: "testdata/bert/peft/prompt", Model: "testdata/bert"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"LABEL_0", "LABEL_1", "LABEL_2"}; !slices.Equal(config.Labels, want) {
		t.Errorf("labels %q, want %q", config.Labels, want)
	}
}

// The labels of a head of the adapters package are in its file.
func TestLabelsOfAFlexibleHead(t *testing.T) {
	torchtest.NoLeaks(t)
	config, err := pet.ReadAdapterConfig(imported(t, peft.ImportOptions{Adapter: "testdata/bert/adapters/flexible-head", Model: "testdata/bert"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"low", "middle", "high"}; !slices.Equal(config.Labels, want) {
		t.Errorf("labels %q, want %q", config.Labels, want)
	}
}

// peft makes vectors for T5's decoder that it never reads.
func TestTheDecodersHalfOfAPromptIsLeftOut(t *testing.T) {
	torchtest.NoLeaks(t)
	got, err := peft.Import(t.Context(), peft.ImportOptions{
		Adapter: "testdata/t5/peft/prompt-both-stacks", Model: "testdata/t5", Out: filepath.Join(t.TempDir(), "adapter"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"peft does not read the decoder's half of a prompt, and it is left out"}; !slices.Equal(got.Remarks, want) || got.Count != 4*14 {
		t.Errorf("%d parameters, remarks %q", got.Count, got.Remarks)
	}
}

// A head behind a pooler that nobody kept is not what it was.
func TestAHeadWithoutItsPoolerIsRemarked(t *testing.T) {
	torchtest.NoLeaks(t)
	for adapter, want := range map[string]bool{
		"bare/peft/lora-first-token": true, "bare/adapters/flexible-first-token": false, "exported/bare/lora": false,
		"exported/bare/lora-pooler": false, "bert/peft/lora-qv": false,
	} {
		base := "testdata/bare"
		if strings.HasPrefix(adapter, "bert") {
			base = "testdata/bert"
		}
		got, err := peft.Import(t.Context(), peft.ImportOptions{
			Adapter: filepath.Join("testdata", adapter), Model: base, Out: filepath.Join(t.TempDir(), "adapter"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if remarked := len(got.Remarks) == 1 && strings.HasPrefix(got.Remarks[0], "its base has no pooler"); remarked != want {
			t.Errorf("%s: remarks %q", adapter, got.Remarks)
		}
	}
}
