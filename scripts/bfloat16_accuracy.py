"""Writes docs/bfloat16.md: what tuning in bfloat16 costs in accuracy, beside float32.

usage: python scripts/bfloat16_accuracy.py GOPET MODEL SST2 DOCUMENT   (needs pyarrow and numpy)

Every run tunes on three of SST-2's four training shards. It is judged by the validation split and by
rows of the fourth shard, which no run has seen and which are so many that the interval is narrow.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import pyarrow.parquet

SEEDS = [0, 1, 2]
DTYPES = ["float32", "bfloat16"]
METHODS = {"apet-discrete, k = 20,000": ["apet-discrete", "--params", "20000"], "lora, all linear layers": ["lora", "--targets", "all-linear"]}
STEPS = 300
HELD_OUT = 5000  # rows
DRAWS = 10_000
MARGIN = 0.01


def gopet(binary, *arguments, **options):
    done = subprocess.run([binary, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"bfloat16_accuracy: gopet {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def correct(binary, model, adapter, dtype, rows):
    """Of each row whether the model labels it as its author did."""
    lines = "".join(json.dumps({"sentence": row["sentence"]}) + "\n" for row in rows)
    said = gopet(binary, "predict", "--model", model, "--adapter", adapter, "--dtype", dtype, input=lines)
    labels = [json.loads(line)["label"] for line in said.splitlines()]
    assert len(labels) == len(rows)
    return numpy.array([label == ("negative", "positive")[row["label"]] for label, row in zip(labels, rows)])


def interval(differences):
    """The mean of differences [seed, row] and its 95 % interval: seeds and rows are drawn again, with
    replacement, and the pairs stay together."""
    random = numpy.random.default_rng(0)
    seeds, rows = differences.shape
    means = []
    for _ in range(DRAWS):
        by_row = differences[random.integers(seeds, size=seeds)].mean(axis=0)
        means.append(by_row[random.integers(rows, size=rows)].mean())
    return differences.mean(), *numpy.percentile(means, [2.5, 97.5])


def main():
    binary, model, sst2, document = sys.argv[1:]
    shards = sorted(pathlib.Path(sst2).resolve().glob("train-*.parquet"))
    sets = {
        "validation": pyarrow.parquet.read_table(next(pathlib.Path(sst2).glob("validation-*"))).to_pylist(),
        "fourth training shard": pyarrow.parquet.read_table(shards[-1]).slice(0, HELD_OUT).to_pylist(),
    }
    table = []
    with tempfile.TemporaryDirectory() as work:
        data = pathlib.Path(work, "data")
        data.mkdir()
        for path in [*shards[:-1], *pathlib.Path(sst2).resolve().glob("validation-*")]:
            (data / path.name.replace("-of-00004", "-of-00003")).symlink_to(path)
        for method, options in METHODS.items():
            right = {name: {dtype: [] for dtype in DTYPES} for name in sets}
            for seed in SEEDS:
                for dtype in DTYPES:
                    run = pathlib.Path(work, f"{options[0]}-{seed}-{dtype}")
                    gopet(binary, "train", "--model", model, "--data", data, "--task", "sst2", "--method", *options, "--seed", seed,
                          "--dtype", dtype, "--steps", STEPS, "--eval-every", STEPS, "--baselines=false", "--out", run)
                    for name, rows in sets.items():
                        right[name][dtype].append(correct(binary, model, run / "adapter", dtype, rows))
                    print(f"{method}, seed {seed}, {dtype}: {100 * right['validation'][dtype][-1].mean():.2f} %", file=sys.stderr)
            for name, by_dtype in right.items():
                scores = {dtype: numpy.array(by_dtype[dtype]) for dtype in DTYPES}
                mean, low, high = interval(scores["bfloat16"].astype(float) - scores["float32"])
                each = [" / ".join(f"{100 * s.mean():.2f}" for s in scores[dtype]) for dtype in DTYPES]
                within = "yes" if -MARGIN <= low and high <= MARGIN else "no"
                table.append(f"| {method} | {name}, {len(sets[name]):,} rows | {each[0]} | {each[1]} | {100 * mean:+.2f} | {100 * low:+.2f} to {100 * high:+.2f} | {within} |")
    pathlib.Path(document).write_text(f"""# Tuning in bfloat16

Accuracy on SST-2 of all-MiniLM-L6-v2, tuned for {STEPS} steps of 32 rows in float32 and in bfloat16 with the
same seeds, and so with the same mask, first values and order of rows. Made by `make bench-bfloat16`.

Differences are bfloat16 less float32, in points. Their 95 % interval draws seeds and rows again, {DRAWS:,} times,
the two answers to a row staying a pair; three seeds tell little of how much seeds differ, so of that part
of the interval too. Only the last step is judged. Runs tune on three of the four training shards; the fourth is judged
besides the validation split, as its many rows tell small differences from none. (Many of its rows are parts of
sentences of which other parts are tuned on: it is no measure of what the model knows.)

| method | rows | float32, by seed | bfloat16, by seed | difference | 95 % interval | within a point |
|---|---|---:|---:|---:|---:|---|
""" + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
