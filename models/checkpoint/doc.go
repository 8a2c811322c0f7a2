// Package checkpoint reads model weights as Hugging Face lays them out, in one
// file or in shards with an index, and writes them as safetensors
// (https://huggingface.co/docs/safetensors). It reads safetensors and what
// torch.save wrote (.bin, .pt), with one interface for both.
//
// A checkpoint comes from strangers, so everything is checked before any tensor
// is read. Every error is one line that names the file and, where there is one,
// the tensor.
//
// Safetensors: a header of at most 100,000,000 bytes that begins with '{', no
// duplicate key, a known dtype, a span equal to shape times dtype, spans that
// cover the file from the header to its end without a hole or an overlap.
//
// Files of torch.save: a zip archive, or the stream of pickles of PyTorch
// before 1.6. Their pickle is read by an interpreter that executes nothing: it
// knows the opcodes of plain data and the classes of tensors, and refuses all
// else by name. Shapes, strides and offsets must stay within their storage, a
// tensor within the size of the file. What must be copied to be read
// (compressed records, big-endian values, sparse or quantised tensors) is
// refused.
//
// Files are opened for reading and read by position, a tensor at a time. They
// are never mapped into memory: a file that is cut short during loading is an
// error, where a mapping would end the process.
//
// All data is little-endian and row-major, as in safetensors; a transposed or
// otherwise strided tensor of torch is brought into that order as it is read.
// The package knows nothing of models or of libtorch.
package checkpoint
