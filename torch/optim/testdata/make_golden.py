#!/usr/bin/env python3
"""Makes golden.json, which holds torch/optim to PyTorch and transformers.

Needs torch==2.11.0 and transformers==5.23.0 and refuses others:

    python make_golden.py

adamw: runs of torch.optim.AdamW with clip_grad_norm_ over given gradients.
Each run lists the parameters (dtype, whether they decay, starting values)
and, for each step, the gradients, the norm before clipping and the values
after the step. A bfloat16 parameter is stepped through a float32 master copy.
schedules: the factor at each step of transformers.get_scheduler.
"""

import json
import pathlib

import torch
import transformers

PINS = {torch: "2.11.0", transformers: "5.23.0"}
DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


def check_pins():
    for module, want in PINS.items():
        if module.__version__.split("+")[0] != want:
            raise SystemExit(f"{module.__name__} {module.__version__}: want {want}")


def adamw(name, dtypes, lr, max_norm, weight_decay, gradient_scale, steps=5):
    generator = torch.Generator().manual_seed(len(name))
    sizes, decays = [3, 4, 1], [True, False, True]
    weights = [
        torch.randn(n, generator=generator, dtype=torch.float64).to(DTYPES[d]) for n, d in zip(sizes, dtypes)
    ]
    masters = [w.float() if w.dtype == torch.bfloat16 else w.clone() for w in weights]
    groups = [
        {"params": [m for m, d in zip(masters, decays) if d], "weight_decay": weight_decay},
        {"params": [m for m, d in zip(masters, decays) if not d], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), eps=1e-6, foreach=False)
    run = {
        "name": name, "lr": lr, "max_norm": max_norm, "weight_decay": weight_decay, "beta1": 0.9, "beta2": 0.98,
        "eps": 1e-6,
        "params": [
            {"dtype": d, "decay": y, "start": w.double().tolist()} for d, y, w in zip(dtypes, decays, weights)
        ],
        "steps": [],
    }
    for step in range(steps):
        gradients = [
            (torch.randn(n, generator=generator, dtype=torch.float64) * gradient_scale).to(w.dtype)
            for n, w in zip(sizes, weights)
        ]
        for master, gradient in zip(masters, gradients):
            master.grad = gradient.to(master.dtype, copy=True)  # clipped in place
        clip = max_norm if max_norm > 0 else float("inf")
        norm = torch.nn.utils.clip_grad_norm_(masters, clip, foreach=False)
        for group in optimizer.param_groups:
            group["lr"] = lr / (step + 1)
        optimizer.step()
        run["steps"].append({
            "lr": lr / (step + 1),
            "gradients": [g.double().tolist() for g in gradients],
            "norm": norm.item(),
            "values": [m.to(w.dtype).double().tolist() for m, w in zip(masters, weights)],
        })
    return run


def schedule(kind, transformers_name, warmup, steps):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = transformers.get_scheduler(transformers_name, optimizer, warmup, steps)
    factors = []
    for _ in range(steps + 1):
        factors.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"kind": kind, "warmup": warmup, "steps": steps, "factors": factors}


def main():
    check_pins()
    double, single, half = ["float64"] * 3, ["float32"] * 3, ["bfloat16", "float32", "bfloat16"]
    golden = {
        "adamw": [
            adamw("float64, never clipped", double, 0.1, 0, 0.1, 3.0),
            adamw("float64, always clipped", double, 0.1, 1.0, 0.01, 3.0),
            adamw("float64, norm below the limit", double, 0.01, 1e6, 0.0, 1.0),
            adamw("float32", single, 0.05, 1.0, 0.1, 1.0),
            adamw("bfloat16 weights", half, 0.001, 1.0, 0.1, 1.0),
        ],
        "schedules": [
            schedule(kind, name, warmup, steps)
            for kind, name in [("linear", "linear"), ("constant", "constant_with_warmup"), ("cosine", "cosine")]
            for warmup, steps in [(0, 7), (3, 10), (1, 1)]
        ],
    }
    path = pathlib.Path(__file__).parent / "golden.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
