package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

func (t *Tensor) unary(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle) error) *Tensor {
	return result(scopeOf(op, t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op))
	})
}

func (t *Tensor) binary(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle, ctorch.Handle) error, o *Tensor) *Tensor {
	return result(scopeOf(op, t, o), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op), o.h(op))
	})
}

func (t *Tensor) scalar(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle, float64) error, v float64) *Tensor {
	return result(scopeOf(op, t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op), v)
	})
}

func (t *Tensor) along(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle, int64) error, dim int64) *Tensor {
	return result(scopeOf(op, t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op), dim)
	})
}

func (t *Tensor) reduce(op string, f func(*ctorch.Handle, ctorch.Mode, ctorch.Handle, []int64, bool) error, keep bool, dims []int64) *Tensor {
	return result(scopeOf(op, t), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return f(out, mode, t.h(op), dims, keep)
	})
}

// Neg returns -t.
func (t *Tensor) Neg() *Tensor { return t.unary("neg", ctorch.Neg) }

// Abs returns |t|.
func (t *Tensor) Abs() *Tensor { return t.unary("abs", ctorch.Abs) }

// Exp returns e to the power t.
func (t *Tensor) Exp() *Tensor { return t.unary("exp", ctorch.Exp) }

// Log returns the natural logarithm.
func (t *Tensor) Log() *Tensor { return t.unary("log", ctorch.Log) }

// Sqrt returns the square root.
func (t *Tensor) Sqrt() *Tensor { return t.unary("sqrt", ctorch.Sqrt) }

// Rsqrt returns 1/sqrt(t).
func (t *Tensor) Rsqrt() *Tensor { return t.unary("rsqrt", ctorch.Rsqrt) }

// Tanh returns the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return t.unary("tanh", ctorch.Tanh) }

// Sigmoid returns 1/(1+exp(-t)).
func (t *Tensor) Sigmoid() *Tensor { return t.unary("sigmoid", ctorch.Sigmoid) }

// ReLU returns max(t, 0).
func (t *Tensor) ReLU() *Tensor { return t.unary("relu", ctorch.ReLU) }

// SiLU returns t*sigmoid(t).
func (t *Tensor) SiLU() *Tensor { return t.unary("silu", ctorch.SiLU) }

// IsFinite is true where an element is neither infinite nor NaN.
func (t *Tensor) IsFinite() *Tensor { return t.unary("isfinite", ctorch.IsFinite) }

// LogicalNot is true where an element is zero or false.
func (t *Tensor) LogicalNot() *Tensor { return t.unary("logical_not", ctorch.LogicalNot) }

// Sum adds up all elements, into a scalar.
func (t *Tensor) Sum() *Tensor { return t.unary("sum", ctorch.Sum) }

// Mean averages all elements, into a scalar.
func (t *Tensor) Mean() *Tensor { return t.unary("mean", ctorch.Mean) }

// Max is the largest element, a scalar.
func (t *Tensor) Max() *Tensor { return t.unary("max", ctorch.Max) }

// Min is the smallest element, a scalar.
func (t *Tensor) Min() *Tensor { return t.unary("min", ctorch.Min) }

// Norm is the 2-norm of all elements, a scalar.
func (t *Tensor) Norm() *Tensor { return t.unary("norm", ctorch.Norm) }

// Add returns t + o.
func (t *Tensor) Add(o *Tensor) *Tensor { return t.binary("add", ctorch.Add, o) }

// Sub returns t - o.
func (t *Tensor) Sub(o *Tensor) *Tensor { return t.binary("sub", ctorch.Sub, o) }

// Mul returns t * o, element by element.
func (t *Tensor) Mul(o *Tensor) *Tensor { return t.binary("mul", ctorch.Mul, o) }

// Div returns t / o, element by element.
func (t *Tensor) Div(o *Tensor) *Tensor { return t.binary("div", ctorch.Div, o) }

// MatMul is the matrix product, batched over leading dimensions:
// [..., m, k] by [..., k, n] gives [..., m, n].
func (t *Tensor) MatMul(o *Tensor) *Tensor { return t.binary("matmul", ctorch.MatMul, o) }

// Eq is true where t equals o.
func (t *Tensor) Eq(o *Tensor) *Tensor { return t.binary("eq", ctorch.Eq, o) }

// Ne is true where t differs from o.
func (t *Tensor) Ne(o *Tensor) *Tensor { return t.binary("ne", ctorch.Ne, o) }

