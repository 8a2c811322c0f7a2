#!/usr/bin/env python3
"""Compare gopet's way from Parquet to batches, and to the first step, with Hugging Face's.

    python3 bench_input.py PROGRAMS MODEL SHARED ROUNDS OUT

PROGRAMS is the folder of gopet and inputbench, MODEL a checkpoint, SHARED the folder of the data sets
sst2 and qnli; the report goes to OUT. Each measurement is a process of its own, ours and theirs in
turn. Rows a second count from the first row, with everything loaded; the first step from the start of
the process. Both sides read the same rows, and must make the same number of tokens of them.
"""
import datetime
import glob
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROWS = 100_000  # of a measurement, at least
MANY = 10_000_000  # rows over which memory is watched
BATCH, MAX_LENGTH, BUFFER = 32, 128, 10_000  # a run's
TASKS = {"sst2": {"sentence": "sentence: "}, "qnli": {"question": "question: ", "sentence": "sentence: "}}


# What Hugging Face's users write. Each function runs in a process of its own.


def stream(data, task, model):
    """The rows as they are read, rendered and tokenised: only the columns that are needed, no padding."""
    import datasets
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    columns = TASKS[task]

    def encode(rows):
        texts = [[prefix + text for text in rows[column]] for column, prefix in columns.items()]
        return tokenizer(*texts, truncation=True, max_length=MAX_LENGTH, return_attention_mask=False)

    shards = sorted(glob.glob(f"{data}/train-*.parquet"))
    rows = datasets.load_dataset("parquet", data_files=shards, split="train", streaming=True, columns=[*columns, "label"])
    return tokenizer, rows.map(encode, batched=True, batch_size=1000, remove_columns=[*columns])


def one_by_one(rows):
    for row in rows:
        yield [row["input_ids"]]


def loaded(rows, workers=0):
    import torch

    return torch.utils.data.DataLoader(
        rows.shuffle(seed=0, buffer_size=BUFFER),
        batch_size=BATCH,
        collate_fn=lambda rows: [row["input_ids"] for row in rows],
        num_workers=workers,
    )


# The tokenizer shares a batch of map among threads; where workers share the shards it must not.
VARIANTS = {
    "map, row by row": (one_by_one, "true"),
    "map, shuffle, DataLoader": (loaded, "true"),
    "the same, 2 workers": (lambda rows: loaded(rows, 2), "false"),
}


def read(variant, data, task, model):
    """Reads all rows and tells of it as inputbench does."""
    _, rows = stream(data, task, model)
    count = tokens = 0
    start = time.perf_counter()
    for batch in VARIANTS[variant][0](rows):
        count += len(batch)
        tokens += sum(map(len, batch))
    seconds = time.perf_counter() - start
    # Of several processes the largest counts: workers share most of their parent's pages.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"rows": count, "tokens": tokens, "seconds": seconds, "peak": 1024 * peak}))


def begin(data, task, model):
    """Makes the first step of full tuning and tells when it starts and ends."""
    import torch
    import transformers

    network = transformers.AutoModelForSequenceClassification.from_pretrained(model, num_labels=2)
    tokenizer, rows = stream(data, task, model)
    rows = rows.shuffle(seed=0, buffer_size=BUFFER).rename_column("label", "labels")
    loader = torch.utils.data.DataLoader(rows, BATCH, collate_fn=transformers.DataCollatorWithPadding(tokenizer))
    optimizer = torch.optim.AdamW(network.parameters())
    network.train()
    print("starts", flush=True)
    network(**next(iter(loader))).loss.backward()
    optimizer.step()
    print("ends", flush=True)


# What compares them.


def child(function, *arguments):
    return [sys.executable, __file__, function, *arguments]


def measure(command, parallelism="true"):
    """The last line that a measurement prints."""
    environment = os.environ | {"TOKENIZERS_PARALLELISM": parallelism, "HF_HUB_OFFLINE": "1"}
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment).stdout
    return json.loads(out.splitlines()[-1])


def repeated(shards, folder):
    """Links to the shards, over and over, until there are enough rows; returns how many."""
    import pyarrow.parquet

    rows, links = 0, []
    for shard in itertools.cycle(shards):
        if rows >= ROWS and len(links) % len(shards) == 0:
            break
        rows += pyarrow.parquet.ParquetFile(shard).metadata.num_rows
        links.append(shard)
    for i, shard in enumerate(links):
        os.symlink(os.path.abspath(shard), f"{folder}/train-{i:05}-of-{len(links):05}.parquet")
    return rows


def between(values, form):
    """The median of values, and what they lie between."""
    return f"{form % statistics.median(values)} ({form % min(values)} to {form % max(values)})"


