package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/nearest"
)

// unknownCommand names the command that may have been meant.
func unknownCommand(c *cli.Context) error {
	commands := c.App.Commands
	if len(c.Command.Subcommands) > 0 {
		commands = c.Command.Subcommands
	}
	var names []string
	for _, command := range commands {
		names = append(names, command.Name)
	}
	word := c.Args().First()
	return usageError{fmt.Errorf("unknown command %q; %s", word, nearest.Hint(word, names))}
}
