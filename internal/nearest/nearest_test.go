package nearest

import "testing"

func TestName(t *testing.T) {
	tasks := []string{"sst2", "rotten_tomatoes", "imdb", "mnli", "qnli", "rte", "qqp", "mrpc", "classify"}
	for _, c := range []struct {
		name, want string
		likely     bool
	}{
		{"sst-2", "sst2", true},
		{"SST2", "sst2", true},
		{"mlni", "mnli", true},
		{"rotten-tomatos", "rotten_tomatoes", true},
		{"rotten", "rotten_tomatoes", true},
		{"clasify", "classify", true},
		{"mrcp", "mrpc", true},
		{"summarisation", "", false},
	} {
		got, likely := Name(c.name, tasks)
		if likely != c.likely || likely && got != c.want {
			t.Errorf("Name(%q) = %q, %v, want %q, %v", c.name, got, likely, c.want, c.likely)
		}
	}
	if _, ok := Name("x", nil); ok {
		t.Error("no candidates gave a suggestion")
	}
}

func TestHint(t *testing.T) {
	for _, c := range []struct {
		name       string
		candidates []string
		want       string
	}{
		{"sentense", []string{"label", "sentence"}, `did you mean "sentence"?`},
		{"zzz", []string{"label", "sentence"}, "there are: label, sentence"},
		{"zzz", nil, "there are none"},
	} {
		if got := Hint(c.name, c.candidates); got != c.want {
			t.Errorf("Hint(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"été", "ete", 2}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
