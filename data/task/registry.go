package task

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gopet-ml/gopet/internal/nearest"
)

var registry = struct {
	sync.RWMutex
	tasks map[string]*Task
	order []*Task // as they were registered
}{tasks: map[string]*Task{}}

// Register adds a task under its name. It panics if the task is incomplete or
// if the name is taken, as registering is done by a package's init.
func Register(t *Task) {
	registry.Lock()
	defer registry.Unlock()
	if err := t.check(); err != nil {
		panic("task: " + err.Error())
	}
	if _, taken := registry.tasks[t.Name]; taken || t.Name == ClassifyName {
		panic(fmt.Sprintf("task: %q is registered twice", t.Name))
	}
	t.classes = t.indexLabels()
	registry.tasks[t.Name] = t
	registry.order = append(registry.order, t)
}

// check reports what a description lacks.
func (t *Task) check() error {
	labelled := t.LabelColumn != "" && len(t.Labels) >= 2
	switch {
	case t.Name == "" || t.First.Column == "":
		return fmt.Errorf("%q needs a name and a text column", t.Name)
	case t.Generates() && (t.LabelColumn != "" || t.Labels != nil):
		return fmt.Errorf("%q has both a target column and labels: it takes one of them", t.Name)
	case !t.Generates() && !labelled:
		return fmt.Errorf("%q needs a label column and two labels, or a target column", t.Name)
	case !slices.Contains(t.Metrics(), t.Metric):
		return fmt.Errorf("%q has the metric %q; %s", t.Name, t.Metric, nearest.Hint(t.Metric, t.Metrics()))
	}
	return nil
}

// Lookup returns the registered task of that name. The error for an unknown
// name suggests the nearest one.
func Lookup(name string) (*Task, error) {
	registry.RLock()
	t, ok := registry.tasks[name]
	registry.RUnlock()
	switch {
	case ok:
		return t, nil
	case name == ClassifyName:
		return nil, fmt.Errorf("task %q needs to know its columns: the texts and the label", name)
	default:
		return nil, fmt.Errorf("unknown task %q; %s", name, nearest.Hint(name, append(Names(), ClassifyName)))
	}
}

// Names returns the names of the registered tasks, sorted.
func Names() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.tasks))
}
