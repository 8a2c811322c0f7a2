// Package tiny makes what the examples work on when they are given nothing: a
// BERT of random weights that fits in a few kilobytes, and rows about weather
// and cooking that are easy to tell apart.
package tiny
