#!/usr/bin/env python3
"""Makes the ten-step training traces that hold gopet's loop to PyTorch's.

Needs torch 2.11.0 and transformers 5.23.0, and oracle.py of scripts.

    make_traces.py [--check] [--checkpoint minilm-l3=DIR]

Every trace is plain PyTorch: AdamW with the decay groups of transformers'
Trainer, clipping to norm 1, transformers' linear schedule with warm-up,
dropout off. APET is the dense gradient multiplied by a mask; with weight
decay on, the untuned entries are restored after every step.

For each model, in a folder of its name:
config.json, model.safetensors   the tiny model; a checkpoint given by name stays where it is
batches.safetensors   input_ids, token_type_ids, attention_mask [steps, rows, length],
    labels [steps, rows], and head.weight, head.bias where the checkpoint has no head
traces.json   the settings and, for every step, the loss before it, the gradient norm
    before clipping (over what is tuned) and the learning rate
TRACE.safetensors   positions.NAME   the tuned entries of a tensor, row-major, ascending
    final.NAME   the values after the last step: of those entries, or of the whole tensor

With --check everything is made in a temporary folder and compared.
"""

import copy
import dataclasses
import json
import pathlib
import sys

import torch
import transformers
from transformers.trainer_pt_utils import get_parameter_names

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import oracle  # noqa: E402
import loop  # noqa: E402
from loop import STEPS  # noqa: E402

WARMUP = 3

# What transformers' Trainer keeps from weight decay, beside LayerNorm.
NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


@dataclasses.dataclass
class Trace:
    """One training run of ten steps."""

    name: str
    lr: float
    weight_decay: float = 0.0
    layout: str = "full"  # or discrete, adjacent
    k: int = 0
    class_weights: list | None = None
    micro_batch: int = 0  # accumulating this many rows at a time gives the same trace
    keep_final: bool = True


TINY_TRACES = [
    Trace("full", 5e-3, micro_batch=3),
    Trace("full-decay", 5e-3, weight_decay=0.1),
    Trace("full-class-weights", 5e-3, class_weights=[0.5, 3.0, 1.25], micro_batch=3),
    Trace("apet-discrete", 2e-2, layout="discrete", k=200),
    Trace("apet-discrete-decay", 2e-2, weight_decay=0.1, layout="discrete", k=200),
    Trace("apet-adjacent", 2e-2, layout="adjacent", k=210),
]
MINILM_TRACES = [
    Trace("full", 5e-5, weight_decay=0.01, keep_final=False),
    Trace("apet-discrete", 2e-3, layout="discrete", k=5000),
]


def make(directory, checkpoints):
    make_tiny(directory / "tiny")
    for name, checkpoint in checkpoints.items():
        make_minilm(directory / name, checkpoint)


class FirstTokenClassifier(torch.nn.Module):
    """A classifier over an encoder without pooler: it reads the first token."""

    def __init__(self, directory, labels):
        super().__init__()
        self.bert = transformers.BertModel.from_pretrained(directory, add_pooling_layer=False)
        self.classifier = torch.nn.Linear(self.bert.config.hidden_size, labels)

    def forward(self, **inputs):
        hidden = self.bert(**inputs).last_hidden_state
        return transformers.modeling_outputs.SequenceClassifierOutput(logits=self.classifier(hidden[:, 0]))


