package peft_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/peft"
)

// An edit damages the copy of an adapter directory.
type edit func(t *testing.T, dir string)

// set changes fields of a configuration; one that names another file begins
// with it and a slash.
func set(name string, value any) edit {
	file := pet.AdapterConfigFile
	if before, after, ok := strings.Cut(name, "/"); ok {
		file, name = before, after
	}
	return func(t *testing.T, dir string) {
		t.Helper()
		config := map[string]any{}
		if err := json.Unmarshal([]byte(read(t, dir, file)), &config); err != nil {
			t.Fatal(err)
		}
		into := config
		for {
			before, after, nested := strings.Cut(name, ".")
			if !nested {
				break
			}
			into, name = into[before].(map[string]any), after
		}
		into[name] = value
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, file, string(text))
	}
}

// tensors changes those of a file.
func tensors(file string, change func(map[string]checkpoint.Tensor)) edit {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, file)
		f, err := checkpoint.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all := map[string]checkpoint.Tensor{}
		for _, name := range f.Names() {
			info, _ := f.Info(name)
			data := make([]byte, info.NumBytes())
			if err := f.ReadInto(name, data); err != nil {
				t.Fatal(err)
			}
			all[name] = checkpoint.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Data: data}
		}
		change(all)
		var list []checkpoint.Tensor
		for name, tensor := range all {
			tensor.Name = name
			list = append(list, tensor)
		}
		if err := checkpoint.Write(path, list, f.Metadata()); err != nil {
			t.Fatal(err)
		}
	}
}

// weights changes the tensors of peft's file.
func weights(change func(map[string]checkpoint.Tensor)) edit {
	return tensors(pet.AdapterModelFile, change)
}

// drop takes a tensor away.
func drop(name string) edit {
	return weights(func(m map[string]checkpoint.Tensor) { delete(m, name) })
}

// rename gives a tensor another name.
func rename(from, to string) edit {
	return weights(func(m map[string]checkpoint.Tensor) {
		m[to] = m[from]
		delete(m, from)
	})
}

// number sets one int32 of SHiRA's indices.
func number(tensor string, at int, value byte) edit {
	return weights(func(m map[string]checkpoint.Tensor) { copy(m[tensor].Data[4*at:], []byte{value, 0, 0, 0}) })
}

