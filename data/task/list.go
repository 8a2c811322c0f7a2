package task

import "slices"

// An Info tells in a few words what a task is, for lists of what there is.
type Info struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Columns  []string `json:"columns"` // those of the text, then that of the answer
	Labels   []string `json:"labels"`  // nil where text is generated
	Metric   string   `json:"metric"`  // chooses among models
	Metrics  []string `json:"metrics"` // all that are reported
	Template string   `json:"template"`
}

// List describes the registered tasks: the paper's in its order, then others
// as they were registered. Classify is not among them.
func List() []Info {
	registry.RLock()
	defer registry.RUnlock()
	list := make([]Info, len(registry.order))
	for i, t := range registry.order {
		list[i] = t.Info()
	}
	return list
}

// Info describes the task.
func (t *Task) Info() Info {
	return Info{
		Name: t.Name, Type: t.Type, Columns: t.Columns(), Labels: slices.Clone(t.Labels),
		Metric: t.Metric, Metrics: t.Metrics(), Template: t.template(),
	}
}

// template shows the input with columns in braces: "question: {question}".
func (t *Task) template() string {
	text := t.First.Prefix + "{" + t.First.Column + "}"
	if t.Pair() {
		text += Separator + t.Second.Prefix + "{" + t.Second.Column + "}"
	}
	return text
}
