package tokenizer

import (
	"fmt"
	"strings"
)

// parseVocab builds BERT's tokenizer from the content of vocab.txt: a token a
// line, its id the number of the line from 0.
func parseVocab(content []byte, config *config) (*Tokenizer, error) {
	vocab := map[string]int32{}
	var id int32
	for line := range strings.Lines(string(content)) {
		vocab[strings.TrimRightFunc(line, spaceChars.contains)] = id
		id++
	}
	unknown, cls, sep := config.Unknown.or("[UNK]"), config.CLS.or("[CLS]"), config.SEP.or("[SEP]")
	model, err := newWordPiece(vocab, "##", unknown, 100)
	if err != nil {
		return nil, err
	}
	lower := orElse(config.LowerCase, true)
	p := parts{
		normalizer: normalizers{
			newBertNormalizer(true, orElse(config.Ideographs, true), orElse(config.StripAccents, lower), lower),
		},
		preTokenizer: preTokenizer{splits: []splitter{bertSplit{wordBreaks()}}},
		model:        model,
		decoder:      wordPieceDecoder("##", true),
	}
	for _, token := range []string{unknown, sep, config.Pad.or("[PAD]"), cls, config.Mask.or("[MASK]")} {
		if _, ok := vocab[token]; ok {
			p.addedTokens = append(p.addedTokens, addedToken{content: token, special: true})
		} else if token == cls || token == sep {
			return nil, fmt.Errorf("token %q is not in the vocabulary", token)
		}
	}
	p.single, p.pair = bertTemplates(vocab[cls], vocab[sep])
	return newTokenizer(p)
}
