"""Makes the golden files that hold models/convert to torch and transformers.

    python make_golden.py                  writes them
    python make_golden.py --check          makes them again elsewhere and compares
    python make_golden.py --gopet GOPET    converts the committed checkpoints with that command, loads
                                           the results with transformers and compares the logits

Made with torch 2.11.0, transformers 5.23.0 and safetensors 0.8.0.

    dtypes.safetensors   FROM, and FROM.TO, as torch converts it
    NAME/                a checkpoint as torch.save writes it: pytorch_model.bin, config.json
    NAME/index.json      the index of the shards that transformers saves of that model
    expected.json        SHA-256 of all that transformers saves of it: keep, shards, float16, bfloat16
"""

import argparse
import copy
import filecmp
import hashlib
import json
import math
import pathlib
import subprocess
import tempfile

import torch
import transformers
from safetensors.torch import save_file

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
here = pathlib.Path(__file__).parent
DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
SHARD = 6000  # bytes


def conversions():
    """Values that are hard to round, none of them beyond float16."""
    generator = torch.Generator().manual_seed(1)
    bits = torch.randint(0, 2**16, (200,), generator=generator, dtype=torch.int32).to(torch.uint16)
    halves = bits.view(torch.float16).double()
    exponents = torch.randint(-30, 15, (200,), generator=generator)
    random = torch.randn(200, generator=generator, dtype=torch.double).clamp(-1.9, 1.9) * 2.0**exponents
    ties = torch.tensor([1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-11 + 2.0**-30])
    small = torch.tensor([2.0**-14, 2.0**-15, 2.0**-24, 2.0**-25, 3 * 2.0**-25, 2.0**-26, 1e-40, 1e-45, 1e-300])
    large = torch.tensor([65504.0, 65519.0, 65519.996])
    special = torch.tensor([0.0, math.inf])
    values = torch.cat([halves[~halves.isnan()], random, *(x.double() for x in (ties, small, large, special))])
    values = torch.cat([values, -values])
    tensors = {}
    for name, dtype in DTYPES.items():
        source = values.to(dtype)
        source = source[(source.double().abs() < 65520) | values.isinf()]  # bfloat16 rounds 65519 up
        tensors[name] = source
        for to in ("float32", "float16", "bfloat16"):
            tensors[f"{name}.{to}"] = source.to(DTYPES[to], copy=True)
    return tensors


def t5(**more):
    return transformers.T5Config(
        vocab_size=41, d_model=12, d_kv=5, d_ff=19, num_layers=1, num_heads=3, decoder_start_token_id=0, **more
    )


def models():
    """Random models, by name."""
    torch.manual_seed(2)
    yield "t5", transformers.T5ForConditionalGeneration(t5())
    untied = transformers.T5ForConditionalGeneration(t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False))
    untied.lm_head.weight = torch.nn.Parameter(torch.randn_like(untied.lm_head.weight))  # a new model's is tied even so
    yield "t5-untied", untied
    bert = transformers.BertConfig(
        vocab_size=43, hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=17,
        max_position_embeddings=11,
    )  # fmt: skip
    yield "bert", transformers.BertForMaskedLM(bert)


def logits(model):
    ids = torch.arange(10).reshape(2, 5) + 3
    more = {"decoder_input_ids": ids[:, :3]} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        return model.eval()(input_ids=ids, **more).logits


# How config.json names the type of the weights: before transformers 5, since then, not at all.
TYPE_FIELDS = {"t5": "torch_dtype", "bert": "dtype", "t5-untied": None}


def write_config(config, name, path):
    fields = config.to_diff_dict()
    fields.pop("dtype", None)
    if TYPE_FIELDS[name]:
        fields[TYPE_FIELDS[name]] = "float32"
    path.write_text(json.dumps(fields, indent=2) + "\n")


def write(folder):
    save_file(conversions(), folder / "dtypes.safetensors")
    hashes = {}
    for name, model in models():
        (folder / name).mkdir(exist_ok=True)
        write_config(model.config, name, folder / name / "config.json")
        torch.save(model.state_dict(), folder / name / "pytorch_model.bin")
        for how in ("keep", "shards", "float16", "bfloat16"):
            with tempfile.TemporaryDirectory() as saved:
                saved = pathlib.Path(saved)
                copy_of_model = copy.deepcopy(model).to(DTYPES.get(how, torch.float32))
                copy_of_model.save_pretrained(saved, max_shard_size=SHARD if how == "shards" else "5GB")
                for path in saved.glob("*.safetensors"):
                    hashes[f"{name}/{how}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
                if how == "shards":
                    (folder / name / "index.json").write_bytes((saved / "model.safetensors.index.json").read_bytes())
    (folder / "expected.json").write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n")
    (folder / "dtypes.safetensors").chmod(0o644)


def check():
    with tempfile.TemporaryDirectory() as fresh:
        fresh = pathlib.Path(fresh)
        write(fresh)
        files = sorted(p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file())
        committed = sorted(p.relative_to(here) for p in here.rglob("*") if p.is_file() and p.suffix != ".py")
        assert files == committed, set(files) ^ set(committed)
        _, different, errors = filecmp.cmpfiles(fresh, here, files, shallow=False)
        assert not different + errors, different + errors


def load_converted(gopet):
    for name, model in models():
        for flags in ([], ["--shard-size", str(SHARD)], ["--dtype", "float32"], ["--dtype", "bfloat16"]):
            want = copy.deepcopy(model).to(DTYPES[flags[1]] if "--dtype" in flags else torch.float32)
            with tempfile.TemporaryDirectory() as out:
                out = pathlib.Path(out) / "out"
                subprocess.run([gopet, "convert", "--in", here / name, "--out", out, *flags], check=True, capture_output=True)
                got, report = type(model).from_pretrained(out, output_loading_info=True)
            assert not any(report[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), (name, flags, report)
            assert got.dtype == want.dtype and torch.equal(logits(got), logits(want)), (name, flags)
            print("transformers loads", name, *flags, "and computes the same logits")


parser = argparse.ArgumentParser()
parser.add_argument("--check", action="store_true")
parser.add_argument("--gopet")
arguments = parser.parse_args()
if arguments.gopet:
    load_converted(arguments.gopet)
elif arguments.check:
    check()
else:
    write(here)
