package tiny

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Labels are the classes of the rows.
var Labels = []string{"cooking", "weather"}

var vocabulary = map[string][]string{
	"cooking": strings.Fields("butter flour simmer onion garlic oven taste salt"),
	"weather": strings.Fields("rain storm cloud wind sunny forecast cold degrees"),
	"":        strings.Fields("the a today with some more then and"), // says nothing of the class
}

func words() []string {
	var list []string
	for _, words := range vocabulary {
		list = append(list, words...)
	}
	slices.Sort(list)
	return list
}

// Row is a text and what it is about.
type Row struct {
	Text, Label string
}

// Rows makes n rows, a function of the seed.
func Rows(n int, seed uint64) []Row {
	random := rand.New(rand.NewPCG(seed, 1))
	rows := make([]Row, n)
	for i := range rows {
		label := Labels[random.IntN(len(Labels))]
		text := make([]string, 4+random.IntN(6))
		for j := range text {
			words := vocabulary[label]
			if j > 0 && random.IntN(3) == 0 {
				words = vocabulary[""]
			}
			text[j] = words[random.IntN(len(words))]
		}
		rows[i] = Row{Text: strings.Join(text, " "), Label: label}
	}
	return rows
}
