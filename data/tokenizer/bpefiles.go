package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parseBPEFiles builds the tokenizer of GPT-2, or RoBERTa's, from the contents
// of vocab.json, tokens and their ids, and merges.txt, a merge a line.
func parseBPEFiles(vocabContent, mergesContent []byte, config *config) (*Tokenizer, error) {
	var vocab map[string]int32
	if err := json.Unmarshal(vocabContent, &vocab); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(mergesContent), "\r\n", "\n")
	merges, err := parseMerges(strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
	if err != nil {
		return nil, fmt.Errorf("merges.txt: %w", err)
	}
	model, err := newBPE(vocab, merges, "", bpeOptions{})
	if err != nil {
		return nil, err
	}
	p := parts{
		preTokenizer: preTokenizer{writer: newByteLevel(config.PrefixSpace, true)},
		model:        model,
		decoder:      decodeByteLevel,
	}
	roberta := isRoberta(vocab, config)
	defaults := tokenDefaults{bos: "<|endoftext|>", eos: "<|endoftext|>", unknown: "<|endoftext|>"}
	if roberta {
		defaults = tokenDefaults{"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"}
	}
	if p.addedTokens, err = config.addedTokens(defaults); err != nil {
		return nil, err
	}
	t, err := newTokenizer(p)
	if err != nil {
		return nil, err
	}
	id := func(token configToken, content string) int32 {
		id, _ := t.TokenToID(token.or(content)) // added above
		return id
	}
	if roberta {
		t.single, t.pair = robertaTemplates(id(config.CLS, defaults.cls), id(config.SEP, defaults.sep))
		return t, nil
	}
	var before, after []int32
	if config.AddBOS {
		before = []int32{id(config.BOS, defaults.bos)}
	}
	if config.AddEOS {
		after = []int32{id(config.EOS, defaults.eos)}
	}
	t.single, t.pair = gpt2Templates(before, after)
	return t, nil
}

// isRoberta tells RoBERTa's files by the configuration, or by the tokens that
// GPT-2 lacks.
func isRoberta(vocab map[string]int32, config *config) bool {
	if config.Class != "" {
		return strings.HasPrefix(config.Class, "Roberta")
	}
	for _, token := range []string{"<s>", "</s>", "<mask>"} {
		if _, ok := vocab[token]; !ok {
			return false
		}
	}
	return true
}

// parseMerges reads merges written as two tokens with a space between.
func parseMerges(lines []string) ([][2]string, error) {
	merges := make([][2]string, 0, len(lines))
	for i, line := range lines {
		if strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return nil, fmt.Errorf("merge %d, %q, is not two tokens with a space between", i, line)
		}
		merges = append(merges, [2]string{left, right})
	}
	return merges, nil
}
