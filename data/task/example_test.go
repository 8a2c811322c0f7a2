package task_test

import (
	"fmt"
	"log"

	"github.com/gopet-ml/gopet/data"
	"github.com/gopet-ml/gopet/data/task"
)

func ExampleLookup() {
	rte, err := task.Lookup("rte")
	if err != nil {
		log.Fatal(err)
	}
	row, err := data.RowOf("example", 0, map[string]any{"sentence1": "It rains.", "sentence2": "It is wet.", "label": 0})
	if err != nil {
		log.Fatal(err)
	}
	first, second, label, err := rte.Render(row)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %q %s\n", first, second, rte.Labels[label])
	// Output: "sentence 1: It rains." "sentence 2: It is wet." entailment
}

// A text-to-text model reads one text and answers with another.
func ExampleTask_Source() {
	nq, err := task.Lookup("nq_open")
	if err != nil {
		log.Fatal(err)
	}
	row, err := data.RowOf("example", 0, map[string]any{"question": "how many legs has an ant", "answer": []string{"six", "6"}})
	if err != nil {
		log.Fatal(err)
	}
	source, err := nq.Source(row)
	if err != nil {
		log.Fatal(err)
	}
	references, err := nq.References(row)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %q\n", source, references)
	// Output: "Input: how many legs has an ant Output: " ["six" "6"]
}

// Another module adds a task where its package is initialised.
func ExampleRegister() {
	task.Register(&task.Task{
		Name: "cola", Type: "acceptability", Metric: task.Accuracy,
		First:       task.Template{Prefix: "sentence: ", Column: "sentence"},
		LabelColumn: "label",
		Labels:      []string{"unacceptable", "acceptable"},
	})
}