func remove(name string) edit {
	return func(t *testing.T, dir string) {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func file(name, content string) edit {
	return func(t *testing.T, dir string) { write(t, dir, name, content) }
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refused wants one line that says it, and nothing left behind.
func refused(t *testing.T, err error, out, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line with %q", err, want)
	}
	entries, failure := os.ReadDir(filepath.Dir(out))
	if failure != nil {
		t.Fatal(failure)
	}
	if len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWhatHasNoEqualIsRefused(t *testing.T) {
	const (
		loraQV  = "bert/peft/lora-qv"
		query   = "base_model.model.bert.encoder.layer.0.attention.self.query"
		prompt  = "bert/peft/prompt"
		shira   = "bert/peft/shira"
		indices = query + ".shira_indices"
		paper   = "bert/adapters/paper"
		flex    = "bert/adapters/flexible-head"
		bitfit  = "exported/bert/bitfit"
	)
	for name, test := range map[string]struct {
		adapter string
		edit    edit
		want    string
	}{
		"no configuration":       {loraQV, remove(pet.AdapterConfigFile), "neither adapter_config.json nor bitfit.safetensors"},
		"half a configuration":   {loraQV, file(pet.AdapterConfigFile, `{"peft_type": "LO`), "adapter_config.json: unexpected end of JSON input"},
		"no format":              {loraQV, file(pet.AdapterConfigFile, `{}`), "neither the peft_type of PEFT nor the model_type of the adapters package"},
		"gopet's own":            {loraQV, set("peft_type", "GOPET"), "it is an adapter of gopet already"},
		"another method":         {loraQV, set("peft_type", "IA3"), `peft_type "IA3" is not supported: want LORA, PROMPT_TUNING or SHIRA`},
		"another task":           {loraQV, set("task_type", "TOKEN_CLS"), `task_type "TOKEN_CLS" is not supported`},
		"another module":         {loraQV, set("modules_to_save", []string{"classifier", "pooler"}), `modules_to_save names "pooler"`},
		"no tensors":             {loraQV, remove(pet.AdapterModelFile), "none of adapter_model.safetensors, adapter_model.bin"},
		"tensors cut short":      {loraQV, file(pet.AdapterModelFile, read(t, "testdata/"+loraQV, pet.AdapterModelFile)[:900]), "it was cut short"},
		"a type that is no text": {loraQV, set("peft_type", 3), "peft_type"},

		"DoRA":                {loraQV, set("use_dora", true), "use_dora = true is not supported"},
		"rank pattern":        {loraQV, set("rank_pattern", map[string]int{"query": 3}), `rank_pattern = {"query":3} is not supported`},
		"alpha pattern":       {loraQV, set("alpha_pattern", map[string]int{"query": 3}), `alpha_pattern = {"query":3} is not supported`},
		"biases":              {loraQV, set("bias", "lora_only"), `bias = "lora_only" is not supported`},
		"bias of B":           {loraQV, set("lora_bias", true), "lora_bias = true is not supported"},
		"quantisation":        {loraQV, set("loftq_config", map[string]int{"loftq_bits": 4}), "loftq_config = "},
		"quantised update":    {loraQV, set("use_qalora", true), "use_qalora = true is not supported"},
		"PiSSA":               {loraQV, set("init_lora_weights", "pissa"), `init_lora_weights = "pissa" is not supported`},
		"layers repeated":     {loraQV, set("layer_replication", [][]int{{0, 2}}), "layer_replication = [[0,2]] is not supported"},
		"tokens":              {loraQV, set("trainable_token_indices", []int{5}), "trainable_token_indices = [5] is not supported"},
		"parameters":          {loraQV, set("target_parameters", []string{"w"}), "target_parameters = "},
		"Conv1D":              {loraQV, set("fan_in_fan_out", true), "fan_in_fan_out = true is not supported"},
		"option to come":      {loraQV, set("magic_config", map[string]string{"kind": "new"}), `magic_config = {"kind":"new"} is not supported`},
		"long value":          {loraQV, set("eva_config", strings.Repeat("x", 300)), "xxx… is not supported"},
		"no rank":             {loraQV, set("r", 0), "r = 0: want 1 or more"},
		"another rank":        {loraQV, set("r", 3), `lora_A.weight" has shape [4 16], which should be [3 16]`},
		"rank beyond memory":  {loraQV, set("r", 1<<50), "which should be [1125899906842624 16]"},
		"half of a pair":      {loraQV, drop(query + ".lora_B.weight"), `query.lora_B.weight" is missing`},
		"magnitudes":          {loraQV, rename(query+".lora_B.weight", query+".lora_magnitude_vector"), `lora_magnitude_vector" is no part of LORA`},
		"unknown layer":       {loraQV, rename(query+".lora_A.weight", "base_model.model.bert.nowhere.lora_A.weight"), `the base has no linear layer "bert.nowhere"`},
		"embedding":           {loraQV, rename(query+".lora_A.weight", "base_model.model.bert.embeddings.word_embeddings.lora_A.weight"), "the base has no linear layer"},
		"targets too few":     {loraQV, set("target_modules", []string{"query"}), "which its target_modules leave out"},
		"targets too many":    {loraQV, set("target_modules", []string{"query", "value", "key"}), "of which it has no tensors"},
		"layers left out":     {loraQV, set("layers_to_transform", []int{1}), "which its target_modules leave out"},
		"modules excluded":    {loraQV, set("exclude_modules", `.*\.0\..*`), "which its target_modules leave out"},
		"targets of a number": {loraQV, set("target_modules", 3), "want a list of names or a regular expression"},
		"two names for one":   {loraQV, rename(query+".lora_B.weight", "base_model.bert.encoder.layer.0.attention.self.query.lora_A.weight"), "comes twice"},
		"no tensors of its own": {loraQV, weights(func(m map[string]checkpoint.Tensor) {
			for name := range m {
				if strings.Contains(name, "lora") {
					delete(m, name)
				}
			}
		}), "it has no tensors of its method"},
		"half a head": {loraQV, drop("base_model.model.classifier.bias"), `"classifier.bias" is missing`},
		"head of booleans": {loraQV, weights(func(m map[string]checkpoint.Tensor) {
			m["base_model.model.classifier.bias"] = checkpoint.Tensor{DType: checkpoint.Bool, Shape: []int64{3}, Data: make([]byte, 3)}
		}), "want floats"},

		"prompt of another length": {prompt, set("num_virtual_tokens", 4), "has shape [5 16], and num_virtual_tokens is 4, num_transformer_submodules 1, the model's width 16"},
		"prompt of three stacks":   {prompt, set("num_transformer_submodules", 3), "num_transformer_submodules = 3 is not supported"},
		"no prompt":                {prompt, drop("prompt_embeddings"), `tensor "prompt_embeddings" is missing`},
		"prompt and more":          {prompt, rename("base_model.classifier.bias", "mlp.bias"), `tensor "mlp.bias" is no part of PROMPT_TUNING`},
		"prompt of another width": {prompt, weights(func(m map[string]checkpoint.Tensor) {
			m["prompt_embeddings"] = checkpoint.Tensor{DType: checkpoint.Float32, Shape: []int64{5, 8}, Data: make([]byte, 160)}
		}), "prompt_embeddings"},
		"prompt beyond the positions": {prompt, func(t *testing.T, dir string) {
			set("num_virtual_tokens", 23)(t, dir)
			weights(func(m map[string]checkpoint.Tensor) {
				m["prompt_embeddings"] = checkpoint.Tensor{DType: checkpoint.Float32, Shape: []int64{23, 16}, Data: make([]byte, 23*64)}
			})(t, dir)
		}, "23 vectors leave no room"},

		"prompt of no width": {prompt, func(t *testing.T, dir string) {
			set("num_virtual_tokens", 1<<50)(t, dir)
			weights(func(m map[string]checkpoint.Tensor) {
				m["prompt_embeddings"] = checkpoint.Tensor{DType: checkpoint.Float32, Shape: []int64{1 << 50, 0}}
			})(t, dir)
		}, "has shape [1125899906842624 0]"},
		"head of no width": {prompt, weights(func(m map[string]checkpoint.Tensor) {
			m["base_model.classifier.weight"] = checkpoint.Tensor{DType: checkpoint.Float32, Shape: []int64{1 << 50, 0}}
		}), "it has a classification head, for which"},
		"bottleneck of no width": {paper, tensors("adapter.safetensors", func(m map[string]checkpoint.Tensor) {
			m["bert.encoder.layer.0.output.adapters.tuned.adapter_down.0.weight"] = checkpoint.Tensor{DType: checkpoint.Float32, Shape: []int64{1 << 50, 0}}
		}), "has shape [1125899906842624 0], and the model's width is 16"},
		"SHiRA of r beyond memory": {shira, set("r", 1<<59), "has 1 to 8"},
		"SHiRA of another r":       {shira, set("r", 1), "with r = 1 SHiRA has [32] and [2 32]"},
		"SHiRA beyond the weight":  {shira, set("r", 9), "SHiRA of \"bert.encoder.layer.0.attention.self.query\" has 1 to 8"},
		"SHiRA without indices":    {shira, drop(indices), "shira_indices\" is missing"},
		"row outside":              {shira, number(indices, 3, 16), "outside 16 x 16"},
		"column outside":           {shira, number(indices, 64+3, 99), "outside 16 x 16"},
		"entry twice": {shira, weights(func(m map[string]checkpoint.Tensor) {
			data := m[indices].Data
			copy(data[4:8], data[0:4])
			copy(data[4*65:4*66], data[4*64:4*65])
		}), "two entries of"},
		"values of bytes": {shira, weights(func(m map[string]checkpoint.Tensor) {
			m[query+".shira_weight"] = checkpoint.Tensor{DType: checkpoint.Uint8, Shape: []int64{64}, Data: make([]byte, 64)}
		}), "is U8, want floats"},
		"indices of bools": {shira, weights(func(m map[string]checkpoint.Tensor) {
			m[indices] = checkpoint.Tensor{DType: checkpoint.Bool, Shape: []int64{2, 64}, Data: make([]byte, 128)}
		}), "is BOOL, want floats"},
		"half an index": {shira, widened("shira_indices", checkpoint.Float32, func([]byte) []byte { return []byte{0, 0, 0, 0x3f} }), "holds 0.5, no whole number"},
		"indices of bytes": {shira, weights(func(m map[string]checkpoint.Tensor) {
			m[indices] = checkpoint.Tensor{DType: checkpoint.Uint8, Shape: []int64{2, 64}, Data: make([]byte, 128)}
		}), "want I32"},

		"LoRA of package adapters":    {paper, set("config.architecture", "lora"), `architecture "lora" is not supported`},
		"adapter-transformers":        {paper, set("version", "3.2.1"), `version "3.2.1": want a directory of the adapters package`},
		"another family":              {paper, set("model_type", "roberta"), `it is for a model of type "roberta", not "bert"`},
		"norm of its own":             {paper, set("config.ln_before", true), "ln_before = true is not supported"},
		"norm after":                  {paper, set("config.ln_after", true), "ln_after = true is not supported"},
		"parallel":                    {paper, set("config.is_parallel", true), "is_parallel = true is not supported"},
		"scaled":                      {paper, set("config.scaling", 4.0), "scaling = 4 is not supported"},
		"scale learned":               {paper, set("config.scaling", "learned"), `scaling = "learned" is not supported`},
		"gate":                        {paper, set("config.use_gating", true), "use_gating = true is not supported"},
		"invertible":                  {paper, set("config.inv_adapter", "nice"), `inv_adapter = "nice" is not supported`},
		"after cross-attention":       {paper, set("config.cross_adapter", true), "cross_adapter = true is not supported"},
		"layers left out of adapters": {paper, set("config.leave_out", []int{0}), "leave_out = [0] is not supported"},
		"compacter":                   {paper, set("config.phm_layer", true), "phm_layer = true is not supported"},
		"residual after the addition": {paper, set("config.residual_before_ln", "post_add"), `residual_before_ln = "post_add" is not supported`},
		"widths by layer":             {paper, set("config.reduction_factor", map[string]int{"0": 2}), `reduction_factor = {"0":2} is not supported`},
		"another place":               {paper, set("config.original_ln_after", true), "no placement of gopet"},
		"another activation":          {paper, set("config.non_linearity", "leakyrelu"), `unknown activation "leakyrelu"`},
		"another adapter's name":      {paper, set("name", "other"), `is no part of a bottleneck`},
		"bottleneck at another place": {paper, tensors("adapter.safetensors", func(m map[string]checkpoint.Tensor) {
			for _, end := range []string{"adapter_down.0.weight", "adapter_down.0.bias", "adapter_up.weight", "adapter_up.bias"} {
				m["bert.pooler.adapters.tuned."+end] = m["bert.encoder.layer.0.output.adapters.tuned."+end]
			}
		}), `bert.pooler`},
		"bottleneck missing": {paper, tensors("adapter.safetensors", func(m map[string]checkpoint.Tensor) {
			delete(m, "bert.encoder.layer.0.output.adapters.tuned.adapter_up.bias")
		}), `adapter_up.bias`},
		"no bottleneck": {paper, tensors("adapter.safetensors", func(m map[string]checkpoint.Tensor) { clear(m) }), "it has no tensors of a bottleneck"},

		"weight among biases": {bitfit, tensors(peft.BitFitFile, func(m map[string]checkpoint.Tensor) {
			m["bert.pooler.dense.weight"] = m["bert.pooler.dense.bias"]
		}), `tensor "bert.pooler.dense.weight" is no bias`},
		"bias of nowhere": {bitfit, tensors(peft.BitFitFile, func(m map[string]checkpoint.Tensor) {
			m["bert.nowhere.bias"] = m["bert.pooler.dense.bias"]
		}), `tensor "bert.nowhere.bias" is no part of an adapter of bitfit`},
		"bias missing": {bitfit, tensors(peft.BitFitFile, func(m map[string]checkpoint.Tensor) {
			delete(m, "bert.pooler.dense.bias")
		}), `tensor "bert.pooler.dense.bias" is missing`},
		"bias of another length": {bitfit, tensors(peft.BitFitFile, func(m map[string]checkpoint.Tensor) {
			m["bert.pooler.dense.bias"] = m["bert.encoder.layer.0.intermediate.dense.bias"]
		}), `bert.pooler.dense.bias`},
		"metadata of another": {bitfit, func(t *testing.T, dir string) {
			if err := checkpoint.Write(filepath.Join(dir, peft.BitFitFile), nil, map[string]string{"gopet": "{"}); err != nil {
				t.Fatal(err)
			}
		}, `metadata "gopet": unexpected end of JSON input`},

		"head of two layers":       {flex, set("head_config.json/config.layers", 2), "head_config.json: layers = 2 is not supported"},
		"head without the pooler":  {flex, set("head_config.json/config.use_pooler", false), "use_pooler = false is not supported"},
		"head of tags":             {flex, set("head_config.json/config.head_type", "tagging"), `head_type = "tagging" is not supported`},
		"labels without an order":  {flex, set("head_config.json/config.label2id", map[string]int{"a": 0, "b": 2, "c": 2}), "label2id numbers"},
		"head of another model":    {flex, set("head_config.json/name", "other"), "is no part of a head that gopet knows"},
		"head's file is not there": {flex, remove("model_head.safetensors"), "none of model_head.safetensors, pytorch_model_head.bin"},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			dir, out := copyDir(t, filepath.Join("testdata", test.adapter)), filepath.Join(t.TempDir(), "out")
			test.edit(t, dir)
			_, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: dir, Model: "testdata/bert", Out: out})
			refused(t, err, out, test.want)
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q does not name %s", err, dir)
			}
		})
	}
}

