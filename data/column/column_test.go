package column

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendAndAt(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		values []any
		wrong  any
	}{
		{String, []any{"a", nil, ""}, int64(1)},
		{Int, []any{int64(1), nil, int64(-2)}, 1},
		{Float, []any{1.5, nil}, "1.5"},
		{Bool, []any{nil, true, false}, 1.0},
		{Strings, []any{[]string{"a"}, nil, []string(nil)}, "a"},
	} {
		v := Values{Schema: Schema{Name: "x", Kind: c.kind}}
		for _, value := range c.values {
			if err := v.Append(value); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Append(c.wrong); err == nil {
			t.Errorf("a column of %s took %T", c.kind, c.wrong)
		}
		var got []any
		for i := range v.Len() {
			got = append(got, v.At(i))
			if v.IsNull(i) != (c.values[i] == nil) {
				t.Errorf("%s row %d: null is %v", c.kind, i, v.IsNull(i))
			}
		}
		if diff := cmp.Diff(c.values, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.kind, diff)
		}
	}
	other := Values{Schema: Schema{Name: "x"}}
	if err := other.Append("a"); err == nil || other.Len() != 0 {
		t.Error("a column of another type took a value")
	}
}
