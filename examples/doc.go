// Package examples is a module of its own that uses gopet the way any other
// program would: nothing in it is special to gopet's repository.
//
//   - readme is the program of the README
//   - tune tunes a model and shows its progress
//   - predict puts a tuned adapter to work on lines of text
//   - extend adds a task, a row source and a tuning method
//
// Their tests make a tiny model and a small data set of their own.
package examples
