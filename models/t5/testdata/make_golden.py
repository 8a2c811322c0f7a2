#!/usr/bin/env python3
"""Makes the golden files that hold models/t5 to transformers.

Needs torch 2.11.0 and transformers 5.23.0, and oracle.py of scripts.

    make_golden.py [--check]

Random models of odd sizes become NAME/config.json, NAME/model.safetensors,
NAME/golden.safetensors and NAME/texts.json. With --check everything is made in
a temporary folder and compared with the committed files.

In golden.safetensors:
    input_ids, attention_mask, labels, decoder_input_ids   the batch, int64;
        labels are -100 where they are padding
    hidden    the encoder's last hidden state, padded positions set to zero
    logits, loss   mean cross-entropy
    grad.NAME   gradient of loss for every parameter
    dropped.* logits in training where dropout takes away all that passes one kind of place
    encoder_prompt, decoder_prompt, prompted   vectors before the tokens of
        either, and the logits that follow the tokens

In texts.json: what generate writes under each of some settings, cut after the
end, without the start.

buckets.json lists, for a direction, a number of buckets and the distance that
the last begins at, the distances from -SPAN to SPAN where another bucket
begins, with that bucket.
"""

import dataclasses
import json
import pathlib
import sys

import torch
import transformers
from transformers.models.t5 import modeling_t5
from transformers.models.t5.modeling_t5 import T5Attention

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "scripts"))
import oracle  # noqa: E402

SPAN = 2000
BUCKETS = [(32, 128), (8, 12), (7, 11), (64, 256), (32, 500), (4, 3), (33, 129)]

MAX_NEW_TOKENS = 9
SETTINGS = {
    "greedy": {},
    "two beams": {"num_beams": 2},
    "four beams": {"num_beams": 4, "length_penalty": 1.0},
    "first of four": {"num_beams": 4, "early_stopping": True},
    "long": {"num_beams": 3, "length_penalty": 2.5},
    "long, first": {"num_beams": 3, "length_penalty": 2.5, "early_stopping": True},
    "more beams than ids": {"num_beams": 40},
    "short": {"num_beams": 5, "length_penalty": -0.5},
}


@dataclasses.dataclass
class Case:
    """One random model, and how its checkpoint holds it."""

    name: str
    seed: int
    sizes: dict
    config: dict = dataclasses.field(default_factory=dict)  # other fields of config.json; None leaves one out
    own_head: bool = False
    old: bool = False  # keys that the first versions wrote as well


def sizes(dim, heads, head_dim, inner, layers, decoder_layers, vocabulary, activation, **more):
    return dict(
        d_model=dim,
        num_heads=heads,
        d_kv=head_dim,
        d_ff=inner,
        num_layers=layers,
        num_decoder_layers=decoder_layers,
        vocab_size=vocabulary,
        feed_forward_proj=activation,
        pad_token_id=0,
        decoder_start_token_id=0,
    ) | dict(relative_attention_num_buckets=8, relative_attention_max_distance=12) | more


# What the config.json of the first releases lacks.
OLD = dict(dense_act_fn=None, is_gated_act=None, classifier_dropout=None, is_decoder=None)

CASES = [
    # Version 1.0: the sum of the heads' sizes is not the model's.
    Case("tied", 20, sizes(8, 3, 5, 13, 2, 3, 31, "relu"), config=dict(OLD, tie_word_embeddings=None)),
    # Version 1.1.
    Case(
        "gated",
        23,
        sizes(10, 2, 3, 11, 3, 1, 29, "gated-gelu", tie_word_embeddings=False, relative_attention_num_buckets=7),
        config=OLD,
        own_head=True,
    ),
    # As transformers 5 saves a version 1.1; two ids end a text.
    Case(
        "resaved",
        22,
        sizes(
            *(6, 3, 2, 9, 1, 2, 23, "gated-silu"),
            tie_word_embeddings=False,
            eos_token_id=[1, 5],
            layer_norm_epsilon=1e-5,
        ),
        config=dict(tie_word_embeddings=True, scale_decoder_outputs=False, is_gated_act=True, dense_act_fn="silu"),
        own_head=True,
        old=True,
    ),
    # Not scaled, and no head stored; what is the default is left out.
    Case(
        "headless",
        8,
        sizes(7, 1, 3, 8, 1, 1, 19, "relu", tie_word_embeddings=False),
        config=dict(num_decoder_layers=None, feed_forward_proj=None),
    ),
]


