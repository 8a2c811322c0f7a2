package pet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/internal/torchtest"
	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/checkpoint"
	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/pet/internal/pettest"
	"github.com/gopet-ml/gopet/torch"
)

func fingerprint(t testing.TB, m models.Model) string {
	t.Helper()
	print, err := models.Fingerprint(m.Base())
	if err != nil {
		t.Fatal(err)
	}
	return print
}

// savedAdapter tunes a model and saves the adapter; it returns the directory
// and the tuned model's output.
func savedAdapter(t *testing.T, model string, v variant, dtype torch.DType, trainHead bool) (dir string, want []float64) {
	t.Helper()
	m := pettest.Load(t, model, dtype)
	base := pet.Base{
		Model: "tiny", Fingerprint: fingerprint(t, m), Task: "classify",
		Text: []string{"text"}, Label: "kind", Labels: []string{"a", "b", "c"},
	}
	attached := v.attach(t, m, trainHead)
	defer attached.Detach()
	pettest.Move(attached)
	dir = filepath.Join(t.TempDir(), "adapter")
	if err := pet.SaveAdapter(dir, attached, base); err != nil {
		t.Fatal(err)
	}
	return dir, pettest.Answers(m)
}

// savedMask is the adapter that is broken in many ways.
func savedMask(t *testing.T, method string) string {
	t.Helper()
	dir, _ := savedAdapter(t, pettest.BERT, variant{method, pet.Options{K: 300, Seed: 3}}, torch.Float32, true)
	return dir
}

func TestAdaptersComeBackBitForBit(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		eachVariant(t, func(t *testing.T, model string, v variant) {
			comesBack(t, model, v, dtype, true)
			if model == pettest.BERT { // the others have no head
				comesBack(t, model, v, dtype, false)
			}
		})
	}
}

func comesBack(t *testing.T, model string, v variant, dtype torch.DType, trainHead bool) {
	t.Helper()
	torchtest.NoLeaks(t)
	dir, want := savedAdapter(t, model, v, dtype, trainHead)
	m := pettest.Load(t, model, dtype)
	print := fingerprint(t, m)
	untuned := pettest.Answers(m)
	attached, err := pet.LoadAdapter(dir, m, print, trainHead)
	if err != nil {
		t.Fatal(err)
	}
	if got := pettest.Answers(m); !slices.Equal(bits(got), bits(want)) {
		t.Errorf("%v: output %v, when saved %v", dtype, got, want)
	}
	if slices.Equal(untuned, want) {
		t.Errorf("%v: tuning changed nothing", dtype)
	}
	attached.Detach()
	if got := fingerprint(t, m); v.method != "full" && got != print {
		t.Errorf("%v: the base is another after detaching", dtype)
	}
}

func TestSavingTwiceGivesTheSameFiles(t *testing.T) {
	eachVariant(t, func(t *testing.T, model string, v variant) {
		first, _ := savedAdapter(t, model, v, torch.Float32, true)
		second, _ := savedAdapter(t, model, v, torch.Float32, true)
		for _, name := range []string{pet.AdapterConfigFile, pet.AdapterModelFile} {
			if a, b := readFile(t, first, name), readFile(t, second, name); a != b {
				t.Errorf("%s differs", name)
			}
		}
	})
}

func TestAnAdapterSaysWhatItIs(t *testing.T) {
	dir := savedMask(t, "apet-adjacent")
	config, err := pet.ReadAdapterConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if config.Method != "apet-adjacent" || config.Count != 300 || !config.Head || config.Task != "classify" ||
		config.Label != "kind" || !slices.Equal(config.Text, []string{"text"}) || !slices.Equal(config.Labels, []string{"a", "b", "c"}) {
		t.Errorf("%+v", config)
	}
}

