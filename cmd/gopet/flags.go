package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gopet-ml/gopet/pet"
	"github.com/gopet-ml/gopet/torch"
	"github.com/gopet-ml/gopet/train"
)

// Flags that several commands share, with one meaning.

func modelFlag() cli.Flag {
	return &cli.StringFlag{Name: "model", Usage: "`DIR` of a Hugging Face checkpoint, or its id on the Hub"}
}

func dataFlag() cli.Flag {
	return &cli.StringFlag{Name: "data", Usage: "`DIR` or glob of Parquet shards, or an id on the Hub"}
}

func taskFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "task", Usage: "`NAME` of a task, such as sst2, or classify"},
		&cli.StringSliceFlag{Name: "text", Usage: "`COLUMN`[,COLUMN] to read, for classify", DefaultText: "text"},
		&cli.StringFlag{Name: "label", Usage: "`COLUMN` of labels, for classify", DefaultText: "label"},
	}
}

// maxLengthFlag and dtypeFlag have no default of their own: an adapter knows
// what it was tuned with.

func maxLengthFlag() cli.Flag {
	return &cli.IntFlag{
		Name: "max-length", Usage: "`N` tokens a row",
		DefaultText: fmt.Sprintf("the adapter's, else %d or what the model reads", train.DefaultMaxLength),
	}
}

func maxTargetFlag() cli.Flag {
	return &cli.IntFlag{Name: "max-target", Usage: "`N` tokens of a text to generate", DefaultText: "the task's"}
}

func numBeamsFlag() cli.Flag {
	return &cli.IntFlag{Name: "num-beams", Usage: "generate with `N` beams", DefaultText: "greedily"}
}

func dtypeFlag() cli.Flag {
	return &cli.StringFlag{Name: "dtype", Usage: "float32 or bfloat16", DefaultText: "the adapter's, else float32"}
}

func deviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Usage: "auto, cpu or cuda[:N]", Value: train.DefaultConfig().Device},
		&cli.IntFlag{Name: "threads", Usage: "`N` threads an operation may use", DefaultText: "one a core"},
	}
}

// methodFlags choose a method and what it takes.
func methodFlags() []cli.Flag {
	d := train.DefaultConfig()
	return []cli.Flag{
		&cli.StringFlag{Name: "method", Usage: "`NAME` of a method; gopet methods lists them", Value: d.Method},
		&cli.StringFlag{Name: "params", Usage: "APET: `K` entries to tune, a share such as 0.2%, or a METHOD whose number is taken; 0 trains the head alone"},
		&cli.Int64Flag{Name: "block", Usage: "apet-adjacent: runs of `B` entries", DefaultText: "one run a tensor"},
		&cli.StringFlag{Name: "targets", Usage: "all-linear, qv, all or a `REGEX` of parameter names", DefaultText: "the method's"},
		&cli.Int64Flag{Name: "rank", Usage: "lora: `R`, the rank of each update", DefaultText: "8"},
		&cli.Float64Flag{Name: "alpha", Usage: "lora: updates are scaled by `A`/rank", DefaultText: "16"},
		&cli.Int64Flag{Name: "prompt-length", Usage: "prompt: `N` vectors", DefaultText: "100"},
		&cli.Int64Flag{Name: "bottleneck", Usage: "adapter: `N` features between its two layers", DefaultText: "24"},
		&cli.StringFlag{Name: "placement", Usage: "adapter: paper, houlsby or pfeiffer", DefaultText: "paper"},
		&cli.StringFlag{Name: "init", Usage: "adapter: zero (start from the untuned model) or paper; prompt: paper (vocabulary) or normal", DefaultText: "the method's"},
		&cli.Uint64Flag{Name: "seed", Usage: "`S` of masks, new weights, dropout and the order of rows"},
	}
}

// methodTakes refuses flags that a method does not know, and APET without a
// number.
func methodTakes(c *cli.Context, method string) error {
	if _, err := pet.Lookup(method); err != nil {
		return err
	}
	if strings.HasPrefix(method, "apet-") && !c.IsSet("params") && !c.IsSet("adapter") {
		return usageError{fmt.Errorf("%s: no --params given: how many entries %s tunes, or the method whose number it takes (0: the head alone)",
			c.Command.Name, method)}
	}
	for _, flag := range []string{"rank", "alpha", "prompt-length", "bottleneck"} {
		if c.IsSet(flag) && c.Float64(flag) <= 0 && c.Int64(flag) <= 0 {
			return usageError{fmt.Errorf("%s: --%s %v: want more than 0", c.Command.Name, flag, c.Value(flag))}
		}
	}
	const masks = "apet-discrete apet-adjacent apet-modules"
	for _, flag := range []struct{ name, methods string }{
		{"params", masks}, {"block", "apet-adjacent"}, {"targets", masks + " lora"}, {"rank", "lora"}, {"alpha", "lora"},
		{"prompt-length", "prompt"}, {"bottleneck", "adapter"}, {"placement", "adapter"}, {"init", "adapter prompt"},
	} {
		if c.IsSet(flag.name) && !slices.Contains(strings.Fields(flag.methods), method) {
			return usageError{fmt.Errorf("%s: --%s means nothing to --method %s", c.Command.Name, flag.name, method)}
		}
	}
	return nil
}

// tuningOptions reads methodFlags; what --params says is a model's to count.
func tuningOptions(c *cli.Context) pet.Options {
	return pet.Options{
		Block: c.Int64("block"), Targets: c.String("targets"), Seed: c.Uint64("seed"),
		Rank: c.Int64("rank"), Alpha: c.Float64("alpha"), Prompt: c.Int64("prompt-length"),
		Bottleneck: c.Int64("bottleneck"), Placement: c.String("placement"), Init: c.String("init"),
	}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the result as one JSON object"}
}

// writeJSON prints v as one line.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// computedDType is --dtype, of those that models compute in.
func computedDType(c *cli.Context) (torch.DType, error) {
	name := c.String("dtype")
	dtype, err := torch.ParseDType(name)
	if err != nil || dtype != torch.Float32 && dtype != torch.BFloat16 {
		return 0, fmt.Errorf("dtype %q: want float32 or bfloat16", name)
	}
	return dtype, nil
}