def make(directory):
    make_buckets(directory)
    for case in CASES:
        make_case(directory / case.name, case)


def make_buckets(directory):
    distances = torch.arange(-SPAN, SPAN + 1)
    entries = []
    for buckets, farthest in BUCKETS:
        for causal in (False, True):
            found = T5Attention._relative_position_bucket(distances, not causal, buckets, farthest).tolist()
            starts = [
                [distance, bucket]
                for distance, before, bucket in zip(distances.tolist(), [None] + found, found)
                if bucket != before
            ]
            entries.append({"causal": causal, "buckets": buckets, "max_distance": farthest, "starts": starts})
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (directory / "buckets.json").write_text(f"[\n{lines}\n]\n")


def make_case(directory, case):
    directory.mkdir(exist_ok=True)
    model = random_model(case)
    save_config(directory, case, model.config)
    oracle.save_tensors(directory / "model.safetensors", stored(model, case))
    batch = random_batch(model.config, case.seed)
    golden = golden_tensors(model, batch)
    for attention in ("eager", "sdpa"):
        loaded = transformers.T5ForConditionalGeneration.from_pretrained(directory, attn_implementation=attention)
        assert_agree(golden, golden_tensors(loaded.eval(), batch))
    golden |= dropped(directory, batch)
    golden |= prompted(loaded, batch, case.seed)
    oracle.save_tensors(directory / "golden.safetensors", golden)
    texts = {name: generate(loaded, batch, options) for name, options in SETTINGS.items()}
    check_texts(texts, eos_ids(model.config))
    (directory / "texts.json").write_text(json.dumps(texts, indent=1) + "\n")


def random_model(case):
    config = transformers.T5Config(**case.sizes, attn_implementation="eager")
    model = oracle.random_t5(config, case.seed)
    if not case.own_head:
        model.lm_head.weight = model.shared.weight
    with torch.no_grad():
        # What makes texts differ: blocks that outweigh the id before, a sharp
        # choice, ends that are likely enough.
        for name, parameter in model.decoder.named_parameters():
            if name.endswith((".v.weight", ".o.weight", ".wo.weight")):
                parameter.mul_(3)
        model.shared.weight.mul_(0.5)
        model.decoder.final_layer_norm.weight.mul_(4)
        model.lm_head.weight[eos_ids(config)] *= 1.5
    return model


def eos_ids(config):
    return config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]


def save_config(directory, case, config):
    oracle.save_config(directory, config)
    path = directory / "config.json"
    fields = json.loads(path.read_text()) | case.config
    fields = {name: value for name, value in fields.items() if value is not None}
    path.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n")


def stored(model, case):
    """The case's model file: its names, its extras."""
    tensors = model.state_dict()
    if not case.own_head:
        del tensors["lm_head.weight"]
    if case.old:
        unused = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
        tensors[unused] = torch.ones(model.config.relative_attention_num_buckets, model.config.num_heads)
    else:
        del tensors["encoder.embed_tokens.weight"], tensors["decoder.embed_tokens.weight"]
    return tensors


def random_batch(config, seed):
    """Four texts with their targets: one full, the others padded on the right."""
    generator = torch.Generator().manual_seed(100 + seed)

    def rectangle(rows, fill):
        longest = max(rows)
        ids = torch.randint(2, config.vocab_size, (len(rows), longest), generator=generator)
        real = torch.arange(longest) < torch.tensor(rows).unsqueeze(1)
        return torch.where(real, ids, fill), real.long()

    ids, mask = rectangle([17, 11, 4, 1], config.pad_token_id)
    labels, _ = rectangle([6, 13, 1, 9], -100)
    shifted = torch.where(labels == -100, config.pad_token_id, labels).roll(1, 1)
    shifted[:, 0] = config.decoder_start_token_id
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, "decoder_input_ids": shifted}


