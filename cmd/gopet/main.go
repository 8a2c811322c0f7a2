// Command gopet tunes pretrained language models with few parameters.
//
// See gopet --help, and docs/ in the repository for the files it writes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/version"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args))
}

func run(ctx context.Context, args []string) int {
	err := newApp().RunContext(ctx, args)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	fmt.Fprintln(os.Stderr, "gopet: "+oneLine(err))
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailure
}

var errInterrupted = errors.New("interrupted")

func newApp() *cli.App {
	app := &cli.App{
		Name:    "gopet",
		Usage:   "parameter-efficient tuning of language models",
		Version: version.Version,
		Commands: []*cli.Command{
			trainCommand(), evalCommand(), predictCommand(), compareCommand(), mergeCommand(), exportAdapterCommand(), importAdapterCommand(),
			convertCommand(), planCommand(),
			dataCommand(), tasksCommand(), methodsCommand(), modelsCommand(), benchCommand(), benchWorkerCommand(), doctorCommand(), versionCommand(),
		},
		// Errors are printed once, by run.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
	}
	setUsage(app.Commands)
	return app
}

// setUsage makes wrong flags usage errors in every command, and leftover
// arguments too.
func setUsage(commands []*cli.Command) {
	for _, command := range commands {
		command.OnUsageError = usage
		command.HideHelpCommand = true
		setUsage(command.Subcommands)
		if len(command.Subcommands) > 0 {
			command.Action = func(c *cli.Context) error {
				if c.Args().Present() {
					return unknownCommand(c)
				}
				return cli.ShowSubcommandHelp(c)
			}
			continue
		}
		if command.Before == nil && command.ArgsUsage == "" {
			command.Before = needs()
		}
	}
}

// needs refuses a command without these flags, or with arguments, of which
// none of the commands that use it takes any.
func needs(flags ...string) cli.BeforeFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return usageError{fmt.Errorf("%s: unexpected argument %q; see gopet %s --help", c.Command.Name, c.Args().First(), c.Command.Name)}
		}
		for _, flag := range flags {
			if !c.IsSet(flag) {
				return usageError{fmt.Errorf("%s: no --%s given; see gopet %s --help", c.Command.Name, flag, c.Command.Name)}
			}
		}
		return nil
	}
}

// usageError is a mistake in the words of a command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(c *cli.Context, err error, _ bool) error {
	name := strings.TrimSpace("gopet " + c.Command.Name)
	if c.Command.Name == "" || c.Command.Name == "gopet" {
		name = "gopet"
	}
	return usageError{fmt.Errorf("%w; see %s --help", err, name)}
}

// oneLine keeps an error to a line, whatever a library put into it.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
