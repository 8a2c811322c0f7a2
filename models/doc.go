// Package models is what every model family has in common: a directory in the
// Hugging Face layout becomes a [Model] over one ordered list of parameters.
//
// A family lives in a package of its own and enters itself with [Register]
// when it is imported:
//
//	import _ "github.com/gopet-ml/gopet/models/bert"
//
//	model, err := models.Load("minilm", models.Options{DType: torch.Float32, Device: torch.CPU})
//
// Models know nothing of tuning methods. A method changes what a layer
// computes through the layers of [Model].Registry.
package models
