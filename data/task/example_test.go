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

// Another module adds a task where its package is initialised.
func ExampleRegister() {
	task.Register(&task.Task{
		Name: "cola", Type: "acceptability", Metric: task.Accuracy,
		First:       task.Template{Prefix: "sentence: ", Column: "sentence"},
		LabelColumn: "label",
		Labels:      []string{"unacceptable", "acceptable"},
	})
}
