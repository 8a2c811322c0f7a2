// Command readme is the program of the README.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gopet-ml/gopet/train"
)

func main() {
	config := train.DefaultConfig()
	config.Model = "all-MiniLM-L6-v2" // a Hugging Face directory
	config.Data = "data/rte"          // train-*.parquet, validation-*.parquet, test-*.parquet
	config.Task = "rte"
	config.Method, config.K = "apet-discrete", 20_000
	config.Out = "runs/rte"
	result, err := train.Run(context.Background(), config, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("test accuracy %.3f, %d entries tuned\n", result.Test["accuracy"], result.Trainable.Method)
}
