package shard

import (
	"errors"

	"github.com/gopet-ml/gopet/data/column"
)

// appendPage adds a page's entries to the rows of out.
func appendPage(out *column.Values, l *leaf, p *page) error {
	if out.Kind == column.Strings {
		return appendLists(out, l, p)
	}
	if p.definition == nil || p.values.Len() == len(p.definition) {
		appendAll(out, p.values)
		return nil
	}
	next := 0
	for _, level := range p.definition {
		if level < uint32(l.maxDefinition) {
			if err := out.Append(nil); err != nil {
				return err
			}
			continue
		}
		if err := out.Append(p.values.At(next)); err != nil {
			return err
		}
		next++
	}
	return nil
}

// appendAll adds values without a null.
func appendAll(out, values *column.Values) {
	out.Strings = append(out.Strings, values.Strings...)
	out.Ints = append(out.Ints, values.Ints...)
	out.Floats = append(out.Floats, values.Floats...)
	out.Bools = append(out.Bools, values.Bools...)
	if out.Null != nil {
		out.Null = append(out.Null, make([]bool, values.Len())...)
	}
}

// appendLists adds lists of strings: repetition level 0 begins a row, and a
// definition level below that of an element is a list without any, or none.
// A list with a null in it counts as null.
func appendLists(out *column.Values, l *leaf, p *page) error {
	next := 0
	for i, repetition := range p.repetition {
		definition := int(p.definition[i])
		if repetition == 0 {
			var list any = []string(nil)
			if definition < l.elementLevel-1 {
				list = nil
			}
			if err := out.Append(list); err != nil {
				return err
			}
		}
		if definition < l.elementLevel {
			continue
		}
		row := out.Len() - 1
		if row < 0 {
			return errors.New("its first entry continues a row that is not there")
		}
		if definition < l.maxDefinition {
			markNull(out, row)
			continue
		}
		out.Lists[row] = append(out.Lists[row], p.values.Strings[next])
		next++
	}
	return nil
}

func markNull(out *column.Values, row int) {
	if out.Null == nil {
		out.Null = make([]bool, out.Len())
	}
	out.Null[row] = true
}