def make_tiny(directory):
    config = transformers.BertConfig(
        hidden_size=16,
        num_attention_heads=2,
        num_hidden_layers=2,
        intermediate_size=26,
        vocab_size=61,
        max_position_embeddings=24,
        num_labels=3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = oracle.random_classifier(config, 11)
    batches = random_batches(12, rows=8, length=16, vocabulary=(1, 61), labels=3)
    directory.mkdir(exist_ok=True)
    oracle.save_config(directory, config)
    oracle.save_tensors(directory / "model.safetensors", model.state_dict())
    oracle.save_tensors(directory / "batches.safetensors", batches)
    make_traces(directory, TINY_TRACES, model, batches)


def make_minilm(directory, checkpoint):
    model = FirstTokenClassifier(checkpoint, labels=4).eval()
    generator = torch.Generator().manual_seed(21)
    with torch.no_grad():
        model.classifier.weight.copy_(0.02 * torch.randn(4, 384, generator=generator))
        model.classifier.bias.zero_()
    batches = random_batches(22, rows=8, length=24, vocabulary=(1000, 30000), labels=4)
    head = {f"head.{name}": tensor for name, tensor in model.classifier.named_parameters()}
    directory.mkdir(exist_ok=True)
    oracle.save_tensors(directory / "batches.safetensors", batches | head)
    make_traces(directory, MINILM_TRACES, model, batches)


def random_batches(seed, rows, length, vocabulary, labels):
    """Ten batches padded on the right, two segments in every row."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda low, high, *shape: torch.randint(low, high, shape, generator=generator)
    lengths = draw(4, length + 1, STEPS, rows, 1)
    lengths[:, 0] = length
    real = (torch.arange(length) < lengths).long()
    second = (torch.arange(length) >= draw(2, length, STEPS, rows, 1)).long()
    return {
        "input_ids": draw(*vocabulary, STEPS, rows, length) * real,
        "token_type_ids": second * real,
        "attention_mask": real,
        "labels": draw(0, labels, STEPS, rows),
    }


def make_traces(directory, traces, model, batches):
    summary = {
        "versions": oracle.PINS,
        "optimizer": loop.settings(WARMUP),
        "decayed": sorted(decayed_names(model)),
        "traces": {trace.name: make_trace(directory, trace, model, batches) for trace in traces},
    }
    (directory / "traces.json").write_text(json.dumps(summary, indent=1) + "\n")


def make_trace(directory, trace, model, batches):
    """Writes the trace's tensors; returns its entry of traces.json."""
    positions = choose_positions(trace, model)
    tuned = copy.deepcopy(model)
    steps = train(tuned, batches, trace, positions)

    reference = train(copy.deepcopy(model).double(), batches, trace, positions)
    loop.assert_same_loss(trace.name, steps, reference)
    if trace.micro_batch:
        accumulated = train(copy.deepcopy(model), batches, trace, positions, trace.micro_batch)
        loop.assert_same_loss(trace.name, steps, accumulated)

    oracle.save_tensors(directory / f"{trace.name}.safetensors", final_tensors(trace, tuned, positions))
    entry = dataclasses.asdict(trace)
    del entry["name"], entry["keep_final"]
    return entry | loop.columns(steps)


def choose_positions(trace, model):
    """NAME -> flat positions of the tuned entries in all-linear; empty for full."""
    if trace.layout == "full":
        return {}
    eligible = {
        name: parameter.numel()
        for name, parameter in model.named_parameters()
        if ".encoder." in name and parameter.dim() == 2
    }
    total = sum(eligible.values())
    generator = torch.Generator().manual_seed(31)
    if trace.layout == "discrete":
        chosen = torch.randperm(total, generator=generator)[: trace.k].sort().values
        positions, start = {}, 0
        for name, size in eligible.items():
            inside = chosen[(chosen >= start) & (chosen < start + size)] - start
            if len(inside):
                positions[name] = inside
            start += size
        return positions
    # One run a tensor, in proportion to its size; the last takes what is left.
    positions, left = {}, trace.k
    for i, (name, size) in enumerate(eligible.items()):
        run = left if i == len(eligible) - 1 else trace.k * size // total
        start = torch.randint(0, size - run + 1, (), generator=generator)
        positions[name] = start + torch.arange(run)
        left -= run
    return positions


def decayed_names(model):
    return set(get_parameter_names(model, [torch.nn.LayerNorm], NO_DECAY))


def train(model, batches, trace, positions, micro_batch=0):
    """Ten steps; returns the loss, the gradient norm and the rate of each."""
    parameters = dict(model.named_parameters())
    if positions:
        parameters = {n: p for n, p in parameters.items() if n in positions or n.startswith("classifier.")}
    masks = {name: mask_of(parameters[name], chosen) for name, chosen in positions.items()}
    base = {name: parameters[name].detach().clone() for name in masks}
    decayed = decayed_names(model)
    groups = [
        {"params": [p for n, p in parameters.items() if n in decayed], "weight_decay": trace.weight_decay},
        {"params": [p for n, p in parameters.items() if n not in decayed], "weight_decay": 0.0},
    ]

    def mask_gradients():
        for name, mask in masks.items():
            parameters[name].grad.mul_(mask)

    def restore_base():
        with torch.no_grad():
            for name, mask in masks.items():
                parameters[name].copy_(torch.where(mask, parameters[name], base[name]))

    return loop.descend(
        groups,
        trace.lr,
        WARMUP,
        lambda step: backward(model, loop.batch_of(batches, step), trace.class_weights, micro_batch),
        before=mask_gradients,
        after=restore_base,
    )


def mask_of(parameter, positions):
    mask = torch.zeros(parameter.numel(), dtype=torch.bool)
    mask[positions] = True
    return mask.view_as(parameter)


def backward(model, batch, class_weights, micro_batch):
    """Adds the gradient of the batch's mean loss, a micro-batch at a time.

    The mean is over the weights of the rows, as CrossEntropyLoss has it, so
    that cutting a batch changes nothing.
    """
    labels = batch["labels"]
    dtype = model.classifier.weight.dtype
    weights = torch.ones(model.classifier.out_features) if class_weights is None else torch.tensor(class_weights)
    weights = weights.to(dtype)
    total = weights[labels].sum()
    loss = 0.0
    for rows in torch.arange(len(labels)).split(micro_batch or len(labels)):
        inputs = {name: tensor[rows] for name, tensor in batch.items() if name != "labels"}
        logits = model(**inputs).logits
        part = torch.nn.functional.cross_entropy(logits, labels[rows], weight=weights, reduction="sum") / total
        part.backward()
        loss += part.item()
    if not micro_batch:
        expected = torch.nn.functional.cross_entropy(logits.detach(), labels, weight=weights).item()
        assert abs(loss - expected) <= 1e-6 * abs(expected), (loss, expected)
    return loss


def final_tensors(trace, model, positions):
    parameters = dict(model.named_parameters())
    tensors = {}
    for name, parameter in parameters.items():
        if name in positions:
            tensors[f"positions.{name}"] = positions[name].int()
            tensors[f"final.{name}"] = parameter.detach().flatten()[positions[name]]
        elif name.startswith("classifier.") or (not positions and trace.keep_final):
            tensors[f"final.{name}"] = parameter
    return tensors


if __name__ == "__main__":
    oracle.main(__doc__, make, HERE, checkpoints=["minilm-l3"], settled=loop.is_settled)