def throughput(programs, model, shared, rounds):
    yield "| task | Hugging Face's pipeline | gopet, rows/s | theirs, rows/s | ratio | gopet, peak | theirs, peak |"
    yield "|---|---|---|---|---|---|---|"
    for task in TASKS:
        with tempfile.TemporaryDirectory() as data:
            rows = repeated(sorted(glob.glob(f"{shared}/{task}/train-*.parquet")), data)
            ours = [f"{programs}/inputbench", "-data", data, "-task", task, "-model", model, "-rows", str(rows)]
            pairs = {variant: [] for variant in VARIANTS}
            for _, variant in itertools.product(range(rounds), VARIANTS):
                a = measure(ours)
                b = measure(child("read", variant, data, task, model), VARIANTS[variant][1])
                if (a["rows"], a["tokens"]) != (b["rows"], b["tokens"]):
                    sys.exit(f"{task}: {a} and {b} are not of the same rows")
                pairs[variant].append((a, b))
        for variant, measured in pairs.items():
            speeds = [[side["rows"] / side["seconds"] for side in pair] for pair in measured]
            peaks = [max(side["peak"] for side in sides) / 2**20 for sides in zip(*measured)]
            yield "| %s | %s | %.0f | %.0f | %s | %.0f MiB | %.0f MiB |" % (
                task,
                variant,
                *map(statistics.median, zip(*speeds)),
                between([a / b for a, b in speeds], "%.1f"),
                *peaks,
            )


def memory(programs, model, shared):
    command = [f"{programs}/inputbench", "-data", f"{shared}/sst2", "-task", "sst2", "-model", model]
    command += ["-rows", str(MANY), "-points", "10"]
    points = list(map(json.loads, subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()))
    yield "| million rows | " + " | ".join("%.0f" % (p["rows"] / 1e6) for p in points) + " |"
    yield "|---" * (len(points) + 1) + "|"
    for key in "resident", "peak":
        yield f"| {key}, MiB | " + " | ".join("%.1f" % (p[key] / 2**20) for p in points) + " |"


def train_ours(programs, model, data, folder):
    """Seconds until gopet starts its first step, which is when it says what it tunes, and ends it."""
    command = [f"{programs}/gopet", "train", "--model", model, "--data", data, "--task", "sst2"]
    command += ["--method", "apet-discrete", "--params", "20000", "--out", f"{folder}/run"]
    metrics = pathlib.Path(folder, "run", "metrics.jsonl")
    start = time.perf_counter()
    run = subprocess.Popen(command, stderr=subprocess.PIPE)
    line = run.stderr.readline()
    starts = time.perf_counter() - start
    while run.poll() is None and not (metrics.exists() and metrics.stat().st_size):
        time.sleep(0.001)
    ends = time.perf_counter() - start
    if run.poll() is not None:
        sys.exit("gopet train ended: " + (line + run.stderr.read()).decode())
    run.kill()
    run.communicate()
    return starts, ends


def train_theirs(model, data):
    start = time.perf_counter()
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    run = subprocess.Popen(
        child("begin", data, "sst2", model), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    times = []
    for _ in run.stdout:
        times.append(time.perf_counter() - start)
    if run.wait() != 0:
        sys.exit("the first step of transformers failed")
    return times


def first_step(programs, model, shared, rounds):
    data = f"{shared}/sst2"
    ours, theirs = [], []
    for _ in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(train_ours(programs, model, data, folder))
        theirs.append(train_theirs(model, data))
    yield "| | the first step starts, s | it has ended, s |"
    yield "|---|---|---|"
    for name, times in ("gopet train", ours), ("transformers", theirs):
        # The first round reads files that the others find in memory.
        starts, ends = zip(*times[1:])
        yield f"| {name} | {between(starts, '%.2f')} | {between(ends, '%.2f')} |"


def machine():
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    kilobytes = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal")))
    return f"{cpu}, {len(os.sched_getaffinity(0))} processors, {kilobytes / 2**20:.0f} GiB of memory"


def report(programs, model, shared, rounds):
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("datasets", "transformers", "tokenizers", "torch")]
    yield "# Input, beside Hugging Face's"
    yield ""
    yield f"Written by `make bench-input` on {datetime.date.today()}: {machine()};"
    yield f"Python {platform.python_version()}, {', '.join(versions)}."
    yield ""
    yield "## From Parquet to batches of tokens"
    yield ""
    yield f"MiniLM-L6's tokenizer, at most {MAX_LENGTH} tokens a row. gopet reads as a run does, shuffled, into packed"
    yield f"batches of {BATCH}. Theirs is `load_dataset(\"parquet\", streaming=True).map(batched=True, batch_size=1000)` with the"
    yield "fast tokenizer, which may use every processor; without shuffling, or shuffled and in batches. Both read the"
    yield f"same {ROWS:,} rows or a little more, in turn: medians of {rounds} rounds, of the ratios also the least and the most."
    yield ""
    yield from throughput(programs, model, shared, rounds)
    yield ""
    yield "## Memory over ten million rows"
    yield ""
    yield "inputbench on sst2, again and again."
    yield ""
    yield from memory(programs, model, shared)
    yield ""
    yield "## The first step"
    yield ""
    yield f"From the start of the process, files in the page cache: MiniLM-L6 on sst2, batches of {BATCH}. A step starts when all"
    yield "is loaded and the first batch is asked for. gopet tunes 20,000 entries, transformers everything, in a loop of its"
    yield f"user's without Trainer. Medians of {rounds} rounds, the least and the most."
    yield ""
    yield from first_step(programs, model, shared, rounds)


def main():
    if sys.argv[1:2] == ["read"]:
        read(*sys.argv[2:])
    elif sys.argv[1:2] == ["begin"]:
        begin(*sys.argv[2:])
    elif len(sys.argv) == 6:
        programs, model, shared, rounds, out = sys.argv[1:]
        lines = []
        for line in report(programs, model, shared, int(rounds)):
            print(line, flush=True)
            lines.append(line + "\n")
        pathlib.Path(out).write_text("".join(lines), encoding="utf-8")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
