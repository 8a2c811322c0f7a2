package table

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopet-ml/gopet/report/format"
	"github.com/gopet-ml/gopet/report/internal/terminal"
)

func sample() *Table {
	t := New(Left("method"), Right("k"), Right("test\naccuracy"), Left("label"))
	t.Add("head alone", format.Count(0), format.Percent(0.871, 1), "中文")
	t.Add("apet-discrete", format.Count(20000), format.Percent(0.9543, 1), "ship")
	t.Add("full", format.Count(22_713_216))
	return t
}

func ExampleTable() {
	t := New(Left("method"), Right("k"), Right("test\naccuracy"))
	t.Add("head alone", format.Count(0), format.Percent(0.871, 1))
	t.Add("apet-discrete", format.Count(20000), format.Percent(0.9543, 1))
	t.Write(os.Stdout)
	// Output:
	//                             test
	// method               k   accuracy
	// -------------   ------   --------
	// head alone           0      87.1%
	// apet-discrete   20,000      95.4%
}

func TestPlainWhereItIsNoTerminal(t *testing.T) {
	want := `
                                 test
method                   k   accuracy   label
-------------   ----------   --------   -----
head alone               0      87.1%   中文
apet-discrete       20,000      95.4%   ship
full            22,713,216
`
	var b bytes.Buffer
	if err := sample().Write(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStyleChangesNoColumn(t *testing.T) {
	styled := sample().render(style{"─", func(codes, text string) string { return "<" + codes + ">" + text + "</>" }})
	for _, part := range []string{"<1>method ", "<2>────"} {
		if !strings.Contains(styled, part) {
			t.Errorf("no %q in\n%s", part, styled)
		}
	}
	unstyled := strings.NewReplacer("<1>", "", "<2>", "", "</>", "", "─", "-").Replace(styled)
	if diff := cmp.Diff(sample().render(style{"-", terminal.Plain}), unstyled); diff != "" {
		t.Errorf("(-plain +styled):\n%s", diff)
	}
}

func TestNoHeader(t *testing.T) {
	table := New(Left(""), Right(""))
	table.Add("steps", "1,030")
	table.Add("run\ndirectory", "demo/run")
	want := "steps              1,030\nrun directory   demo/run\n"
	if diff := cmp.Diff(want, table.render(style{"-", terminal.Plain})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteReturnsTheError(t *testing.T) {
	if err := sample().Write(failing{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
