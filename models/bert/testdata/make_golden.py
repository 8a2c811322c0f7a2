#!/usr/bin/env python3
"""Makes the golden files that hold models/bert to transformers.

Needs torch 2.11.0 and transformers 5.23.0 (oracle.py refuses others).

    make_golden.py [--check] [--checkpoint NAME=DIR ...]

Random models of odd sizes become NAME/config.json, NAME/model.safetensors
and NAME/golden.safetensors. A checkpoint given by name becomes
NAME.safetensors, its weights stay where they are. With --check everything
is made in a temporary folder and compared with the committed files.

In golden.safetensors:
    input_ids, token_type_ids, attention_mask, labels   the batch, int64
    hidden    last hidden state, padded positions set to zero
    pooled    pooler output, only where the model has a pooler
    logits, loss   of the classification head, mean cross-entropy
    head.weight, head.bias   the head, where the model file holds none
    grad.NAME   gradient of loss for every parameter that loss depends on
"""

import dataclasses
import pathlib
import sys

import torch
import transformers
from transformers.activations import ACT2FN

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "scripts"))
import oracle  # noqa: E402

ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish", "tanh"]

SENTENCES = [
    ("Shares of the company rose sharply after it raised its quarterly dividend.", None),
    ("Wheat exports fell.", "Farmers blame a dry spring."),
    ("What is attention?", None),
]
LONGEST = 20


@dataclasses.dataclass
class Case:
    """One random model: sizes, what its checkpoint holds and how it is named."""

    name: str
    seed: int
    sizes: dict
    classifier: bool = False  # the file holds classifier.* and bert. prefixes
    pooler: bool = True
    legacy: bool = False  # names as the first BERT releases had them
    dtype: torch.dtype = torch.float32


def sizes(hidden, heads, layers, intermediate, vocabulary, positions, types, activation, **more):
    return dict(
        hidden_size=hidden,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        intermediate_size=intermediate,
        vocab_size=vocabulary,
        max_position_embeddings=positions,
        type_vocab_size=types,
        hidden_act=activation,
        **more,
    )


CASES = [
    Case("pooler", 1, sizes(20, 5, 3, 37, 97, 41, 3, "gelu", num_labels=2)),
    Case("bare", 2, sizes(24, 3, 1, 31, 53, 23, 2, "gelu_new", num_labels=4), pooler=False),
    Case(
        "classifier",
        3,
        sizes(18, 2, 2, 29, 61, 19, 1, "relu", id2label={0: "left", 1: "right", 2: "straight on"}),
        classifier=True,
    ),
    Case("legacy", 4, sizes(12, 4, 2, 17, 47, 29, 2, "silu", layer_norm_eps=1e-6), legacy=True),
    Case("bfloat16", 5, sizes(16, 2, 2, 23, 43, 17, 2, "gelu"), dtype=torch.bfloat16),
    Case("float16", 6, sizes(14, 1, 1, 19, 39, 17, 2, "tanh"), classifier=True, dtype=torch.float16),
]


def make(directory, checkpoints):
    make_activations(directory)
    for case in CASES:
        make_case(directory, case)
    for name, checkpoint in checkpoints.items():
        make_checkpoint(directory / f"{name}.safetensors", checkpoint)


def make_activations(directory):
    x = torch.linspace(-6, 6, 97)
    oracle.save_tensors(
        directory / "activations.safetensors",
        {"x": x, **{name: ACT2FN[name](x) for name in ACTIVATIONS}},
    )


def make_case(directory, case):
    config = transformers.BertConfig(**case.sizes, attn_implementation="eager")
    model = oracle.random_classifier(config, case.seed)
    model.to(case.dtype).float()  # what a file of that precision can hold
    directory = directory / case.name
    directory.mkdir(exist_ok=True)
    oracle.save_config(directory, config)
    oracle.save_tensors(directory / "model.safetensors", checkpoint_tensors(model, case))

    batch = random_batch(config, case.seed)
    golden = golden_tensors(model, batch, case)
    model.set_attn_implementation("sdpa")
    assert_agree(golden, golden_tensors(model, batch, case))
    oracle.save_tensors(directory / "golden.safetensors", golden)


