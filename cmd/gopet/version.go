package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/version"
	"github.com/gopet-ml/gopet/torch"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the versions of gopet, libtorch and Go",
		Description: `Example:
  gopet version --json`,
		Flags:  []cli.Flag{jsonFlag()},
		Action: versionAction,
	}
}

func versionAction(c *cli.Context) error {
	build := struct {
		Version  string `json:"version"`
		Libtorch string `json:"libtorch"`
		Go       string `json:"go"`
		Revision string `json:"revision,omitempty"`
	}{Version: version.Version, Libtorch: torch.Version(), Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				build.Revision = setting.Value
			}
		}
	}
	if c.Bool("json") {
		return writeJSON(c.App.Writer, build)
	}
	_, err := fmt.Fprintf(c.App.Writer, "gopet %s (libtorch %s, %s)\n", build.Version, build.Libtorch, build.Go)
	return err
}
