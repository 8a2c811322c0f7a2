package main

import (
	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/models"
)

func modelsCommand() *cli.Command {
	return &cli.Command{
		Name:  "models",
		Usage: "list the model families",
		Description: `A checkpoint's config.json names its family as model_type.

Example:
  gopet models`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: modelsAction,
	}
}

func modelsAction(c *cli.Context) error {
	var rows []listing
	for _, name := range models.Types() {
		rows = append(rows, listing{Name: name, Summary: models.Summary(name)})
	}
	return printListing(c, "model_type", rows)
}
