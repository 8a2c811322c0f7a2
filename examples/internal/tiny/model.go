package tiny

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopet-ml/gopet/models/checkpoint"
)

// The sizes of the model.
const (
	hidden       = 32
	intermediate = 64
	layers       = 2
	positions    = 128
)

const config = `{
  "model_type": "bert",
  "vocab_size": %d,
  "hidden_size": %d,
  "num_hidden_layers": %d,
  "num_attention_heads": 2,
  "intermediate_size": %d,
  "max_position_embeddings": %d,
  "type_vocab_size": 2
}
`

// Model writes the files of a Hugging Face model into dir: a BERT without
// pooler or head, its weights a function of the seed.
func Model(dir string, seed uint64) error {
	vocab := append([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, words()...)
	files := map[string]string{
		"config.json": fmt.Sprintf(config, len(vocab), hidden, layers, intermediate, positions),
		"vocab.txt":   strings.Join(vocab, "\n") + "\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			return err
		}
	}
	return checkpoint.Write(filepath.Join(dir, "model.safetensors"), weights(int64(len(vocab)), seed), nil)
}

// weights are the tensors of a checkpoint, under their Hugging Face names.
func weights(vocab int64, seed uint64) []checkpoint.Tensor {
	random := rand.New(rand.NewPCG(seed, 0))
	var list []checkpoint.Tensor
	normal := func(name string, shape ...int64) {
		list = append(list, tensor(name, shape, func() float32 { return float32(0.2 * random.NormFloat64()) }))
	}
	constant := func(name string, value float32, shape ...int64) {
		list = append(list, tensor(name, shape, func() float32 { return value }))
	}
	linear := func(name string, in, out int64) {
		normal(name+".weight", out, in)
		constant(name+".bias", 0, out)
	}
	norm := func(name string) {
		constant(name+".weight", 1, hidden)
		constant(name+".bias", 0, hidden)
	}
	normal("embeddings.word_embeddings.weight", vocab, hidden)
	normal("embeddings.position_embeddings.weight", positions, hidden)
	normal("embeddings.token_type_embeddings.weight", 2, hidden)
	norm("embeddings.LayerNorm")
	for i := range layers {
		layer := fmt.Sprintf("encoder.layer.%d.", i)
		linear(layer+"attention.self.query", hidden, hidden)
		linear(layer+"attention.self.key", hidden, hidden)
		linear(layer+"attention.self.value", hidden, hidden)
		linear(layer+"attention.output.dense", hidden, hidden)
		norm(layer + "attention.output.LayerNorm")
		linear(layer+"intermediate.dense", hidden, intermediate)
		linear(layer+"output.dense", intermediate, hidden)
		norm(layer + "output.LayerNorm")
	}
	return list
}

// tensor fills a float32 tensor, in row-major order.
func tensor(name string, shape []int64, next func() float32) checkpoint.Tensor {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	bytes := make([]byte, 0, 4*n)
	for range n {
		bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(next()))
	}
	return checkpoint.Tensor{Name: name, DType: checkpoint.Float32, Shape: shape, Data: bytes}
}
