#!/usr/bin/env python3
"""Compare the Go tokenizer with the package tokenizers, both on one thread.

    python3 bench.py GO_TEST_BINARY CORPUS ROUNDS KIND=MODEL...

KIND is wordpiece or unigram, MODEL the folder of its tokenizer.json, or bpe and
merges.txt. Every round encodes every eighth line of the corpus with the Go
benchmark, with encode() line by line, and with encode_batch(); the faster of
the latter two counts. Reading the file and loading the tokenizer are not timed.
"""
import os
import re
import statistics
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402  (reads the variable above)

import make_golden  # noqa: E402
import train_bpe  # noqa: E402

STRIDE = 8  # benchStride of bench_test.go


def load(kind, model):
    if kind == "bpe":
        return make_golden.variant(make_golden.byte_level(train_bpe.read_merges(model)), {})
    return make_golden.variant(make_golden.read_json(model), {})


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def rust(tokenizer, lines):
    def one_by_one():
        for line in lines:
            tokenizer.encode(line)

    return min(seconds(one_by_one), seconds(lambda: tokenizer.encode_batch(lines)))


def go(binary, kind):
    out = subprocess.run(
        [binary, "-test.run=^$", "-test.bench=^BenchmarkCorpus$/^%s$" % kind, "-test.benchtime=5x", "-test.cpu=1"],
        check=True,
        stdout=subprocess.PIPE,
        cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    ).stdout.decode()
    found = re.search(r"([0-9.e+]+) ns/op", out)
    if not found:
        sys.exit("the Go benchmark did not run:\n" + out)
    return float(found.group(1)) / 1e9


def compare(binary, lines, rounds, kind, model):
    tokenizer = load(kind, model)
    megabytes = sum(len(line.encode("utf-8")) + 1 for line in lines) / 1e6
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(go(binary, kind))
        theirs.append(rust(tokenizer, lines))
    for name, times in (("gopet", ours), ("tokenizers " + tokenizers.__version__, theirs)):
        middle = statistics.median(times)
        print("%-9s %-18s %9.0f lines/s %7.2f MB/s" % (kind, name, len(lines) / middle, megabytes / middle))
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    print(
        "%-9s gopet is %.1f times as fast (median of %d rounds, %.1f to %.1f; %d lines, one thread each)"
        % (kind, statistics.median(ratios), rounds, ratios[0], ratios[-1], len(lines))
    )


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")[:-1][::STRIDE]
    for argument in sys.argv[4:]:
        kind, model = argument.split("=", 1)
        compare(sys.argv[1], lines, int(sys.argv[3]), kind, model)


if __name__ == "__main__":
    main()
