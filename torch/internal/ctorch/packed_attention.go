package ctorch

// #include "gopet_torch.h"
import "C"

// AttentionOptions are the options of PackedAttention; Bias may be 0.
type AttentionOptions struct {
	Scale      float64
	Bias       Handle
	BiasOffset int64
	Causal     bool
	Dropout    float64
}

func (o AttentionOptions) c() C.gt_attention_options {
	return C.gt_attention_options{
		scale: C.double(o.Scale), bias: C.gt_tensor(o.Bias), bias_offset: C.int64_t(o.BiasOffset),
		causal: cBool(o.Causal), dropout: C.double(o.Dropout),
	}
}

// PackedAttention is attention within the sequences that the offsets bound.
func PackedAttention(out *Handle, mode Mode, q, k, v Handle, queryOffsets, keyOffsets []int64, o AttentionOptions) error {
	options := o.c()
	return check("packed_attention", C.gt_packed_attention(cOut(out), C.int32_t(mode), C.gt_tensor(q), C.gt_tensor(k), C.gt_tensor(v), cInts(queryOffsets), cLen(queryOffsets), cInts(keyOffsets), cLen(keyOffsets), &options))
}

// PackedSelfAttention is PackedAttention of the three parts of qkv.
func PackedSelfAttention(out *Handle, mode Mode, qkv Handle, offsets []int64, o AttentionOptions) error {
	options := o.c()
	return check("packed_attention", C.gt_packed_self_attention(cOut(out), C.int32_t(mode), C.gt_tensor(qkv), cInts(offsets), cLen(offsets), &options))
}
