package ctorch

// #include "gopet_torch.h"
import "C"

// Neg wraps at::neg.
func Neg(out *Handle, mode Mode, a Handle) error {
	return check("neg", C.gt_neg(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Abs wraps at::abs.
func Abs(out *Handle, mode Mode, a Handle) error {
	return check("abs", C.gt_abs(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Exp wraps at::exp.
func Exp(out *Handle, mode Mode, a Handle) error {
	return check("exp", C.gt_exp(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Log wraps at::log.
func Log(out *Handle, mode Mode, a Handle) error {
	return check("log", C.gt_log(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Sqrt wraps at::sqrt.
func Sqrt(out *Handle, mode Mode, a Handle) error {
	return check("sqrt", C.gt_sqrt(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Rsqrt wraps at::rsqrt.
func Rsqrt(out *Handle, mode Mode, a Handle) error {
	return check("rsqrt", C.gt_rsqrt(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Tanh wraps at::tanh.
func Tanh(out *Handle, mode Mode, a Handle) error {
	return check("tanh", C.gt_tanh(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Sigmoid wraps at::sigmoid.
func Sigmoid(out *Handle, mode Mode, a Handle) error {
	return check("sigmoid", C.gt_sigmoid(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// ReLU wraps at::relu.
func ReLU(out *Handle, mode Mode, a Handle) error {
	return check("relu", C.gt_relu(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// SiLU wraps at::silu.
func SiLU(out *Handle, mode Mode, a Handle) error {
	return check("silu", C.gt_silu(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// IsFinite wraps at::isfinite.
func IsFinite(out *Handle, mode Mode, a Handle) error {
	return check("isfinite", C.gt_isfinite(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// LogicalNot wraps at::logical_not.
func LogicalNot(out *Handle, mode Mode, a Handle) error {
	return check("logical_not", C.gt_logical_not(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Sum wraps at::sum.
func Sum(out *Handle, mode Mode, a Handle) error {
	return check("sum", C.gt_sum(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Mean wraps at::mean.
func Mean(out *Handle, mode Mode, a Handle) error {
	return check("mean", C.gt_mean(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Max wraps at::max.
func Max(out *Handle, mode Mode, a Handle) error {
	return check("max", C.gt_max(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Min wraps at::min.
func Min(out *Handle, mode Mode, a Handle) error {
	return check("min", C.gt_min(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Norm wraps at::norm.
func Norm(out *Handle, mode Mode, a Handle) error {
	return check("norm", C.gt_norm(cOut(out), C.int32_t(mode), C.gt_tensor(a)))
}

// Add wraps at::add, with broadcasting.
func Add(out *Handle, mode Mode, a, b Handle) error {
	return check("add", C.gt_add(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Sub wraps at::sub, with broadcasting.
func Sub(out *Handle, mode Mode, a, b Handle) error {
	return check("sub", C.gt_sub(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Mul wraps at::mul, with broadcasting.
func Mul(out *Handle, mode Mode, a, b Handle) error {
	return check("mul", C.gt_mul(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Div wraps at::div, with broadcasting.
func Div(out *Handle, mode Mode, a, b Handle) error {
	return check("div", C.gt_div(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// MatMul wraps at::matmul, with broadcasting.
func MatMul(out *Handle, mode Mode, a, b Handle) error {
	return check("matmul", C.gt_matmul(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Eq wraps at::eq, with broadcasting.
func Eq(out *Handle, mode Mode, a, b Handle) error {
	return check("eq", C.gt_eq(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Ne wraps at::ne, with broadcasting.
func Ne(out *Handle, mode Mode, a, b Handle) error {
	return check("ne", C.gt_ne(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Lt wraps at::lt, with broadcasting.
func Lt(out *Handle, mode Mode, a, b Handle) error {
	return check("lt", C.gt_lt(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Gt wraps at::gt, with broadcasting.
func Gt(out *Handle, mode Mode, a, b Handle) error {
	return check("gt", C.gt_gt(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Maximum wraps at::maximum, with broadcasting.
func Maximum(out *Handle, mode Mode, a, b Handle) error {
	return check("maximum", C.gt_maximum(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// Minimum wraps at::minimum, with broadcasting.
func Minimum(out *Handle, mode Mode, a, b Handle) error {
	return check("minimum", C.gt_minimum(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(b)))
}

// AddScalar wraps at::add with a number.
func AddScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("add_scalar", C.gt_add_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// MulScalar wraps at::mul with a number.
func MulScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("mul_scalar", C.gt_mul_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// PowScalar wraps at::pow with a number.
func PowScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("pow_scalar", C.gt_pow_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// EqScalar wraps at::eq with a number.
func EqScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("eq_scalar", C.gt_eq_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// LtScalar wraps at::lt with a number.
func LtScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("lt_scalar", C.gt_lt_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// GtScalar wraps at::gt with a number.
func GtScalar(out *Handle, mode Mode, a Handle, b float64) error {
	return check("gt_scalar", C.gt_gt_scalar(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.double(b)))
}

// ArgMax wraps at::argmax.
func ArgMax(out *Handle, mode Mode, a Handle, dim int64) error {
	return check("argmax", C.gt_argmax(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim)))
}

// Softmax wraps at::softmax.
func Softmax(out *Handle, mode Mode, a Handle, dim int64) error {
	return check("softmax", C.gt_softmax(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim)))
}

// LogSoftmax wraps at::log_softmax.
func LogSoftmax(out *Handle, mode Mode, a Handle, dim int64) error {
	return check("log_softmax", C.gt_log_softmax(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.int64_t(dim)))
}

// TopK wraps at::topk: the largest, in descending order.
func TopK(values, indices *Handle, mode Mode, a Handle, k, dim int64) error {
	return check("topk", C.gt_topk(cOut(values), cOut(indices), C.int32_t(mode), C.gt_tensor(a), C.int64_t(k), C.int64_t(dim)))
}

// SumDim wraps at::sum over dims.
func SumDim(out *Handle, mode Mode, a Handle, dims []int64, keep bool) error {
	return check("sum_dim", C.gt_sum_dim(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(dims), cLen(dims), cBool(keep)))
}

// MeanDim wraps at::mean over dims.
func MeanDim(out *Handle, mode Mode, a Handle, dims []int64, keep bool) error {
	return check("mean_dim", C.gt_mean_dim(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(dims), cLen(dims), cBool(keep)))
}

// Amax wraps at::amax over dims.
func Amax(out *Handle, mode Mode, a Handle, dims []int64, keep bool) error {
	return check("amax", C.gt_amax(cOut(out), C.int32_t(mode), C.gt_tensor(a), cInts(dims), cLen(dims), cBool(keep)))
}

// Where wraps at::where.
func Where(out *Handle, mode Mode, condition, a, b Handle) error {
	return check("where", C.gt_where(cOut(out), C.int32_t(mode), C.gt_tensor(condition), C.gt_tensor(a), C.gt_tensor(b)))
}

// MaskedFill wraps at::masked_fill.
func MaskedFill(out *Handle, mode Mode, a, mask Handle, value float64) error {
	return check("masked_fill", C.gt_masked_fill(cOut(out), C.int32_t(mode), C.gt_tensor(a), C.gt_tensor(mask), C.double(value)))
}

// AllClose wraps at::allclose.
func AllClose(a, b Handle, rtol, atol float64) (bool, error) {
	var close C.int32_t
	err := check("allclose", C.gt_all_close(&close, C.gt_tensor(a), C.gt_tensor(b), C.double(rtol), C.double(atol)))
	return close != 0, err
}

// Equal wraps at::equal.
func Equal(a, b Handle) (bool, error) {
	var equal C.int32_t
	err := check("equal", C.gt_equal(&equal, C.gt_tensor(a), C.gt_tensor(b)))
	return equal != 0, err
}
