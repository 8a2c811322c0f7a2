// Command benchdoc writes docs/benchmarks.md from what gopet bench --json
// printed, a section of each file:
//
//	benchdoc -out docs/benchmarks.md "TITLE=FILE"...
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gopet-ml/gopet/internal/atomicfile"
	"github.com/gopet-ml/gopet/train/bench"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("benchdoc", flag.ExitOnError)
	out := flags.String("out", "", "the `FILE` to write")
	flags.Parse(arguments)
	if *out == "" || flags.NArg() == 0 {
		return fmt.Errorf("want -out FILE and at least one TITLE=FILE")
	}
	var sections []section
	for _, argument := range flags.Args() {
		s, err := read(argument)
		if err != nil {
			return err
		}
		if len(sections) > 0 && !samePlace(s.report.Machine, sections[0].report.Machine) {
			return fmt.Errorf("%s: measured on another machine, or with other versions, than the first: measure all in one place", argument)
		}
		sections = append(sections, s)
	}
	var text bytes.Buffer
	document(&text, sections)
	return atomicfile.Write(*out, func(w io.Writer) error {
		_, err := text.WriteTo(w)
		return err
	})
}

// section is a report under a title.
type section struct {
	title  string
	report *bench.Report
}

func read(argument string) (section, error) {
	title, path, ok := strings.Cut(argument, "=")
	if !ok {
		return section{}, fmt.Errorf("%q: want TITLE=FILE", argument)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return section{}, err
	}
	s := section{title: title, report: &bench.Report{}}
	if err := json.Unmarshal(data, s.report); err != nil {
		return section{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
