package peft

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gopet-ml/gopet/pet/prompt"
)

// promptConfig is what gopet reads and writes of peft's PromptTuningConfig.
type promptConfig struct {
	commonConfig
	Length   int64  `json:"num_virtual_tokens"`
	Dim      *int64 `json:"token_dim"`
	Stacks   *int64 `json:"num_transformer_submodules"`
	InitWith string `json:"prompt_tuning_init"`
}

// promptFields are the fields of peft's PromptTuningConfig.
var promptFields = fields{
	"num_virtual_tokens": anything, "token_dim": anything, "num_transformer_submodules": anything,
	// What the vectors began with.
	"prompt_tuning_init": anything, "prompt_tuning_init_text": anything,
	"tokenizer_name_or_path": anything, "tokenizer_kwargs": anything,
	// Of the base, and not used for prompts before words.
	"num_attention_heads": anything, "num_layers": anything,
}

func exportPrompt(t *tuned) (*directory, error) {
	if _, ok := t.tensors[prompt.DecoderTensor]; ok {
		return nil, errors.New("it has a prompt of the decoder, which peft does not read")
	}
	vectors := t.tensors[prompt.EncoderTensor]
	d := t.peftDirectory(promptPrefix)
	d.files[peftModelFile].add(vectors)
	one := int64(1)
	d.configs[peftConfigFile] = promptConfig{
		commonConfig: t.commonConfig("PROMPT_TUNING"),
		Length:       vectors.Shape[0], Dim: &vectors.Shape[1], Stacks: &one, InitWith: "RANDOM",
	}
	return d, nil
}

// importPrompt takes the encoder's prompt. peft makes one for the decoder too
// unless told otherwise, and never reads it (peft 0.21.2, forward of
// PeftModelForSeq2SeqLM).
func importPrompt(f *peftAdapter, b *base) (*restorable, error) {
	var config promptConfig
	if err := f.decode(&config, promptFields); err != nil {
		return nil, err
	}
	stacks := int64(1)
	if b.isTextToText() {
		stacks = 2
	}
	if config.Stacks != nil {
		stacks = *config.Stacks
	}
	if stacks != 1 && !(stacks == 2 && b.isTextToText()) {
		return nil, fmt.Errorf("num_transformer_submodules = %d is not supported for a model of type %s", stacks, b.modelType)
	}
	vectors, ok := f.tensors[prompt.EncoderTensor]
	if !ok {
		return nil, fmt.Errorf("tensor %q is missing", prompt.EncoderTensor)
	}
	for _, name := range f.tensors.Names() {
		if name != prompt.EncoderTensor {
			return nil, fmt.Errorf("tensor %q is no part of %s that gopet knows", name, f.kind)
		}
	}
	if config.Length < 1 || !slices.Equal(vectors.Shape, []int64{config.Length * stacks, b.width()}) {
		return nil, fmt.Errorf("tensor %q has shape %v, and num_virtual_tokens is %d, num_transformer_submodules %d, the model's width %d",
			prompt.EncoderTensor, vectors.Shape, config.Length, stacks, b.width())
	}
	if stacks == 2 {
		f.remarks = append(f.remarks, "peft does not read the decoder's half of a prompt, and it is left out")
		vectors.Shape, vectors.Data = []int64{config.Length, b.width()}, vectors.Data[:len(vectors.Data)/2]
	}
	result := &restorable{method: "prompt", tensors: tensors{prompt.EncoderTensor: vectors}}
	var err error
	result.config, err = json.Marshal(prompt.Config{Length: config.Length})
	return result, err
}
