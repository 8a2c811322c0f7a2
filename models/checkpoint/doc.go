// Package checkpoint reads and writes model weights in the safetensors format
// (https://huggingface.co/docs/safetensors), in one file or in shards with an
// index, as Hugging Face lays them out.
//
// A checkpoint comes from strangers, so everything is checked before any tensor
// is read: a header of at most 100,000,000 bytes that begins with '{', no
// duplicate key, a known dtype, a span equal to shape times dtype, spans that
// cover the file from the header to its end without a hole or an overlap. Every
// error is one line that names the file and, where there is one, the tensor.
//
// Files are opened for reading and read by position. They are never mapped into
// memory: a file that is cut short during loading is an error, where a mapping
// would end the process.
//
// All data is little-endian and row-major, as in the format. The package knows
// nothing of models or of libtorch.
package checkpoint
