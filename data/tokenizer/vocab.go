package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// configFile is what is read of tokenizer_config.json.
type configFile struct {
	LowerCase    bool        `json:"do_lower_case"`
	StripAccents *bool       `json:"strip_accents"`
	Ideographs   bool        `json:"tokenize_chinese_chars"`
	Unknown      configToken `json:"unk_token"`
	CLS          configToken `json:"cls_token"`
	SEP          configToken `json:"sep_token"`
	Pad          configToken `json:"pad_token"`
	Mask         configToken `json:"mask_token"`
}

// configToken is a token written as a string or as an object with "content".
type configToken string

func (t *configToken) UnmarshalJSON(content []byte) error {
	var text *string
	if json.Unmarshal(content, &text) == nil {
		if text != nil {
			*t = configToken(*text)
		}
		return nil
	}
	var object struct {
		Content configToken `json:"content"`
	}
	if err := json.Unmarshal(content, &object); err != nil {
		return errors.New("a token is neither a string nor an object with content")
	}
	*t = object.Content
	return nil
}

// parseConfig reads tokenizer_config.json over BERT's defaults.
func parseConfig(content []byte) (configFile, error) {
	c := configFile{
		LowerCase: true, Ideographs: true,
		Unknown: "[UNK]", CLS: "[CLS]", SEP: "[SEP]", Pad: "[PAD]", Mask: "[MASK]",
	}
	if content == nil {
		return c, nil
	}
	return c, json.Unmarshal(content, &c)
}

// parseVocab builds BERT's tokenizer from the content of vocab.txt: a token a
// line, its id the number of the line from 0.
func parseVocab(content []byte, config configFile) (*Tokenizer, error) {
	vocab := map[string]int32{}
	var id int32
	for line := range strings.Lines(string(content)) {
		vocab[strings.TrimRightFunc(line, spaceChars.contains)] = id
		id++
	}
	model, err := newWordPiece(vocab, "##", string(config.Unknown), 100)
	if err != nil {
		return nil, err
	}
	strip := config.LowerCase
	if config.StripAccents != nil {
		strip = *config.StripAccents
	}
	p := parts{
		normalizer: newNormalizer(true, config.Ideographs, strip, config.LowerCase),
		model:      model,
		decoder:    wordPieceDecoder("##", true),
	}
	for _, token := range []configToken{config.Unknown, config.SEP, config.Pad, config.CLS, config.Mask} {
		if _, ok := vocab[string(token)]; ok {
			p.addedTokens = append(p.addedTokens, addedToken{content: string(token), special: true})
		} else if token == config.CLS || token == config.SEP {
			return nil, fmt.Errorf("token %q is not in the vocabulary", token)
		}
	}
	p.single, p.pair = bertTemplates(vocab[string(config.CLS)], vocab[string(config.SEP)])
	return newTokenizer(p)
}
