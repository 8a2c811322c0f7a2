package tokenizer

import (
	"errors"
	"fmt"
)

// spieceFile is what is read of a SentencePiece model, a protocol buffer
// (sentencepiece_model.proto).
type spieceFile struct {
	pieces     []spiece
	trainer    *spieceTrainer
	normalizer *spieceNormalizer
}

type spiece struct {
	text  string
	score float64
	kind  int32
}

// Kinds of pieces.
const (
	normalPiece      = 1
	unknownPiece     = 2
	controlPiece     = 3
	userDefinedPiece = 4
	bytePiece        = 6
)

type spieceTrainer struct {
	model        int32 // 1: Unigram
	suffixSpace  bool  // treat_whitespace_as_suffix
	byteFallback bool
	unknown      int32
}

type spieceNormalizer struct {
	charsmap    []byte
	prefixSpace bool // add_dummy_prefix
	escape      bool // escape_whitespaces
}

func readSpiece(content []byte) (*spieceFile, error) {
	file := new(spieceFile)
	err := protoFields(content, func(f protoField) error {
		var message []byte
		switch f.number {
		case 1:
			if err := f.bytes(&message); err != nil {
				return err
			}
			return file.readPiece(message)
		case 2:
			if err := f.bytes(&message); err != nil {
				return err
			}
			return file.readTrainer(message)
		case 3:
			if err := f.bytes(&message); err != nil {
				return err
			}
			return file.readNormalizer(message)
		}
		return nil
	})
	return file, err
}

func (file *spieceFile) readPiece(message []byte) error {
	p := spiece{kind: normalPiece}
	err := protoFields(message, func(f protoField) error {
		switch f.number {
		case 1:
			return f.text(&p.text)
		case 2:
			return f.float(&p.score)
		case 3:
			return f.int32(&p.kind)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("piece %d: %w", len(file.pieces), err)
	}
	file.pieces = append(file.pieces, p)
	return nil
}

func (file *spieceFile) readTrainer(message []byte) error {
	t := &spieceTrainer{model: 1}
	file.trainer = t
	err := protoFields(message, func(f protoField) error {
		switch f.number {
		case 3:
			return f.int32(&t.model)
		case 24:
			return f.bool(&t.suffixSpace)
		case 35:
			return f.bool(&t.byteFallback)
		case 40:
			return f.int32(&t.unknown)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("trainer_spec: %w", err)
	}
	return nil
}

func (file *spieceFile) readNormalizer(message []byte) error {
	n := &spieceNormalizer{prefixSpace: true, escape: true}
	file.normalizer = n
	err := protoFields(message, func(f protoField) error {
		switch f.number {
		case 2:
			return f.bytes(&n.charsmap)
		case 3:
			return f.bool(&n.prefixSpace)
		case 5:
			return f.bool(&n.escape)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("normalizer_spec: %w", err)
	}
	return nil
}

// check refuses what T5's tokenizer does not do.
func (file *spieceFile) check() error {
	switch {
	case file.trainer == nil || file.normalizer == nil:
		return errors.New("cut short: the end, trainer_spec and normalizer_spec, is missing")
	case len(file.pieces) == 0:
		return errors.New("there are no pieces")
	case file.trainer.model != 1:
		return fmt.Errorf("model_type %d is not supported; only 1, UNIGRAM, is", file.trainer.model)
	case file.trainer.suffixSpace:
		return errors.New("treat_whitespace_as_suffix is not supported")
	case !file.normalizer.prefixSpace:
		return errors.New("a model without add_dummy_prefix is not supported")
	case !file.normalizer.escape:
		return errors.New("a model without escape_whitespaces is not supported")
	}
	return file.checkPieces()
}

func (file *spieceFile) checkPieces() error {
	seen := make(map[string]int, len(file.pieces))
	for i, p := range file.pieces {
		if p.text == "" {
			return fmt.Errorf("piece %d is empty", i)
		}
		if p.kind < normalPiece || p.kind > bytePiece {
			return fmt.Errorf("piece %d, %q, is of the unknown type %d", i, p.text, p.kind)
		}
		if other, ok := seen[p.text]; ok {
			return fmt.Errorf("pieces %d and %d are both %q", other, i, p.text)
		}
		seen[p.text] = i
	}
	unknown := int(file.trainer.unknown)
	if unknown < 0 || unknown >= len(file.pieces) || file.pieces[unknown].kind != unknownPiece {
		return fmt.Errorf("unk_id %d is not the id of the unknown piece", unknown)
	}
	return nil
}

// parseSpiece builds T5's tokenizer from the content of spiece.model, as
// transformers' converter does: <extra_id_N> for N from extra_ids-1 down to 0
// come after the pieces.
func parseSpiece(content []byte, config *config) (*Tokenizer, error) {
	file, err := readSpiece(content)
	if err == nil {
		err = file.check()
	}
	if err != nil {
		return nil, err
	}
	extra, err := config.extraIDs()
	if err != nil {
		return nil, err
	}
	pieces := make([]scoredPiece, 0, len(file.pieces)+extra)
	for _, p := range file.pieces {
		pieces = append(pieces, scoredPiece{p.text, p.score})
	}
	for i := extra - 1; i >= 0; i-- {
		pieces = append(pieces, scoredPiece{text: extraID(i)})
	}
	model, err := newUnigram(pieces, int(file.trainer.unknown), file.trainer.byteFallback)
	if err != nil {
		return nil, err
	}
	spaces, err := newMetaspace(sentencePieceSpace, prependAlways, true)
	if err != nil {
		return nil, err
	}
	p := parts{
		preTokenizer: preTokenizer{splits: []splitter{whitespaceSplit{wordBreaks()}}, writer: spaces},
		model:        model,
		decoder:      spaces.decode,
	}
	if p.addedTokens, err = file.addedTokens(config, extra); err != nil {
		return nil, err
	}
	if file.trainer.byteFallback {
		p.decoder = decoders{decodeBytes, spaces.decode}.decode
	}
	if len(file.normalizer.charsmap) > 0 {
		precompiled, err := newPrecompiled(file.normalizer.charsmap)
		if err != nil {
			return nil, fmt.Errorf("normalizer_spec: %w", err)
		}
		p.normalizer = normalizers{precompiled}
	}
	eos := config.EOS.or(endOfText)
	id, ok := model.ids[eos]
	if !ok {
		return nil, fmt.Errorf("token %q, which ends a text, is not in the vocabulary", eos)
	}
	p.single, p.pair = endedTemplates(id)
	return newTokenizer(p)
}

func extraID(i int) string { return fmt.Sprintf("<extra_id_%d>", i) }

// endOfText is T5's token at the end of a text.
const endOfText = "</s>"

// addedTokens are control pieces and user-defined ones, the tokens of the
// configuration and the extra ids.
func (file *spieceFile) addedTokens(config *config, extra int) ([]addedToken, error) {
	var tokens []addedToken
	for _, p := range file.pieces {
		if p.kind == controlPiece || p.kind == userDefinedPiece {
			tokens = append(tokens, addedToken{content: p.text, special: p.kind == controlPiece})
		}
	}
	named, err := config.addedTokens(tokenDefaults{eos: endOfText, unknown: "<unk>", pad: "<pad>"})
	if err != nil {
		return nil, err
	}
	tokens = append(tokens, named...)
	for i := range extra {
		tokens = append(tokens, addedToken{content: extraID(i), special: true})
	}
	return tokens, nil
}
