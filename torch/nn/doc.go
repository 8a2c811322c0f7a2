// Package nn is the layers that models are built of, and the ordered list of
// their parameters.
//
// A model declares its layers under a [Path], which gives every [Parameter]
// its Hugging Face name and enters it in one [Registry]. Loading, tuning, the
// optimizer and checkpoints all go by that list and its order.
//
// A tuning method changes what a layer computes by setting the layer's
// Override; layers know nothing of methods.
package nn
