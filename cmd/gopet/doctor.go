package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/internal/doctor"
	"github.com/gopet-ml/gopet/torch"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "show what is installed, what is not and why; check every kernel",
		Description: `Compares gopet's own kernels with libtorch's on a device, and fails if one differs.

Example:
  gopet doctor --device cpu`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "device", Usage: "auto, cpu or cuda[:N]", Value: "auto"},
			jsonFlag(),
		},
		Action: doctorAction,
	}
}

func doctorAction(c *cli.Context) error {
	device, err := torch.ParseDevice(c.String("device"))
	if err != nil {
		return err
	}
	report, err := doctor.Examine(device)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = writeJSON(c.App.Writer, report)
	} else {
		err = printDoctor(c.App.Writer, report)
	}
	if err == nil && !report.Healthy() {
		err = errors.New("a kernel differs from its reference by more than its bound: see the table above")
	}
	return err
}