def golden_tensors(model, batch):
    model.zero_grad()
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
    output = model(**inputs)
    output.loss.backward()
    hidden = output.encoder_last_hidden_state * batch["attention_mask"].unsqueeze(-1)
    golden = dict(batch, hidden=hidden, logits=output.logits, loss=output.loss)
    for name, parameter in model.named_parameters():
        golden[f"grad.{name}"] = parameter.grad.clone()
    return golden


def dropped(directory, batch):
    """A dropout of 1 leaves nothing to chance: the logits tell where it stands."""
    places = {
        "encoder": lambda m: [m.encoder.dropout],
        "decoder": lambda m: [m.decoder.dropout],
        "attention": lambda m: [x for x in m.modules() if isinstance(x, T5Attention)],
        "self_attention_end": lambda m: [x.dropout for x in m.modules() if isinstance(x, modeling_t5.T5LayerSelfAttention)],
        "cross_attention_end": lambda m: [x.dropout for x in m.modules() if isinstance(x, modeling_t5.T5LayerCrossAttention)],
        "feed_forward_end": lambda m: [x.dropout for x in m.modules() if isinstance(x, modeling_t5.T5LayerFF)],
        "feed_forward_inner": lambda m: [x.DenseReluDense.dropout for x in m.modules() if isinstance(x, modeling_t5.T5LayerFF)],
    }
    golden = {}
    for place, find in places.items():
        model = transformers.T5ForConditionalGeneration.from_pretrained(directory, attn_implementation="eager")
        for module in model.modules():
            set_dropout(module, 0.0)
        for module in find(model):
            set_dropout(module, 1.0)
        with torch.no_grad():
            inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "labels")}
            golden[f"dropped.{place}"] = model.train()(**inputs).logits
    return golden


def set_dropout(module, p):
    if isinstance(module, torch.nn.Dropout):
        module.p = p
    elif isinstance(module, T5Attention):
        module.dropout = p


def prompted(model, batch, seed):
    """What vectors before the tokens change, three of the encoder's and two of the decoder's."""
    generator = torch.Generator().manual_seed(200 + seed)
    vectors = {
        "encoder_prompt": torch.randn(3, model.config.d_model, generator=generator),
        "decoder_prompt": torch.randn(2, model.config.d_model, generator=generator),
    }
    rows = len(batch["input_ids"])
    before = {name: prompt.expand(rows, -1, -1) for name, prompt in vectors.items()}
    embed = lambda prompt, ids: torch.cat((before[prompt], model.shared(batch[ids])), dim=1)
    with torch.no_grad():
        logits = model(
            inputs_embeds=embed("encoder_prompt", "input_ids"),
            attention_mask=torch.cat((torch.ones(rows, 3).long(), batch["attention_mask"]), dim=1),
            decoder_inputs_embeds=embed("decoder_prompt", "decoder_input_ids"),
        ).logits
    return vectors | {"prompted": logits[:, 2:]}


def assert_agree(want, got):
    assert want.keys() == got.keys(), want.keys() ^ got.keys()
    for name, tensor in want.items():
        torch.testing.assert_close(got[name], tensor, rtol=1e-4, atol=5e-6, msg=name)


def generate(model, batch, options):
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    # transformers makes a cache for as many layers as the encoder has.
    use_cache = model.config.num_decoder_layers <= model.config.num_layers
    written = model.generate(**inputs, do_sample=False, max_new_tokens=MAX_NEW_TOKENS, use_cache=use_cache, **options)
    ends = eos_ids(model.config)
    texts = []
    for row in written[:, 1:].tolist():
        end = next((i + 1 for i, id in enumerate(row) if id in ends), len(row))
        texts.append(row[:end])
        assert row[end - 1] in ends or end == MAX_NEW_TOKENS, row
    return {"options": options | {"max_new_tokens": MAX_NEW_TOKENS}, "texts": texts}


def check_texts(texts, ends):
    """Refuses texts that would not tell one setting from another."""
    lists = [written["texts"] for written in texts.values()]
    assert len({json.dumps(written) for written in lists}) > 2, lists
    last = {row[-1] in ends for written in lists for row in written}
    assert last == {True, False}, lists


if __name__ == "__main__":
    oracle.main(__doc__, make, HERE)
