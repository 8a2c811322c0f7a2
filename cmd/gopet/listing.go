package main

import (
	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/report/table"
)

// listing is a line of a command that lists what there is.
type listing struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

func printListing(c *cli.Context, header string, rows []listing) error {
	if c.Bool("json") {
		return writeJSON(c.App.Writer, rows)
	}
	t := table.New(table.Left(header), table.Left("what it is"))
	for _, row := range rows {
		t.Add(row.Name, row.Summary)
	}
	return t.Write(c.App.Writer)
}
