// Package train is one run: a model, a data set and a tuning method become a
// run directory with metrics, checkpoints, the best adapter and a result.
//
//	config := train.DefaultConfig()
//	config.Model, config.Data, config.Task = "all-MiniLM-L6-v2", "data/rte", "rte"
//	config.Method, config.K, config.Out = "apet-discrete", 20_000, "runs/rte"
//	result, err := train.Run(ctx, config, nil)
//
// [Run] prints nothing, never exits the process and honours its context: a
// cancelled run saves a checkpoint and [Resume] goes on from it, bit for bit
// as if it had not been interrupted. Progress is reported to an [Observer].
// The step that does best on the validation split is kept, and the test split
// is scored once, by that step, at the end.
//
// [Open] loads a model, with or without an adapter, for [Inference.Evaluate]
// and [Inference.Predict].
package train
