// Package rules holds the rules of this repository as tests: which package may
// import which, what is documented, and what every function at the boundary to
// C must do. It has no code of its own.
package rules
