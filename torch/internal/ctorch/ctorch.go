// Package ctorch is the only package of gopet that calls C: thin wrappers, one
// for each function of torch/csrc/gopet_torch.h, over integer handles.
//
// Nothing here owns a tensor or frees one behind the caller's back; package
// torch does. A Handle that a function writes to its out argument is the
// caller's to give to Free. Every error comes back from the call that failed.
package ctorch

/*
#cgo pkg-config: gopet

#cgo noescape gt_abs
#cgo nocallback gt_abs
#cgo noescape gt_adamw
#cgo nocallback gt_adamw
#cgo noescape gt_add
#cgo nocallback gt_add
#cgo noescape gt_add_layer_norm
#cgo nocallback gt_add_layer_norm
#cgo noescape gt_add_rms_norm
#cgo nocallback gt_add_rms_norm
#cgo noescape gt_add_scalar
#cgo nocallback gt_add_scalar
#cgo noescape gt_alias
#cgo nocallback gt_alias
#cgo noescape gt_all_close
#cgo nocallback gt_all_close
#cgo noescape gt_amax
#cgo nocallback gt_amax
#cgo noescape gt_arange
#cgo nocallback gt_arange
#cgo noescape gt_argmax
#cgo nocallback gt_argmax
#cgo noescape gt_attention
#cgo nocallback gt_attention
#cgo noescape gt_backward
#cgo nocallback gt_backward
#cgo noescape gt_build_config
#cgo nocallback gt_build_config
#cgo noescape gt_cat
#cgo nocallback gt_cat
#cgo noescape gt_clear_grads
#cgo nocallback gt_clear_grads
#cgo noescape gt_clone
#cgo nocallback gt_clone
#cgo noescape gt_contiguous
#cgo nocallback gt_contiguous
#cgo noescape gt_copy_
#cgo nocallback gt_copy_
#cgo noescape gt_cpu_capability
#cgo nocallback gt_cpu_capability
#cgo noescape gt_cross_entropy
#cgo nocallback gt_cross_entropy
#cgo noescape gt_cuda_device_count
#cgo nocallback gt_cuda_device_count
#cgo noescape gt_cuda_kernels
#cgo nocallback gt_cuda_kernels
#cgo noescape gt_data
#cgo nocallback gt_data
#cgo noescape gt_detach
#cgo nocallback gt_detach
#cgo noescape gt_device
#cgo nocallback gt_device
#cgo noescape gt_device_memory
#cgo nocallback gt_device_memory
#cgo noescape gt_div
#cgo nocallback gt_div
#cgo noescape gt_dropout
#cgo nocallback gt_dropout
#cgo noescape gt_dtype
#cgo nocallback gt_dtype
#cgo noescape gt_embedding
#cgo nocallback gt_embedding
#cgo noescape gt_empty
#cgo nocallback gt_empty
#cgo noescape gt_empty_cache
#cgo nocallback gt_empty_cache
#cgo noescape gt_eq
#cgo nocallback gt_eq
#cgo noescape gt_eq_scalar
#cgo nocallback gt_eq_scalar
#cgo noescape gt_equal
#cgo nocallback gt_equal
#cgo noescape gt_exp
#cgo nocallback gt_exp
#cgo noescape gt_expand
#cgo nocallback gt_expand
#cgo noescape gt_fill_
#cgo nocallback gt_fill_
#cgo noescape gt_free
#cgo nocallback gt_free
#cgo noescape gt_full
#cgo nocallback gt_full
#cgo noescape gt_fused_linear
#cgo nocallback gt_fused_linear
#cgo noescape gt_gated_activation
#cgo nocallback gt_gated_activation
#cgo noescape gt_gather
#cgo nocallback gt_gather
#cgo noescape gt_gelu
#cgo nocallback gt_gelu
#cgo noescape gt_grad
#cgo nocallback gt_grad
#cgo noescape gt_gt
#cgo nocallback gt_gt
#cgo noescape gt_gt_scalar
#cgo nocallback gt_gt_scalar
#cgo noescape gt_index_select
#cgo nocallback gt_index_select
#cgo noescape gt_is_contiguous
#cgo nocallback gt_is_contiguous
#cgo noescape gt_isfinite
#cgo nocallback gt_isfinite
#cgo noescape gt_item
#cgo nocallback gt_item
#cgo noescape gt_layer_norm
#cgo nocallback gt_layer_norm
#cgo noescape gt_libtorch_version
#cgo nocallback gt_libtorch_version
#cgo noescape gt_linear
#cgo nocallback gt_linear
#cgo noescape gt_linear_cross_entropy
#cgo nocallback gt_linear_cross_entropy
#cgo noescape gt_live_tensors
#cgo nocallback gt_live_tensors
#cgo noescape gt_log
#cgo nocallback gt_log
#cgo noescape gt_log_softmax
#cgo nocallback gt_log_softmax
#cgo noescape gt_logical_not
#cgo nocallback gt_logical_not
#cgo noescape gt_low_rank_linear
#cgo nocallback gt_low_rank_linear
#cgo noescape gt_lt
#cgo nocallback gt_lt
#cgo noescape gt_lt_scalar
#cgo nocallback gt_lt_scalar
#cgo noescape gt_manual_seed
#cgo nocallback gt_manual_seed
#cgo noescape gt_masked_embedding
#cgo nocallback gt_masked_embedding
#cgo noescape gt_masked_fill
#cgo nocallback gt_masked_fill
#cgo noescape gt_masked_gradient
#cgo nocallback gt_masked_gradient
#cgo noescape gt_masked_linear
#cgo nocallback gt_masked_linear
#cgo noescape gt_masked_parameter
#cgo nocallback gt_masked_parameter
#cgo noescape gt_matmul
#cgo nocallback gt_matmul
#cgo noescape gt_max
#cgo nocallback gt_max
#cgo noescape gt_maximum
#cgo nocallback gt_maximum
#cgo noescape gt_mean
#cgo nocallback gt_mean
#cgo noescape gt_mean_dim
#cgo nocallback gt_mean_dim
#cgo noescape gt_min
#cgo nocallback gt_min
#cgo noescape gt_minimum
#cgo nocallback gt_minimum
#cgo noescape gt_mul
#cgo nocallback gt_mul
#cgo noescape gt_mul_scalar
#cgo nocallback gt_mul_scalar
#cgo noescape gt_narrow
#cgo nocallback gt_narrow
#cgo noescape gt_ndim
#cgo nocallback gt_ndim
#cgo noescape gt_ne
#cgo nocallback gt_ne
#cgo noescape gt_neg
#cgo nocallback gt_neg
#cgo noescape gt_norm
#cgo nocallback gt_norm
#cgo noescape gt_normal
#cgo nocallback gt_normal
#cgo noescape gt_num_threads
#cgo nocallback gt_num_threads
#cgo noescape gt_pack_linear
#cgo nocallback gt_pack_linear
#cgo noescape gt_packed_attention
#cgo nocallback gt_packed_attention
#cgo noescape gt_packed_linear
#cgo nocallback gt_packed_linear
#cgo noescape gt_packed_self_attention
#cgo nocallback gt_packed_self_attention
#cgo noescape gt_permute
#cgo nocallback gt_permute
#cgo noescape gt_pow_scalar
#cgo nocallback gt_pow_scalar
#cgo noescape gt_put_
#cgo nocallback gt_put_
#cgo noescape gt_relu
#cgo nocallback gt_relu
#cgo noescape gt_requires_grad
#cgo nocallback gt_requires_grad
#cgo noescape gt_reset_device_peak
#cgo nocallback gt_reset_device_peak
#cgo noescape gt_reshape
#cgo nocallback gt_reshape
#cgo noescape gt_rms_norm
#cgo nocallback gt_rms_norm
#cgo noescape gt_rng_state
#cgo nocallback gt_rng_state
#cgo noescape gt_rsqrt
#cgo nocallback gt_rsqrt
#cgo noescape gt_select
#cgo nocallback gt_select
#cgo noescape gt_set_num_threads
#cgo nocallback gt_set_num_threads
#cgo noescape gt_set_requires_grad
#cgo nocallback gt_set_requires_grad
#cgo noescape gt_set_rng_state
#cgo nocallback gt_set_rng_state
#cgo noescape gt_shape
#cgo nocallback gt_shape
#cgo noescape gt_sigmoid
#cgo nocallback gt_sigmoid
#cgo noescape gt_silu
#cgo nocallback gt_silu
#cgo noescape gt_softmax
#cgo nocallback gt_softmax
#cgo noescape gt_sqrt
#cgo nocallback gt_sqrt
#cgo noescape gt_squeeze
#cgo nocallback gt_squeeze
#cgo noescape gt_stack
#cgo nocallback gt_stack
#cgo noescape gt_sub
#cgo nocallback gt_sub
#cgo noescape gt_sum
#cgo nocallback gt_sum
#cgo noescape gt_sum_dim
#cgo nocallback gt_sum_dim
#cgo noescape gt_synchronize
#cgo nocallback gt_synchronize
#cgo noescape gt_take
#cgo nocallback gt_take
#cgo noescape gt_tanh
#cgo nocallback gt_tanh
#cgo noescape gt_tensor_free
#cgo nocallback gt_tensor_free
#cgo noescape gt_to
#cgo nocallback gt_to
#cgo noescape gt_topk
#cgo nocallback gt_topk
#cgo noescape gt_transpose
#cgo nocallback gt_transpose
#cgo noescape gt_unsqueeze
#cgo nocallback gt_unsqueeze
#cgo noescape gt_where
#cgo nocallback gt_where

#include "gopet_torch.h"
*/
import "C"

import "unsafe"

// Handle is a reference to a tensor of libtorch, 0 for none. It is an
// integer so that Go objects may hold it and pass its address to C.
type Handle uintptr

// Mode is a set of bits that say how one call runs.
type Mode int32

// NoGrad records no operation for the backward pass.
const NoGrad Mode = C.GT_MODE_NO_GRAD

func cOut(h *Handle) *C.gt_tensor { return (*C.gt_tensor)(unsafe.Pointer(h)) }

func cInts(v []int64) *C.int64_t { return (*C.int64_t)(unsafe.SliceData(v)) }

func cHandles(v []Handle) *C.gt_tensor { return (*C.gt_tensor)(unsafe.Pointer(unsafe.SliceData(v))) }

func cLen[T any](v []T) C.size_t { return C.size_t(len(v)) }

func cBool(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}
