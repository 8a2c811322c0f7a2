package main

import (
	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/pet"
)

func methodsCommand() *cli.Command {
	return &cli.Command{
		Name:  "methods",
		Usage: "list the tuning methods",
		Description: `Example:
  gopet methods`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: methodsAction,
	}
}

func methodsAction(c *cli.Context) error {
	var rows []listing
	for _, m := range pet.Methods() {
		rows = append(rows, listing{Name: m.Name(), Summary: m.Summary()})
	}
	return printListing(c, "method", rows)
}