// Lt is true where t < o.
func (t *Tensor) Lt(o *Tensor) *Tensor { return t.binary("lt", ctorch.Lt, o) }

// Gt is true where t > o.
func (t *Tensor) Gt(o *Tensor) *Tensor { return t.binary("gt", ctorch.Gt, o) }

// Maximum is the larger of each pair.
func (t *Tensor) Maximum(o *Tensor) *Tensor { return t.binary("maximum", ctorch.Maximum, o) }

// Minimum is the smaller of each pair.
func (t *Tensor) Minimum(o *Tensor) *Tensor { return t.binary("minimum", ctorch.Minimum, o) }

// AddScalar returns t + v.
func (t *Tensor) AddScalar(v float64) *Tensor { return t.scalar("add", ctorch.AddScalar, v) }

// MulScalar returns t * v.
func (t *Tensor) MulScalar(v float64) *Tensor { return t.scalar("mul", ctorch.MulScalar, v) }

// PowScalar returns t to the power v.
func (t *Tensor) PowScalar(v float64) *Tensor { return t.scalar("pow", ctorch.PowScalar, v) }

// EqScalar is true where t equals v.
func (t *Tensor) EqScalar(v float64) *Tensor { return t.scalar("eq", ctorch.EqScalar, v) }

// LtScalar is true where t < v.
func (t *Tensor) LtScalar(v float64) *Tensor { return t.scalar("lt", ctorch.LtScalar, v) }

// GtScalar is true where t > v.
func (t *Tensor) GtScalar(v float64) *Tensor { return t.scalar("gt", ctorch.GtScalar, v) }

// ArgMax is the index of the largest element along dim, which goes away.
func (t *Tensor) ArgMax(dim int64) *Tensor { return t.along("argmax", ctorch.ArgMax, dim) }

// Softmax normalises exp(t) to sum to one along dim.
func (t *Tensor) Softmax(dim int64) *Tensor { return t.along("softmax", ctorch.Softmax, dim) }

// LogSoftmax is the logarithm of Softmax, computed stably.
func (t *Tensor) LogSoftmax(dim int64) *Tensor { return t.along("log_softmax", ctorch.LogSoftmax, dim) }

// TopK returns the k largest elements along dim, in descending order, and
// their indices (int64) there.
func (t *Tensor) TopK(k, dim int64) (values, indices *Tensor) {
	s := scopeOf("topk", t)
	values, indices = &Tensor{}, &Tensor{}
	must(ctorch.TopK(&values.handle, &indices.handle, s.mode, t.h("topk"), k, dim))
	s.add(values)
	s.add(indices)
	return values, indices
}

// SumDim adds up along dims; keep leaves them with size 1.
func (t *Tensor) SumDim(keep bool, dims ...int64) *Tensor {
	return t.reduce("sum", ctorch.SumDim, keep, dims)
}

// MeanDim averages along dims; keep leaves them with size 1.
func (t *Tensor) MeanDim(keep bool, dims ...int64) *Tensor {
	return t.reduce("mean", ctorch.MeanDim, keep, dims)
}

// AMax is the largest element along dims; keep leaves them with size 1.
func (t *Tensor) AMax(keep bool, dims ...int64) *Tensor {
	return t.reduce("amax", ctorch.Amax, keep, dims)
}

// Where takes a where condition is true and b elsewhere, with broadcasting.
func Where(condition, a, b *Tensor) *Tensor {
	return result(scopeOf("where", condition, a, b), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.Where(out, mode, condition.h("where"), a.h("where"), b.h("where"))
	})
}

// MaskedFill puts value where mask is true.
func (t *Tensor) MaskedFill(mask *Tensor, value float64) *Tensor {
	return result(scopeOf("masked_fill", t, mask), func(out *ctorch.Handle, mode ctorch.Mode) error {
		return ctorch.MaskedFill(out, mode, t.h("masked_fill"), mask.h("masked_fill"), value)
	})
}

// AllClose reports whether |t-o| <= atol + rtol*|o| everywhere.
func (t *Tensor) AllClose(o *Tensor, rtol, atol float64) bool {
	closeEnough, err := ctorch.AllClose(t.h("allclose"), o.h("allclose"), rtol, atol)
	must(err)
	return closeEnough
}

// Equal reports whether t and o have one shape and equal elements.
func (t *Tensor) Equal(o *Tensor) bool {
	equal, err := ctorch.Equal(t.h("equal"), o.h("equal"))
	must(err)
	return equal
}
