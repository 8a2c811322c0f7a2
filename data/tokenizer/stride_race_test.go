//go:build race

package tokenizer

// blockStride is how many blocks of the corpus lie between two that are
// compared. The race detector makes the whole corpus take a quarter of an hour,
// and a race shows in a part of it as well.
const blockStride = 40