// What T5 has no place for, or the libraries none for T5's.
func TestWhatHasNoEqualForT5IsRefused(t *testing.T) {
	const base = "testdata/t5"
	for name, test := range map[string]struct {
		adapter string
		edit    edit
		want    string
	}{
		"head":                     {"bert/peft/prompt", func(*testing.T, string) {}, "it has a classification head, for which a model of type t5 has no place"},
		"lm_head":                  {"t5/adapters/paper", tensors("model_head.safetensors", func(m map[string]checkpoint.Tensor) { m["lm_head.weight"].Data[2] ^= 1 }), "an lm_head other than the base's"},
		"flexible":                 {"t5/adapters/paper", tensors("model_head.safetensors", func(m map[string]checkpoint.Tensor) { m["heads.x.0.weight"] = m["lm_head.weight"] }), "is no part of a head"},
		"three stacks":             {"t5/peft/prompt", set("num_transformer_submodules", 3), "num_transformer_submodules = 3 is not supported"},
		"half a stack":             {"t5/peft/prompt", set("num_transformer_submodules", nil), "has shape [5 14], and num_virtual_tokens is 5, num_transformer_submodules 2"},
		"cross-attention left out": {"t5/peft/lora-list", set("target_modules", `.*\.SelfAttention\.q|.*wi_1`), "which its target_modules leave out"},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			dir, out := copyDir(t, filepath.Join("testdata", test.adapter)), filepath.Join(t.TempDir(), "out")
			test.edit(t, dir)
			_, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: dir, Model: base, Out: out})
			refused(t, err, out, test.want)
		})
	}
	t.Run("prompt of the decoder", func(t *testing.T) {
		torchtest.NoLeaks(t)
		dir, out := made(t, base, "prompt", pet.Options{Prompt: 4}), filepath.Join(t.TempDir(), "out")
		set("trainable", 2*4*14)(t, dir)
		weights(func(m map[string]checkpoint.Tensor) { m["decoder_prompt_embeddings"] = m["prompt_embeddings"] })(t, dir)
		_, err := peft.Export(t.Context(), peft.ExportOptions{Adapter: dir, Out: out})
		refused(t, err, out, "it has a prompt of the decoder, which peft does not read")
	})
	t.Run("mask of the embeddings", func(t *testing.T) {
		torchtest.NoLeaks(t)
		dir, out := made(t, base, "apet-discrete", pet.Options{K: 3, Targets: `shared\.weight`}), filepath.Join(t.TempDir(), "out")
		_, err := peft.Export(t.Context(), peft.ExportOptions{Adapter: dir, Out: out})
		refused(t, err, out, `entries of "shared.weight"`)
	})
}

