// Package torch is tensors and automatic differentiation on libtorch, in
// PyTorch's words.
//
// # Memory
//
// A tensor's memory is freed when its [Scope] is closed; there are no
// finalizers. A result joins the innermost scope among its operands, so a
// training step opens one scope, makes its batch in it, and everything
// computed from the batch goes when the step ends:
//
//	s := torch.NewScope()
//	defer s.Close()
//	x := torch.FromSlice(s, []float32{1, 2, 3, 4}, 2, 2)
//	y := x.MatMul(x).ReLU().Sum()
//	fmt.Println(y.Item())
//
// Parameters are made with a nil scope: they belong to their module and join
// nothing. An operation on parameters alone has no scope to join; lend it one
// with [Tensor.In]. Operands of sibling scopes are an error. [Scope.Keep]
// moves a tensor out before its scope closes, and [LiveTensors] counts what
// has not been freed.
//
// # Errors
//
// Arithmetic panics with an *[Error], which names the operation and the
// shapes; code that faces files, devices or users turns that into an error
// with [Try].
//
// # Threads
//
// A scope and its tensors belong to one goroutine at a time; parameters may
// be read by many. libtorch keeps its modes (recording gradients, thread
// count) per OS thread, and Go moves goroutines between threads, so nothing
// here is set for "the current thread": a scope carries its mode to every
// call, and each call brings its thread up to date with [SetNumThreads].
// OpenMP keeps one pool of workers for each OS thread that computes: a loop
// that computes for long should hold its thread with runtime.LockOSThread.
package torch
