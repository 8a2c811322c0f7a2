// Package optim updates parameters: AdamW over all of them in one call, with
// clipping and a guard against gradients that are not finite, and the
// learning-rate schedules of transformers.
package optim