// A pooler comes along with an adapter only to let the first token pass.
func TestAnotherPoolerIsRefused(t *testing.T) {
	const pooler = "base_model.model.bert.pooler.dense."
	for name, test := range map[string]struct {
		base string
		edit edit
	}{
		"a base with a pooler":      {"testdata/bert", func(*testing.T, string) {}},
		"an entry off the diagonal": {"testdata/bare", weights(func(m map[string]checkpoint.Tensor) { m[pooler+"weight"].Data[4*17+4] = 1 })},
		"a diagonal of two values":  {"testdata/bare", weights(func(m map[string]checkpoint.Tensor) { m[pooler+"weight"].Data[4*17+3] = 0x40 })},
		"a bias":                    {"testdata/bare", weights(func(m map[string]checkpoint.Tensor) { m[pooler+"bias"].Data[3] = 0x40 })},
		"half a pooler":             {"testdata/bare", drop(pooler + "bias")},
		"no pooler after all":       {"testdata/bare", all(drop(pooler+"bias"), drop(pooler+"weight"))},
		"a scale that rounds": {"testdata/bare", weights(func(m map[string]checkpoint.Tensor) {
			for i := range 16 {
				m[pooler+"weight"].Data[4*17*i+3] = 0x3f
			}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			dir, out := copyDir(t, "testdata/exported/bare/lora-pooler"), filepath.Join(t.TempDir(), "out")
			test.edit(t, dir)
			_, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: dir, Model: test.base, Out: out})
			refused(t, err, out, `modules_to_save names "pooler", and gopet keeps only a classifier beside a method`)
		})
	}
}