// TestBrokenAdaptersAreRefused wants one line that names the place, and a
// model that is as it was.
func TestBrokenAdaptersAreRefused(t *testing.T) {
	const tensor = "bert.encoder.layer.0.attention.self.query.weight"
	for name, test := range map[string]struct {
		breakIt func(t *testing.T, dir string)
		want    string
	}{
		"no directory": {func(t *testing.T, dir string) { remove(t, dir) }, "want an adapter directory, such as RUN/adapter"},
		"no tensors":   {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, pet.AdapterModelFile)) }, pet.AdapterModelFile},
		"another's":    {editConfig(func(c map[string]any) { c["peft_type"] = "LORA" }), `peft_type "LORA": this is no adapter of gopet`},
		"no JSON": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, pet.AdapterConfigFile), []byte("{"), 0o666); err != nil {
				t.Fatal(err)
			}
		}, "unexpected end of JSON input"},
		"other dtype":    {editConfig(func(c map[string]any) { c["dtype"] = "bfloat16" }), "tuned on a base in bfloat16, and this one is in float32"},
		"other base":     {editConfig(func(c map[string]any) { c["base_fingerprint"] = "0123456789abcdef" }), "tuned on another base model (tiny, fingerprint 0123456789ab;"},
		"unknown method": {editConfig(func(c map[string]any) { c["method"] = "apet-discreet" }), `did you mean "apet-discrete"?`},
		"other count":    {editConfig(func(c map[string]any) { c["config"] = map[string]any{"k": 299} }), "configuration says 299 entries, its file has 300"},
		"k is no number": {editConfig(func(c map[string]any) { c["config"] = map[string]any{"k": "many"} }), "adapter configuration"},
		"no values":      {editTensors(func(m map[string]checkpoint.Tensor) { delete(m, tensor+".apet_values") }), tensor + ".apet_values"},
		"few values": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m[tensor+".apet_values"]
			v.Shape, v.Data = []int64{1}, v.Data[:4]
			m[v.Name] = v
		}), "has shape [1], this model wants [24]"},
		"unknown tensor": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m[tensor+".apet_index"]
			v.Name = "bert.nowhere.apet_index"
			m[v.Name] = v
		}), `the adapter tunes "bert.nowhere", which the model does not have`},
		"outside": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m[tensor+".apet_index"]
			v.Data[0], v.Data[1] = 0xff, 0x7f
			m[v.Name] = v
		}), "lies outside the tensor's 256 entries"},
		"index of floats": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m[tensor+".apet_values"]
			v.Name = tensor + ".apet_index"
			m[v.Name] = v
		}), "is float32, want uint8"},
		"no head": {editTensors(func(m map[string]checkpoint.Tensor) { delete(m, "classifier.bias") }), "classifier.bias"},
		"foreign tensor": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m["classifier.bias"]
			v.Name = "classifier.spare"
			m[v.Name] = v
		}), `tensor "classifier.spare" is no part of an adapter of apet-discrete on this model`},
		"other total": {editConfig(func(c map[string]any) { c["trainable"] = 299 }), "says 299 tuned parameters, its file has 300"},
		"other head": {editTensors(func(m map[string]checkpoint.Tensor) {
			v := m["classifier.bias"]
			v.Shape, v.Data = []int64{2}, v.Data[:8]
			m[v.Name] = v
		}), `tensor "classifier.bias" has shape [2], this model wants [3]`},
		"cut short": {func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, pet.AdapterModelFile), 1000); err != nil {
				t.Fatal(err)
			}
		}, pet.AdapterModelFile},
	} {
		t.Run(name, func(t *testing.T) {
			torchtest.NoLeaks(t)
			dir := savedMask(t, "apet-discrete")
			test.breakIt(t, dir)
			m := pettest.Load(t, pettest.BERT, torch.Float32)
			print := fingerprint(t, m)
			attached, err := pet.LoadAdapter(dir, m, print, true)
			if err == nil || attached != nil {
				t.Fatalf("loaded: %v, error %v, want %q", attached != nil, err, test.want)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q, want one line with %q and the place", err, test.want)
			}
			if got := fingerprint(t, m); got != print {
				t.Error("the base has changed")
			}
		})
	}
}

// TestAnotherBaseIsNamedWithItsShapes tries every method's adapter on a BERT of
// other sizes, and on one that only has other values.
func TestAnotherBaseIsNamedWithItsShapes(t *testing.T) {
	const shapes = `: that has 39 tensors, 5748 entries, "bert.embeddings.word_embeddings.weight" [61 16]; ` +
		`this one 55 tensors, 13171 entries, "bert.embeddings.word_embeddings.weight" [97 20]`
	const remedy = "; give the base it was tuned on"
	for _, v := range variants {
		torchtest.NoLeaks(t)
		dir, _ := savedAdapter(t, pettest.BERT, v, torch.Float32, true)
		larger := pettest.Load(t, "models/bert/testdata/pooler", torch.Float32)
		retrained := pettest.Load(t, pettest.BERT, torch.Float32)
		retrained.Base()[3].Tensor.Fill(0.5)
		for model, want := range map[models.Model]string{larger: ")" + shapes + remedy, retrained: ")" + remedy} {
			print := fingerprint(t, model)
			_, err := pet.LoadAdapter(dir, model, print, true)
			if err == nil || !strings.Contains(err.Error(), "tuned on another base model (tiny, fingerprint ") ||
				!strings.HasSuffix(err.Error(), fmt.Sprintf("; this one has %.12s%s", print, want)) {
				t.Errorf("%v: %v", v, err)
			}
			if fingerprint(t, model) != print {
				t.Errorf("%v: the base has changed", v)
			}
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func editConfig(edit func(map[string]any)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(readFile(t, dir, pet.AdapterConfigFile)), &fields); err != nil {
			t.Fatal(err)
		}
		edit(fields)
		content, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, pet.AdapterConfigFile), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func editTensors(edit func(map[string]checkpoint.Tensor)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, pet.AdapterModelFile)
		file, err := checkpoint.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		tensors := map[string]checkpoint.Tensor{}
		for _, name := range file.Names() {
			info, _ := file.Info(name)
			data := make([]byte, info.NumBytes())
			if err := file.ReadInto(name, data); err != nil {
				t.Fatal(err)
			}
			tensors[name] = checkpoint.Tensor{Name: name, DType: info.DType, Shape: info.Shape, Data: data}
		}
		edit(tensors)
		var list []checkpoint.Tensor
		for _, tensor := range tensors {
			list = append(list, tensor)
		}
		if err := checkpoint.Write(path, list, nil); err != nil {
			t.Fatal(err)
		}
	}
}
