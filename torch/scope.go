package torch

import "github.com/gopet-ml/gopet/torch/internal/ctorch"

// Scope owns tensors and frees them together. Not safe for use by several
// goroutines at once.
type Scope struct {
	parent   *Scope
	depth    int
	mode     ctorch.Mode
	tensors  []*Tensor // a nil where one has left
	children map[*Scope]struct{}
	closed   bool
}

// ScopeOption changes how the operations of a scope run.
type ScopeOption func(*Scope)

// NoGrad records nothing for a backward pass: for evaluation and updates.
func NoGrad() ScopeOption { return func(s *Scope) { s.mode |= ctorch.NoGrad } }

// NewScope opens a scope of its own. The caller closes it.
func NewScope(options ...ScopeOption) *Scope {
	s := &Scope{}
	for _, option := range options {
		option(s)
	}
	return s
}

// NewScope opens a scope inside s, with the modes of s and the options. It
// closes with s at the latest.
func (s *Scope) NewScope(options ...ScopeOption) *Scope {
	s.mustBeOpen("scope")
	child := NewScope(options...)
	child.parent, child.depth, child.mode = s, s.depth+1, child.mode|s.mode
	if s.children == nil {
		s.children = map[*Scope]struct{}{}
	}
	s.children[child] = struct{}{}
	return child
}

// Close frees every tensor of the scope, in one call, and closes the scopes
// inside it. Closing twice is harmless.
func (s *Scope) Close() {
	if s.closed {
		return
	}
	s.closed = true
	for child := range s.children {
		child.Close()
	}
	if s.parent != nil {
		delete(s.parent.children, s)
	}
	handles := make([]ctorch.Handle, 0, len(s.tensors))
	for _, t := range s.tensors {
		if t != nil {
			handles = append(handles, t.handle)
			t.handle, t.scope = 0, nil
		}
	}
	s.tensors = nil
	ctorch.Free(handles)
}

// Keep moves t out of s: to the scope around s or, where there is none, to
// the caller, who frees it with [Tensor.Close]. It returns t.
func (s *Scope) Keep(t *Tensor) *Tensor {
	if t.scope != s {
		scopeError("keep", "the tensor does not belong to this scope")
	}
	s.tensors[t.slot] = nil
	t.scope = nil
	if s.parent != nil {
		s.parent.add(t)
	}
	return t
}

func (s *Scope) mustBeOpen(op string) {
	if s.closed {
		scopeError(op, "the scope is closed")
	}
}

func (s *Scope) add(t *Tensor) {
	s.mustBeOpen("scope")
	t.scope, t.slot = s, len(s.tensors)
	s.tensors = append(s.tensors, t)
}

// inner returns the inner one of two scopes on one line of descent.
func inner(op string, a, b *Scope) *Scope {
	if a == nil || a == b {
		return b
	}
	if b == nil {
		return a
	}
	deep, other := a, b
	if deep.depth < other.depth {
		deep, other = other, deep
	}
	up := deep
	for up.depth > other.depth {
		up = up.parent
	}
	if up != other {
		scopeError(op, "operands of scopes that do not lie in one another")
	}
	return deep
}
