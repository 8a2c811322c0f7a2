package metrics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gopet-ml/gopet/data/task"
)

// textCase is a case of testdata/text.json, which make_text.py documents.
type textCase struct {
	Generated  string
	References []string
	ExactMatch bool `json:"exact_match"`
	F1         float64
	RougeL     float64 `json:"rouge_l"`
}

func textCases(tb testing.TB) []textCase {
	tb.Helper()
	content, err := os.ReadFile("testdata/text.json")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []textCase
	if err := json.Unmarshal(content, &cases); err != nil {
		tb.Fatal(err)
	}
	return cases
}

func TestTextEqualsRougeScoreAndSquad(t *testing.T) {
	for _, c := range textCases(t) {
		if got := ExactMatch(c.Generated, c.References); got != c.ExactMatch {
			t.Errorf("%q for %q: exact match %v, want %v", c.Generated, c.References, got, c.ExactMatch)
		}
		// The golden value is a float32.
		if got := F1(c.Generated, c.References); math.Abs(got-c.F1) > 1e-6 {
			t.Errorf("%q for %q: F1 %v, want %v", c.Generated, c.References, got, c.F1)
		}
		if got := RougeL(c.Generated, c.References); math.Abs(got-c.RougeL) > 1e-14 {
			t.Errorf("%q for %q: ROUGE-L %v, want %v", c.Generated, c.References, got, c.RougeL)
		}
	}
}