def checkpoint_tensors(model, case):
    """The case's model file: its names, its precision, its extras."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.startswith("classifier.") and not case.classifier:
            continue
        if ".pooler." in name and not case.pooler:
            continue
        if not (case.classifier or case.legacy):
            name = name.removeprefix("bert.")
        if case.legacy:
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            name = name.replace("LayerNorm.bias", "LayerNorm.beta")
        tensors[name] = tensor.to(case.dtype)
    if case.legacy:
        positions = torch.arange(model.config.max_position_embeddings)
        tensors["bert.embeddings.position_ids"] = positions.unsqueeze(0)
        tensors["cls.predictions.bias"] = torch.zeros(model.config.vocab_size)
        tensors["cls.seq_relationship.weight"] = torch.zeros(2, model.config.hidden_size)
    return tensors


def random_batch(config, seed):
    """Four sequences, one full and three padded on the right."""
    generator = torch.Generator().manual_seed(100 + seed)
    length = config.max_position_embeddings - 4
    rows = [length, length - 5, 3, 1]
    real = torch.arange(length) < torch.tensor(rows).unsqueeze(1)
    draw = lambda low, high, *shape: torch.randint(low, high, shape, generator=generator)
    return {
        "input_ids": draw(1, config.vocab_size, 4, length) * real,
        "token_type_ids": draw(0, config.type_vocab_size, 4, length) * real,
        "attention_mask": real.long(),
        "labels": draw(0, config.num_labels, 4),
    }


def golden_tensors(model, batch, case):
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    model.zero_grad()
    output = model.bert(**inputs)
    first = output.pooler_output if case.pooler else output.last_hidden_state[:, 0]
    logits = model.classifier(first)
    if case.pooler:
        torch.testing.assert_close(logits, model(**inputs).logits, rtol=0, atol=0)
    loss = torch.nn.functional.cross_entropy(logits, batch["labels"])
    loss.backward()

    golden = dict(batch, hidden=real_positions(output, batch), logits=logits, loss=loss)
    if case.pooler:
        golden["pooled"] = output.pooler_output
    if not case.classifier:
        golden["head.weight"] = model.classifier.weight
        golden["head.bias"] = model.classifier.bias
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            golden[f"grad.{name}"] = parameter.grad.clone()
    return golden


def real_positions(output, batch):
    return output.last_hidden_state * batch["attention_mask"].unsqueeze(-1)


def assert_agree(eager, sdpa):
    for name, tensor in eager.items():
        torch.testing.assert_close(sdpa[name], tensor, rtol=1e-4, atol=5e-6, msg=name)


def make_checkpoint(path, directory):
    """Hidden states of a few padded sentences under a real checkpoint."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    rows = [tokenizer(first, second)["input_ids"] for first, second in SENTENCES]
    types = [tokenizer(first, second)["token_type_ids"] for first, second in SENTENCES]
    longest = max(len(row) for row in rows)
    assert longest <= LONGEST, longest
    pad = lambda lists: torch.tensor([row + [0] * (longest - len(row)) for row in lists])
    batch = {
        "input_ids": pad(rows),
        "token_type_ids": pad(types),
        "attention_mask": pad([[1] * len(row) for row in rows]),
    }
    golden = dict(batch)
    for attention in ("eager", "sdpa"):
        model = transformers.BertModel.from_pretrained(directory, attn_implementation=attention)
        with torch.no_grad():
            hidden = real_positions(model.eval()(**batch), batch)
        torch.testing.assert_close(hidden, golden.setdefault("hidden", hidden), rtol=0, atol=1e-5)
    oracle.save_tensors(path, golden)


if __name__ == "__main__":
    oracle.main(__doc__, make, HERE, checkpoints=["minilm-l6", "minilm-l3"])
