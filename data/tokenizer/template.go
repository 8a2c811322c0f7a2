package tokenizer

import (
	"fmt"
	"slices"
)

// template says how one or two sequences and special tokens make the input of
// the model.
type template struct {
	pieces []piece
	added  int // special tokens, which truncation leaves room for
}

// piece is a sequence (0 or 1) or, where sequence is -1, special tokens.
type piece struct {
	sequence int
	ids      []int32
	typeID   int32
}

func newTemplate(pieces ...piece) template {
	t := template{pieces: pieces}
	for _, p := range pieces {
		t.added += len(p.ids)
	}
	return t
}

func sequencePiece(sequence int, typeID int32) piece {
	return piece{sequence: sequence, typeID: typeID}
}

func specialPiece(typeID int32, ids ...int32) piece {
	return piece{sequence: -1, ids: ids, typeID: typeID}
}

// bertTemplates are [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
func bertTemplates(cls, sep int32) (single, pair template) {
	first := []piece{specialPiece(0, cls), sequencePiece(0, 0), specialPiece(0, sep)}
	single = newTemplate(first...)
	pair = newTemplate(append(first, sequencePiece(1, 1), specialPiece(1, sep))...)
	return single, pair
}

// check refuses a sequence that the template is not given.
func (t template) check(sequences int) error {
	for _, p := range t.pieces {
		if p.sequence >= sequences {
			return fmt.Errorf("the template of the post_processor for %d sequence(s) uses sequence B", sequences)
		}
	}
	return nil
}

// append appends the sequences as the template orders them.
func (t template) append(dst Encoding, sequences ...[]int32) Encoding {
	size := t.added
	for _, ids := range sequences {
		size += len(ids)
	}
	dst.IDs, dst.Types = slices.Grow(dst.IDs, size), slices.Grow(dst.Types, size)
	for _, p := range t.pieces {
		ids := p.ids
		if p.sequence >= 0 {
			ids = sequences[p.sequence]
		}
		dst.IDs = append(dst.IDs, ids...)
		for range ids {
			dst.Types = append(dst.Types, p.typeID)
		}
	}
	return dst
}

// robertaTemplates are <s> A </s> and <s> A </s></s> B </s>, all of type 0.
func robertaTemplates(cls, sep int32) (single, pair template) {
	first := []piece{specialPiece(0, cls), sequencePiece(0, 0), specialPiece(0, sep)}
	single = newTemplate(first...)
	pair = newTemplate(append(first, specialPiece(0, sep), sequencePiece(1, 0), specialPiece(0, sep))...)
	return single, pair
}

// endedTemplates are A </s> and A </s> B </s>, all of type 0: T5's.
func endedTemplates(eos int32) (single, pair template) {
	first := []piece{sequencePiece(0, 0), specialPiece(0, eos)}
	single = newTemplate(first...)
	pair = newTemplate(append(first, sequencePiece(1, 0), specialPiece(0, eos))...)
	return single, pair
}

// gpt2Templates are the texts, the second of type 1, with tokens before and
// after each: none for a tokenizer without post-processor.
func gpt2Templates(before, after []int32) (single, pair template) {
	first := []piece{specialPiece(0, before...), sequencePiece(0, 0), specialPiece(0, after...)}
	single = newTemplate(first...)
	pair = newTemplate(append(first, specialPiece(1, before...), sequencePiece(1, 1), specialPiece(1, after...))...)
	return single, pair
}
