//go:build !race

package tokenizer

// blockStride is how many blocks of the corpus lie between two that are
// compared: all are.
const blockStride = 1
