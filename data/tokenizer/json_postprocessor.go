package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// parsePostProcessor reads the templates. ByteLevel, alone or in a Sequence,
// changes offsets only, which nobody asks for here.
func parsePostProcessor(s section) (single, pair template, err error) {
	single, pair = gpt2Templates(nil, nil)
	found := ""
	err = s.each("processors", func(kind string, s section) error {
		if kind == "ByteLevel" {
			return nil
		}
		if found != "" {
			return fmt.Errorf("%s beside %s is not supported", kind, found)
		}
		found = kind
		switch kind {
		case "BertProcessing":
			single, pair, err = parseClassified(s, bertTemplates)
		case "RobertaProcessing":
			single, pair, err = parseClassified(s, robertaTemplates)
		case "TemplateProcessing":
			single, pair, err = parseTemplateProcessing(s)
		default:
			err = notSupported(kind, "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence")
		}
		return err
	})
	return single, pair, err
}

// namedID is a token and its id, written as a list of both.
type namedID struct{ id int32 }

func (n *namedID) UnmarshalJSON(content []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		return err
	}
	if len(list) != 2 || isNull(list[1]) {
		return errors.New("not a list of a token and its id")
	}
	return json.Unmarshal(list[1], &n.id)
}

func parseClassified(s section, templates func(cls, sep int32) (single, pair template)) (single, pair template, err error) {
	var cls, sep namedID
	if err = s.fields("cls", &cls, "sep", &sep); err != nil {
		return single, pair, err
	}
	single, pair = templates(cls.id, sep.id)
	return single, pair, nil
}

// jsonPiece is a piece of a template: one of its fields is set.
type jsonPiece struct {
	Sequence     *jsonPieceID `json:"Sequence"`
	SpecialToken *jsonPieceID `json:"SpecialToken"`
}

type jsonPieceID struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

type jsonSpecialToken struct {
	IDs []int32 `json:"ids"`
}

func parseTemplateProcessing(s section) (single, pair template, err error) {
	var first, both []jsonPiece
	var special map[string]jsonSpecialToken
	if err = s.fields("single", &first, "pair", &both, "special_tokens", &special); err != nil {
		return single, pair, err
	}
	if single, err = parseTemplate(first, special); err != nil {
		return single, pair, fmt.Errorf("single: %w", err)
	}
	if err = single.check(1); err != nil {
		return single, pair, fmt.Errorf("single: %w", err)
	}
	if pair, err = parseTemplate(both, special); err != nil {
		return single, pair, fmt.Errorf("pair: %w", err)
	}
	return single, pair, nil
}

func parseTemplate(list []jsonPiece, special map[string]jsonSpecialToken) (template, error) {
	var pieces []piece
	for _, p := range list {
		switch {
		case p.Sequence != nil && p.Sequence.ID == "A":
			pieces = append(pieces, sequencePiece(0, p.Sequence.TypeID))
		case p.Sequence != nil && p.Sequence.ID == "B":
			pieces = append(pieces, sequencePiece(1, p.Sequence.TypeID))
		case p.SpecialToken != nil:
			token, ok := special[p.SpecialToken.ID]
			if !ok {
				return template{}, fmt.Errorf("special token %q is not in special_tokens", p.SpecialToken.ID)
			}
			pieces = append(pieces, specialPiece(p.SpecialToken.TypeID, token.IDs...))
		default:
			return template{}, errors.New("a piece is neither Sequence A, Sequence B nor a SpecialToken")
		}
	}
	return newTemplate(pieces...), nil
}
