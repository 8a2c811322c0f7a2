package main

import "github.com/gopet-ml/gopet/data/task"

const topicTask = "topic"

func init() {
	task.Register(&task.Task{
		Name:        topicTask,
		Type:        task.Classification,
		First:       task.Template{Prefix: "note: ", Column: "note"},
		LabelColumn: "topic",
		Labels:      []string{"cooking", "weather"},
		Metric:      task.Accuracy,
	})
}
