// Package events writes scalars for TensorBoard: event files that
// `tensorboard --logdir RUN` shows while the run goes on.
//
// A file is a sequence of records (length, data and the masked CRC-32C of
// each), every record one Event message of TensorFlow's event.proto. Each write
// reaches the file at once, so a run that is killed loses nothing it has
// written.
package events

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// prefix begins the name of every event file; a Unix time in seconds follows,
// by which TensorBoard orders the files of a directory.
const prefix = "events.out.tfevents."

// Scalar is a value under the tag that TensorBoard shows. Tags are grouped by
// what stands before their first "/".
type Scalar struct {
	Tag   string
	Value float64 // stored as float32
}

// Writer appends to one event file. It is for one goroutine at a time.
type Writer struct {
	file *os.File
	size int64 // up to the end of the last whole record
}

// Create starts a new event file in dir, which must exist. Files that are there
// already stay as they are: TensorBoard reads all of them, oldest first.
func Create(dir string) (*Writer, error) {
	name, err := nextName(dir, time.Now())
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file}
	if err := w.append(event{fileVersion: "brain.Event:2"}); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return w, nil
}

// Resume is Create for a run that goes on after the given step: TensorBoard
// then forgets what older files say of later steps.
func Resume(dir string, step int64) (*Writer, error) {
	w, err := Create(dir)
	if err != nil {
		return nil, err
	}
	if err := w.append(event{step: step + 1, restart: true}); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Write appends one event with the scalars of a step. On an error nothing of
// it is left in the file, which may be written to again.
func (w *Writer) Write(step int64, scalars ...Scalar) error {
	return w.append(event{step: step, scalars: scalars})
}

// Path is the file's path.
func (w *Writer) Path() string { return w.file.Name() }

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

func (w *Writer) append(e event) error {
	e.wallTime = float64(time.Now().UnixMicro()) / 1e6
	record := frame(e.encode())
	if _, err := w.file.WriteAt(record, w.size); err != nil {
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.size += int64(len(record))
	return nil
}

// nextName names a file that TensorBoard takes to be newer than those in dir.
func nextName(dir string, now time.Time) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	stamp := now.Unix()
	for _, entry := range entries {
		if rest, ok := strings.CutPrefix(entry.Name(), prefix); ok {
			digits, _, _ := strings.Cut(rest, ".")
			if old, err := strconv.ParseInt(digits, 10, 64); err == nil && old < maxStamp {
				stamp = max(stamp, old+1)
			}
		}
	}
	return fmt.Sprintf("%s%010d.%s.%d", prefix, stamp, host, os.Getpid()), nil
}

// maxStamp is the last Unix time of ten digits; a file with a later one is no
// one's that orders by name.
const maxStamp = 9_999_999_999
