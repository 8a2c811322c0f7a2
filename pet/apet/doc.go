// Package apet tunes any k entries of the base weights and no other: APET of
// "Exploring the Impact of Model Scaling on Parameter-Efficient Tuning" (Su et
// al., EMNLP 2023, arXiv 2306.02320). The trainable weights are M (.) W, the
// product of the base weights and a binary mask; they start from their
// pretrained values.
//
// The weights hold the current values in place, so a forward pass costs what
// it did, and no weight is copied per step. The state is k values, their
// moments and k positions. Backward computes the k gradient entries and never
// the weight's full gradient. Removing the tuning restores every bit.
//
// The layouts are methods of their own: apet-discrete scatters the k positions
// uniformly, apet-adjacent lays them in contiguous runs. apet-modules tunes
// whole tensors, of the base and of modules that it adds, as the code of the
// paper does.
package apet