// A pickle is read and not run: one that calls something is refused by what it
// would call.
func TestPicklesAreNotRun(t *testing.T) {
	dir, out := copyDir(t, "testdata/bert/peft/lora-qv"), filepath.Join(t.TempDir(), "out")
	remove(pet.AdapterModelFile)(t, dir)
	write(t, dir, "adapter_model.bin", "\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
	_, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: dir, Model: "testdata/bert", Out: out})
	refused(t, err, out, "adapter_model.bin")
}

func TestImportsThatCannotBe(t *testing.T) {
	const adapter, base = "testdata/bert/peft/lora-qv", "testdata/bert"
	for name, test := range map[string]struct {
		options peft.ImportOptions
		want    string
	}{
		"no adapter":      {peft.ImportOptions{Adapter: "nowhere", Model: base}, "neither adapter_config.json nor"},
		"no model":        {peft.ImportOptions{Adapter: adapter, Model: "nowhere"}, "no such model directory"},
		"no dtype":        {peft.ImportOptions{Adapter: adapter, Model: base, DType: "int4"}, "int4"},
		"few labels":      {peft.ImportOptions{Adapter: adapter, Model: base, Labels: []string{"a", "b"}}, "its head has 3 rows, and there are 2 labels"},
		"a label twice":   {peft.ImportOptions{Adapter: adapter, Model: base, Labels: []string{"a", "b", "a"}}, "a label comes twice"},
		"labels, no head": {peft.ImportOptions{Adapter: "testdata/bert/peft/lora-embed", Model: base, Labels: []string{"a"}}, "it has no classification head for the labels"},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			test.options.Out = filepath.Join(t.TempDir(), "out")
			_, err := peft.Import(t.Context(), test.options)
			refused(t, err, test.options.Out, test.want)
		})
	}
	t.Run("it is there", func(t *testing.T) {
		if _, err := peft.Import(t.Context(), peft.ImportOptions{Adapter: adapter, Model: base, Out: base}); err == nil || !strings.Contains(err.Error(), "already exists") {
			t.Errorf("error %v", err)
		}
	})
}

