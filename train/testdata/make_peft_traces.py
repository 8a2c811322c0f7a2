#!/usr/bin/env python3
"""Makes the ten-step training traces that hold gopet's tuning methods to peft's.

Needs torch 2.11.0, transformers 5.23.0 and peft 0.21.2, and oracle.py of scripts.

    make_peft_traces.py [--check]

LoRA, prompt tuning and SHiRA are peft's own; the bottleneck adapter and
BitFit are the benchmark's, plain PyTorch. Dropout and weight decay are off; the rate
falls linearly without warm-up and gradients are clipped to norm 1, as
transformers' Trainer does by default. A classification head is trained too.

For each model, in a folder of its name in peft/:
config.json, model.safetensors   the base; of bert they lie in ../tiny, like its batches
batches.safetensors   input_ids, attention_mask [steps, rows, length],
    labels [steps, rows, target length], -100 where they are padded
traces.json   the optimizer's settings and, for every trace, its peak rate, the number k of
    tuned values without the head's, and for every step the loss before it, the gradient
    norm before clipping (over what is tuned) and the learning rate
TRACE/start, TRACE/final   the adapter before the first step and after the last: as peft saves it,
    or tensors.safetensors under gopet's names

With --check everything is made in a temporary folder and compared.
"""

import copy
import dataclasses
import json
import pathlib
import sys
import warnings
from typing import Callable

import peft
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "scripts"), str(HERE.parent / "bench")]
import loop  # noqa: E402
import oracle  # noqa: E402
import peers  # noqa: E402  the benchmark's, so that what is timed is what is tested here

WARMUP = 0
CLASSIFY, TEXT = peft.TaskType.SEQ_CLS, peft.TaskType.SEQ_2_SEQ_LM

