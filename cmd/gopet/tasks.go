package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/data/task"
	"github.com/gopet-ml/gopet/report/table"
)

func tasksCommand() *cli.Command {
	return &cli.Command{
		Name:  "tasks",
		Usage: "list the tasks",
		Description: `Besides these, --task classify tells any label of one or two columns of text.

Example:
  gopet tasks`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: tasksAction,
	}
}

func tasksAction(c *cli.Context) error {
	if c.Bool("json") {
		return writeJSON(c.App.Writer, task.List())
	}
	t := table.New(table.Left("task"), table.Left("type"), table.Left("chosen by"), table.Left("answers"), table.Left("input"))
	for _, i := range task.List() {
		answers := strings.Join(i.Labels, ", ")
		if answers == "" {
			answers = "text"
		}
		t.Add(i.Name, i.Type, i.Metric, answers, i.Template)
	}
	return t.Write(c.App.Writer)
}