func TestExportsThatCannotBe(t *testing.T) {
	const base = "testdata/bert"
	other := copyDir(t, base)
	tensors("model.safetensors", func(m map[string]checkpoint.Tensor) { m["pooler.dense.bias"].Data[2] ^= 1 })(t, other)
	for name, test := range map[string]struct {
		method  string
		made    pet.Options
		options peft.ExportOptions
		want    string
	}{
		"full":               {"full", pet.Options{}, peft.ExportOptions{}, "method full has no form in other libraries: merge it into its base instead"},
		"another format":     {"lora", pet.Options{}, peft.ExportOptions{Format: peft.FormatAdapters}, "method lora has no form in format adapters: export it as peft"},
		"unknown format":     {"lora", pet.Options{}, peft.ExportOptions{Format: "adapter"}, `unknown format "adapter"; did you mean "adapters"?`},
		"another base":       {"lora", pet.Options{}, peft.ExportOptions{Model: other}, "tuned on another base model"},
		"no base":            {"lora", pet.Options{}, peft.ExportOptions{Model: "nowhere"}, "no such model directory"},
		"mask of embeddings": {"apet-discrete", pet.Options{K: 5, Targets: `.*word_embeddings\.weight`}, peft.ExportOptions{}, `entries of "bert.embeddings.word_embeddings.weight", and SHiRA those of linear layers' weights alone`},
		"mask of biases":     {"apet-discrete", pet.Options{K: 5, Targets: `.*query\.bias`}, peft.ExportOptions{}, `entries of "bert.encoder.layer`},
		"mask of norms":      {"apet-discrete", pet.Options{K: 5, Targets: `.*\.0\..*LayerNorm\.weight`}, peft.ExportOptions{}, "LayerNorm.weight"},
		"mask too full for another": {"apet-adjacent", pet.Options{K: 256 + 448 - 20, Targets: `.*\.0\.(attention\.self\.query|intermediate\.dense)\.weight`}, peft.ExportOptions{},
			"need SHiRA of r = "},
		"pooler of its own": {"lora", pet.Options{}, peft.ExportOptions{Pooler: true}, "its base needs no pooler"},
		"pooler elsewhere":  {"adapter", pet.Options{}, peft.ExportOptions{Pooler: true}, "a pooler goes with format peft alone"},
		"no mask":           {"apet-discrete", pet.Options{K: 0}, peft.ExportOptions{}, "it tunes no entries of the base, and SHiRA needs some"},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			test.options.Adapter = made(t, base, test.method, test.made)
			test.options.Out = filepath.Join(t.TempDir(), "out")
			_, err := peft.Export(t.Context(), test.options)
			refused(t, err, test.options.Out, test.want)
		})
	}
}
