"""Writes shuffles.json: what Python's random.shuffle does, and which tensors the paper's code picks.

Made with CPython 3.11.7; every version since 3.2 shuffles alike.
    python make_shuffles.py
"""

import json
import pathlib
import random

SEEDS = [
    0, 1, 2, 7, 42, 624, 121216, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1,
    2**64, 229376 * 42, 803584 * 12345678901234567890, (2**63 - 1) * (2**64 - 1), 2**96 + 5,
]  # fmt: skip
SIZES = [0, 1, 2, 3, 5, 16, 100, 625, 1000]


def shuffles(seed):
    """The order of lists of each size, shuffled one after another."""
    random.seed(seed)
    orders = []
    for size in SIZES:
        order = list(range(size))
        random.shuffle(order)
        orders.append(order)
    return orders


def checksum(order):
    """Tells one order of a long list from another."""
    total = 0
    for i, x in enumerate(order):
        total = (total * 31 + (i + 1) * (x + 1)) % 2**31
    return total


def first_fit(groups, budget):
    """Which groups of tensor sizes are taken: each whose first tensor still fits."""
    taken = []
    for index, sizes in groups:
        if budget <= 0:
            break
        if sizes[0] <= budget:
            taken.append(index)
            budget -= sum(sizes)
    return taken


def pick(added, own, budget, seed):
    """The picks among groups of added tensors, and among the model's own tensors."""
    random.seed(budget * seed)
    added, own = list(enumerate(added)), list(enumerate([n] for n in own))
    random.shuffle(added)
    random.shuffle(own)
    return {"added": first_fit(added, budget // 2), "own": first_fit(own, budget // 2)}


def t5(width, inner, ff, layers, vocabulary):
    """Sizes of the groups that may be added to a T5, and of its own tensors."""
    pair, bottleneck = [8 * width, inner * 8], [24 * width, 24, width * 24, width]
    own = [vocabulary * width]
    for _ in range(layers):
        own += [width * inner] * 3 + [inner * width, width, ff * width, ff * width, width * ff, width]
    return [pair, pair, bottleneck, bottleneck] * layers, own


MODELS = [t5(512, 384, 1024, 8, 32128), t5(8, 15, 13, 3, 31), ([], [3, 1, 4, 1, 5]), ([[6, 2], [3]], [])]
BUDGETS = [(0, 1), (1, 1), (10, 0), (100, 3), (4096, 42), (51200, 1), (121216, 7), (229376, 2**64 - 1), (803584, 5)]

result = {
    "sizes": SIZES,
    "shuffles": [
        {
            "seed": str(seed),
            "orders": [order if len(order) <= 16 else None for order in shuffles(seed)],
            "checksums": [checksum(order) for order in shuffles(seed)],
        }
        for seed in SEEDS
    ],
    "picks": [
        {
            "added": added,
            "own": own,
            "draws": [{"budget": b, "seed": str(s), **{f"picked_{k}": v for k, v in pick(added, own, b, s).items()}} for b, s in BUDGETS],
        }
        for added, own in MODELS
    ],
}
text = json.dumps(result, separators=(",", ":"))
pathlib.Path(__file__).with_name("shuffles.json").write_text(text + "\n")
