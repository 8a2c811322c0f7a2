"""Prints a Markdown table of what gopet plan predicts and gopet bench measures.

usage: python3 scripts/bench_plan.py [--steps N] NAME=MODEL...

Of steps the fastest counts: others at work on the machine only add.
"""

import argparse
import json
import subprocess

METHODS = [
    ["full", "lora:qv", "lora:all-linear"],
    ["adapter", "prompt", "bitfit"],
    ["apet-discrete", "apet-adjacent", "apet-modules"],
]
SHAPES = ["16x128", "8x64"]
K = "20000"


def gopet(*arguments):
    result = subprocess.run(["bin/gopet", *arguments], check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout or "null")


def planned(model, method, shape):
    name, _, targets = method.partition(":")
    arguments = ["plan", "--json", "--model", model, "--method", name, "--shape", shape]
    if targets:
        arguments += ["--targets", targets]
    if name.startswith("apet-"):
        arguments += ["--params", K]
    return gopet(*arguments)


def error(predicted, measured):
    return f"{100 * (predicted / measured - 1):+.0f} %"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", default="7")
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    print("| model | shape | method | MiB predicted | measured | error | seconds predicted | fastest | median | error |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|---:|")
    gopet("plan", "--calibrate")
    for named in options.models:
        name, _, model = named.partition("=")
        for shape in SHAPES:
            for methods in METHODS:
                report = gopet("bench", "--json", "--model", model, "--shape", shape, "--steps", options.steps,
                               "--params", K, "--methods", ",".join(methods))
                for result in report["results"]:
                    plan = planned(model, result["method"], shape)
                    memory, peak = plan["memory_bytes"]["peak"], result["peak_memory_bytes"]
                    seconds, fastest = plan["step_seconds"], result["fastest_step_seconds"]
                    print(f"| {name} | {shape} | {result['method']} | {memory / 2**20:.0f} | {peak / 2**20:.0f} | {error(memory, peak)}"
                          f" | {seconds:.3f} | {fastest:.3f} | {result['step_seconds']:.3f} | {error(seconds, fastest)} |", flush=True)


if __name__ == "__main__":
    main()
