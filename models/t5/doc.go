// Package t5 computes T5 as transformers does: an encoder and a decoder that
// writes text. It reads version 1.0 (Raffel et al., arXiv 1910.10683), with a
// plain feed-forward block and a head that shares the embedding table, and
// version 1.1 with what descends from it (lm-adapt, flan), with a gated block
// and a head of its own (Shazeer, arXiv 2002.05202).
//
// Parameters carry the names of transformers' T5ForConditionalGeneration, such
// as encoder.block.0.layer.0.SelfAttention.q.weight. The embedding table is
// shared.weight, whatever other names a checkpoint keeps it under too.
//
// Whether the head shares the table is what the checkpoint says: it does where
// no other lm_head.weight is stored. Whether the decoder's output is scaled by
// d_model^-0.5 before the head is what config.json says: as
// scale_decoder_outputs does, and without it unless tie_word_embeddings is
// false. Both are transformers' rules.
//
// Positions enter as a bias of the attention scores that depends on the
// distance of two tokens: in self-attention only, from one table for all layers
// of the encoder and one for all of the decoder. Nothing limits the length of a
// sequence.
//
// Under bfloat16 norms, softmax and logits stay float32. float16 is refused:
// the hidden states of pretrained models exceed its range.
//
// Importing the package lets [models.Load] read checkpoints of model_type "t5".
package t5
