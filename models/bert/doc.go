// Package bert computes BERT (Devlin et al., arXiv 1810.04805) as transformers
// does: an encoder, a pooler where the checkpoint has one, and a
// classification head.
//
// Parameters carry the names of transformers' BertForSequenceClassification,
// such as bert.encoder.layer.0.attention.self.query.weight, whether or not the
// checkpoint has the "bert." prefix, and weight and bias for the gamma and
// beta of old ones.
//
// The head reads the pooler's output. A checkpoint without pooler gets none:
// its head reads the last hidden state of the first token.
//
// Importing the package lets [models.Load] read checkpoints of model_type
// "bert".
package bert
