package tokenizer

import (
	"sort"
)

// trie finds the longest of its keys at the start of a text. It is a double
// array: the child of state s for byte b is state nodes[s].base+b, if that
// node's parent is s.
type trie struct {
	nodes []trieNode
}

type trieNode struct {
	base   int32
	parent int32 // noState where the slot is free
	value  int32 // noValue where no key ends
}

const (
	rootState = 0
	noState   = -1
	noValue   = -1
)

// newTrie holds the keys, which must not be empty, with their values, which
// must not be negative.
func newTrie(values map[string]int32) *trie {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	b := trieBuilder{values: values, firstFree: 1}
	b.grow(257)
	b.nodes[rootState].parent = rootState
	// Not recursive: a key may be longer than a stack is deep.
	for todo := []branch{{rootState, keys, 0}}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = b.fill(todo[:len(todo)-1], next)
	}
	return &trie{nodes: b.nodes}
}

type trieBuilder struct {
	nodes     []trieNode
	values    map[string]int32
	firstFree int32
}

func (b *trieBuilder) grow(size int) {
	for len(b.nodes) < size {
		b.nodes = append(b.nodes, trieNode{parent: noState, value: noValue})
	}
}

// branch is a state and the sorted keys that pass through it, depth bytes in.
type branch struct {
	state int32
	keys  []string
	depth int
}

// fill places the children of a branch and appends them to todo.
func (b *trieBuilder) fill(todo []branch, at branch) []branch {
	keys := at.keys
	if len(keys) > 0 && len(keys[0]) == at.depth {
		b.nodes[at.state].value = b.values[keys[0]]
		keys = keys[1:]
	}
	if len(keys) == 0 {
		return todo
	}
	var labels []byte
	var starts []int
	for i, key := range keys {
		if len(labels) == 0 || labels[len(labels)-1] != key[at.depth] {
			labels = append(labels, key[at.depth])
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(keys))
	base := b.place(at.state, labels)
	for i, label := range labels {
		todo = append(todo, branch{base + int32(label), keys[starts[i]:starts[i+1]], at.depth + 1})
	}
	return todo
}

// place finds free slots for the children of state and takes them.
func (b *trieBuilder) place(state int32, labels []byte) int32 {
	slot := max(b.firstFree, int32(labels[0])) // where the first child is tried
	for tries := 0; ; slot++ {
		b.grow(int(slot) + 257)
		if b.nodes[slot].parent != noState {
			continue
		}
		if b.fits(slot-int32(labels[0]), labels) {
			break
		}
		// Holes that kept being too small are given up: it costs a few
		// slots, searching them again and again would cost seconds.
		if tries++; tries > 64 {
			b.firstFree = slot
		}
	}
	base := slot - int32(labels[0])
	b.nodes[state].base = base
	for _, label := range labels {
		b.nodes[base+int32(label)].parent = state
	}
	for b.nodes[b.firstFree].parent != noState {
		b.firstFree++
	}
	return base
}

func (b *trieBuilder) fits(base int32, labels []byte) bool {
	for _, label := range labels {
		if b.nodes[base+int32(label)].parent != noState {
			return false
		}
	}
	return true
}

// next is the child of state for a byte, or noState. Every base leaves room
// for 256 children, so the look-up needs no bounds of its own.
func (t *trie) next(state int32, b byte) int32 {
	child := t.nodes[state].base + int32(b)
	if t.nodes[child].parent != state || child == rootState {
		return noState
	}
	return child
}

// walk is the state that text leads to from the root, or noState.
func (t *trie) walk(text string) int32 {
	state := int32(rootState)
	for i := 0; i < len(text) && state != noState; i++ {
		state = t.next(state, text[i])
	}
	return state
}

// longest finds the longest key, continued from state, that text starts with:
// its value, or noValue, and its length in bytes from there.
func longest[T string | []byte](t *trie, state int32, text T) (value int32, length int) {
	value = noValue
	for i := 0; i < len(text); i++ {
		if state = t.next(state, text[i]); state == noState {
			break
		}
		if v := t.nodes[state].value; v != noValue {
			value, length = v, i+1
		}
	}
	return value, length
}