// The mean over rows is that of evaluate without its random resampling.
func TestGenerationIsTheMeanOfItsRows(t *testing.T) {
	g := NewGeneration()
	var exact, f1, rougeL float64
	cases := textCases(t)
	for _, c := range cases {
		g.Add(c.Generated, c.References)
		if c.ExactMatch {
			exact++
		}
		f1, rougeL = f1+c.F1, rougeL+c.RougeL
	}
	rows := float64(len(cases))
	if g.Rows() != int64(len(cases)) {
		t.Errorf("%d rows, want %d", g.Rows(), len(cases))
	}
	got := Values(g)
	for name, want := range map[string]float64{task.ExactMatch: exact / rows, task.F1: f1 / rows, task.RougeL: rougeL / rows} {
		if math.Abs(got[name]-want) > 1e-6 {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 3 {
		t.Errorf("values %v", got)
	}
}

func TestGenerationBaselines(t *testing.T) {
	g := NewGeneration()
	if g.Majority() != 0 || len(Values(g)) != 3 || Values(g)[task.F1] != 0 {
		t.Errorf("no rows: majority %v, values %v", g.Majority(), Values(g))
	}
	for _, references := range [][]string{
		{"1998", "in 1996"},
		{"In 1996.", "in 1996"}, // twice the same: one row
		{"the in 1996"},
		{"1998"},
		nil,
	} {
		g.Add("", references)
	}
	if got := g.Majority(); got != 0.6 {
		t.Errorf("majority %v, want 0.6: three of five rows accept \"in 1996\"", got)
	}
	if got := g.RandomGuess(); got != 0 {
		t.Errorf("random guess %v, want 0", got)
	}
}

func TestLabelWords(t *testing.T) {
	w := NewLabelWords([]string{"negative", "positive"})
	for _, row := range []struct {
		ranked, label int
		generated     string
	}{
		{1, 1, " positive\x1c\n"},
		{1, 1, "Positive"},
		{0, 1, "positive"},
		{0, 0, "negative film"},
		{1, 0, ""},
	} {
		w.Add(row.ranked, row.label, row.generated)
	}
	got := Values(w)
	if got[task.ExactMatch] != 0.4 || got[task.Accuracy] != 0.6 || len(got) != 4 {
		t.Errorf("values %v, want an exact match of 0.4 and an accuracy of 0.6", got)
	}
	if w.RandomGuess() != 0.5 || w.Majority() != 0.6 {
		t.Errorf("random guess %v, majority %v", w.RandomGuess(), w.Majority())
	}
}

// naiveSubsequence is the length by its definition, for short lists.
func naiveSubsequence(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if a[0] == b[0] {
		return 1 + naiveSubsequence(a[1:], b[1:])
	}
	return max(naiveSubsequence(a[1:], b), naiveSubsequence(a, b[1:]))
}

func TestLongestCommonSubsequence(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	draw := func() []string {
		words := make([]string, random.IntN(9))
		for i := range words {
			words[i] = string(rune('a' + random.IntN(3)))
		}
		return words
	}
	for range 2000 {
		a, b := draw(), draw()
		if got, want := longestCommonSubsequence(a, b), naiveSubsequence(a, b); got != want {
			t.Fatalf("%q and %q: got %d, want %d", a, b, got, want)
		}
	}
}

// Memory is a row of the shorter text's length, not a table.
func TestLongestCommonSubsequenceMemory(t *testing.T) {
	long, short := slices.Repeat([]string{"a", "b", "c"}, 10_000), slices.Repeat([]string{"c", "a"}, 10)
	for _, pair := range [][2][]string{{long, short}, {short, long}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		longestCommonSubsequence(pair[0], pair[1])
		runtime.ReadMemStats(&after)
		const bound = 16 << 10 // a row for the longer text takes 240,000 bytes
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > bound {
			t.Errorf("%d bytes for texts of %d and %d words", bytes, len(pair[0]), len(pair[1]))
		}
	}
}

func FuzzText(f *testing.F) {
	for _, c := range textCases(f) {
		f.Add(c.Generated, c.References[0], "another")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		const longest = 700 // the time goes with the product of two lengths
		checkText(t, a[:min(len(a), longest)], b[:min(len(b), longest)], c[:min(len(c), longest)])
	})
}

// checkText holds the metrics to what must be true of any texts.
func checkText(t *testing.T, a, b, c string) {
	t.Helper()
	scores := func(a string, references ...string) [3]float64 {
		exact := 0.0
		if ExactMatch(a, references) {
			exact = 1
		}
		return [3]float64{exact, F1(a, references), RougeL(a, references)}
	}
	ab, ac, both := scores(a, b), scores(a, c), scores(a, b, c)
	for i, score := range both {
		if !(score >= 0 && score <= 1) {
			t.Errorf("metric %d of %q for %q and %q is %v", i, a, b, c, score)
		}
		if score != max(ab[i], ac[i]) {
			t.Errorf("metric %d of %q: %v for two references, %v and %v for each", i, a, score, ab[i], ac[i])
		}
	}
	if ba := scores(b, a); ba != ab { // a harmonic mean does not tell which is which
		t.Errorf("%q for %q scores %v, the other way %v", a, b, ab, ba)
	}
	words := normalizeAnswer(a)
	if again := normalizeAnswer(words); again != words {
		t.Errorf("%q normalised is %q, normalised again %q", a, words, again)
	}
	if ab[0] == 1 && words != "" && ab[1] != 1 {
		t.Errorf("%q is %q, but its F1 is %v", a, b, ab[1])
	}
	if self := scores(a, a); self[0] != 1 || (self[1] == 1) != (words != "") || (self[2] == 1) != (len(rougeWords(a)) > 0) {
		t.Errorf("%q for itself scores %v", a, self)
	}
	if shout := scores(strings.ToUpper(words), words); isASCII(words) && shout[0] != 1 {
		t.Errorf("%q in capitals is no match", words)
	}
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 127 })
}

// BenchmarkRougeL scores summaries as long as Multi-News's longest.
func BenchmarkRougeL(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 0))
	text := func(words int) string {
		var out strings.Builder
		for range words {
			out.WriteString("word" + string(rune('a'+random.IntN(26))) + " ")
		}
		return out.String()
	}
	generated, reference := text(1000), text(2000)
	b.ReportAllocs()
	for b.Loop() {
		RougeL(generated, []string{reference})
	}
}