T5_SIZES = dict(
    d_model=16,
    d_kv=6,
    num_heads=2,
    d_ff=22,
    vocab_size=61,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=20,
    decoder_start_token_id=0,
    dropout_rate=0.0,
)
T5_MODELS = {
    "t5-relu": dict(num_layers=2, num_decoder_layers=1, feed_forward_proj="relu", tie_word_embeddings=True),
    "t5-gated": dict(num_layers=1, num_decoder_layers=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}


@dataclasses.dataclass
class Trace:
    """One training run: attach(model) puts the method's modules into a model
    and returns what is trained and saved."""

    name: str
    lr: float
    attach: Callable


def make(directory):
    directory.mkdir(exist_ok=True)
    make_traces(directory / "bert", tiny_bert(), BERT_TRACES, safetensors.torch.load_file(HERE / "tiny/batches.safetensors"))
    for seed, (name, options) in enumerate(T5_MODELS.items()):
        config = transformers.T5Config(**T5_SIZES, **options)
        model, batches = oracle.random_t5(config, 41 + seed), text_batches(51 + seed, config)
        base = directory / name
        base.mkdir(exist_ok=True)
        oracle.save_config(base, config)
        oracle.save_tensors(base / "model.safetensors", oracle.t5_tensors(model))
        oracle.save_tensors(base / "batches.safetensors", batches)
        make_traces(base, model, T5_TRACES, batches)


def tiny_bert():
    return transformers.BertForSequenceClassification.from_pretrained(HERE / "tiny").eval()


def text_batches(seed, config, rows=6, length=11, targets=7):
    """Ten batches padded on the right; every row and every target ends with </s>."""
    generator = torch.Generator().manual_seed(seed)

    def rectangle(longest, fill):
        lengths = torch.randint(3, longest + 1, (loop.STEPS, rows, 1), generator=generator)
        lengths[:, 0] = longest
        at = torch.arange(longest)
        ids = torch.randint(2, config.vocab_size, (loop.STEPS, rows, longest), generator=generator)
        ids = torch.where(at == lengths - 1, config.eos_token_id, ids)
        return torch.where(at < lengths, ids, fill)

    ids = rectangle(length, config.pad_token_id)
    return {"input_ids": ids, "attention_mask": (ids != config.pad_token_id).long(), "labels": rectangle(targets, -100)}


def make_traces(directory, model, traces, batches):
    directory.mkdir(exist_ok=True)
    entries = {trace.name: make_trace(directory / trace.name, trace, model, batches) for trace in traces}
    summary = {"versions": oracle.PINS, "optimizer": loop.settings(WARMUP), "traces": entries}
    (directory / "traces.json").write_text(json.dumps(summary, indent=1) + "\n")


def make_trace(directory, trace, model, batches):
    """Writes the adapter before and after; returns the trace's entry of traces.json."""
    directory.mkdir(exist_ok=True)
    torch.manual_seed(61)
    tuned = trace.attach(copy.deepcopy(model))
    reference = copy.deepcopy(tuned).double()
    tuned.save(directory / "start")
    steps = train(tuned, trace, batches)
    tuned.save(directory / "final")
    loop.assert_same_loss(trace.name, steps, train(reference, trace, batches))
    return {"lr": trace.lr, "k": tuned.count()} | loop.columns(steps)


def train(tuned, trace, batches):
    def backward(step):
        loss = tuned.model(**loop.batch_of(batches, step)).loss
        loss.backward()
        return loss.item()

    return loop.descend([{"params": tuned.trained(), "weight_decay": 0.0}], trace.lr, WARMUP, backward)


# What peft tunes.


class Peft:
    """A model that peft has wrapped."""

    def __init__(self, model):
        self.model = model

    def double(self):
        self.model.double()
        return self

    def trained(self):
        return [p for p in self.model.parameters() if p.requires_grad]

    def count(self):
        """What a loss depends on: of a prompt for two submodules peft reads the first one's alone."""
        trained = [p for n, p in self.model.named_parameters() if p.requires_grad and ".modules_to_save." not in n]
        submodules = getattr(self.model.active_peft_config, "num_transformer_submodules", 1)
        return sum(p.numel() for p in trained) // submodules

    def save(self, directory):
        oracle.save_adapter(directory, self.model)


def by_peft(config, spread=0.0):
    """A trace's attach: peft's own initial values, moved by normal noise of that
    spread, so that no gradient begins at zero."""

    def attach(model):
        model.name_or_path = None  # peft writes down where the base was loaded from, which differs from machine to machine
        tuned = Peft(peft.get_peft_model(model, config))
        with torch.no_grad():
            for parameter in tuned.trained():
                parameter.add_(spread * torch.randn(parameter.shape))
        return tuned

    return attach


def lora(task, targets, spread=0.1, **more):
    return by_peft(peft.LoraConfig(task_type=task, r=2, lora_alpha=6, target_modules=targets, **more), spread)


def prompt(task, length, **more):
    return by_peft(peft.PromptTuningConfig(task_type=task, num_virtual_tokens=length, **more))


def shira(task, targets):
    return by_peft(peft.ShiraConfig(task_type=task, r=2, target_modules=targets, random_seed=71), 0.05)


# What is plain PyTorch.


class Plain:
    """A model with modules or parameters of ours in it, of gopet's names."""

    def __init__(self, model, names):
        self.model, self.names = model, names

    def double(self):
        self.model.double()
        return self

    def tensors(self):
        """What is trained, by name: ours and the head."""
        return {n: p for n, p in self.model.named_parameters() if n in self.names or n.startswith("classifier.")}

    def trained(self):
        return list(self.tensors().values())

    def count(self):
        return sum(self.model.get_parameter(name).numel() for name in self.names)

    def save(self, directory):
        directory.mkdir(exist_ok=True)
        oracle.save_tensors(directory / "tensors.safetensors", self.tensors())


def adapter(model):
    peers.add_bottlenecks(model, width=5)
    return Plain(model, [name for name, _ in model.named_parameters() if ".adapter_" in name])


def bitfit(model):
    """All biases; T5 is given them."""
    if model.config.model_type == "t5":
        peers.add_biases(model)
    names = [n for n, _ in model.named_parameters() if n.endswith(".bias") and not n.startswith("classifier.")]
    with torch.no_grad():
        for name in names:
            bias = model.get_parameter(name)
            bias.add_(0.05 * torch.randn(bias.shape))
    return Plain(model, names)


BERT_TRACES = [
    Trace("lora-qv", 1e-2, lora(CLASSIFY, ["query", "value"])),
    Trace("lora-all-linear", 1e-2, lora(CLASSIFY, r".*\.layer\.\d\..*(query|key|value|dense)", spread=0.0)),
    Trace("prompt", 3e-2, prompt(CLASSIFY, 3)),
    Trace("shira", 1e-2, shira(CLASSIFY, ["query", "value"])),
    Trace("adapter", 1e-2, adapter),
    Trace("bitfit", 1e-2, bitfit),
]
T5_TRACES = [
    Trace("lora-qv", 1e-2, lora(TEXT, r".*\.SelfAttention\.(q|v)")),
    Trace("lora-all-linear", 1e-2, lora(TEXT, "all-linear", spread=0.0)),
    Trace("prompt", 3e-2, prompt(TEXT, 3, num_transformer_submodules=1)),
    Trace("prompt-two-submodules", 3e-2, prompt(TEXT, 4)),
    Trace("shira", 1e-2, shira(TEXT, ["q", "v"])),
    Trace("adapter", 1e-2, adapter),
    Trace("bitfit", 1e-2, bitfit),
]


if __name__ == "__main__":
    oracle.PINS |= oracle.PEFT_PIN
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", "Sparse invariant checks")
    oracle.main(__doc__, make, HERE / "peft", settled=loop.is_settled)
