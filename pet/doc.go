// Package pet is what a tuning method is, and the list of those there are.
//
// A [Method] is attached to a model: it freezes or frees parameters, changes
// what layers compute through their Override, and hands the optimizer its
// [optim.Param]s. The head of a classifier is no method's business: [Attach]
// trains or freezes it alike for all, and counts it apart.
//
// Each method lives in a folder of its own and registers itself; package
// pet/methods imports them all. Another module adds one the same way, by
// calling [Register] from an init function.
package pet
