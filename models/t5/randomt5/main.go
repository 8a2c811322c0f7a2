// Command randomt5 writes a T5 of random weights with the tokenizer of another
// directory, for trials and benchmarks where no pretrained one is at hand. The
// sizes are those of flags or of a config.json; without either it is a small
// version 1.0 with T5's vocabulary.
//
//	randomt5 -out DIR -tokenizer DIR [-config DIR | sizes] [-seed N]
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/gopet-ml/gopet/models"
	"github.com/gopet-ml/gopet/models/t5"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "randomt5:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	c := t5.Defaults()
	flags := flag.NewFlagSet("randomt5", flag.ExitOnError)
	out := flags.String("out", "", "the `DIR` to make")
	tokenizer := flags.String("tokenizer", "", "the `DIR` whose tokenizer's files are copied")
	configDir := flags.String("config", "", "the `DIR` of a config.json to take in place of the other flags")
	v11 := flags.Bool("v1.1", false, "version 1.1: gated-gelu, a head of its own")
	seed := flags.Uint64("seed", 1, "of the weights")
	for _, size := range []struct {
		field *int64
		name  string
		value int64
	}{
		{&c.VocabSize, "vocab_size", 32128},
		{&c.ModelDim, "d_model", 64},
		{&c.HeadDim, "d_kv", 16},
		{&c.Heads, "num_heads", 4},
		{&c.InnerDim, "d_ff", 128},
		{&c.Layers, "num_layers", 2},
	} {
		flags.Int64Var(size.field, size.name, size.value, "as in config.json")
	}
	flags.Parse(arguments)
	if *out == "" || *tokenizer == "" {
		return fmt.Errorf("want -out DIR and -tokenizer DIR")
	}
	if *v11 {
		own := false
		c.FeedForwardProj, c.TieWordEmbeddings = "gated-gelu", &own
	}
	if *configDir != "" {
		file, err := models.ReadConfig(*configDir)
		if err != nil {
			return err
		}
		if c, err = t5.ParseConfig(file); err != nil {
			return err
		}
	}
	files := models.Companions(*tokenizer)
	if len(files) == 0 {
		return fmt.Errorf("-tokenizer %s: no tokenizer files there", *tokenizer)
	}
	return t5.Random(*out, c, *seed, files...)
}
