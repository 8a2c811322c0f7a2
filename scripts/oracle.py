"""What golden scripts share: pins, random weights, files, comparison.

The goldens come from transformers and peft on PyTorch, at the versions pinned here.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import safetensors.torch
import torch
import transformers

PINS = {"torch": "2.11.0", "transformers": "5.23.0"}
PEFT_PIN = {"peft": "0.21.2"}  # for the scripts that import it

# Floats of a re-made golden may differ from the committed ones by this much
# of max(1, largest magnitude): another CPU sums in another order.
TOLERANCE = 5e-6


def require_pins():
    """Stops with one line where the installed versions are not the pinned ones."""
    for name, wanted in PINS.items():
        found = sys.modules[name].__version__.split("+")[0]
        if found != wanted:
            sys.exit(f"{name} {found} found, {wanted} needed")


def random_classifier(config, seed):
    """A BertForSequenceClassification in which every parameter matters.

    The default initialisation has zero biases and unit LayerNorms, which
    would hide a parameter that is read wrongly.
    """
    torch.manual_seed(seed)
    model = transformers.BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            if name.endswith("LayerNorm.weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif "embeddings" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(0.15 * noise)
    return model


def random_t5(config, seed):
    """A T5ForConditionalGeneration in which every parameter matters. Like T5
    v1.1 it has a head of its own where the config does not tie the embeddings."""
    torch.manual_seed(seed)
    model = transformers.T5ForConditionalGeneration(config).eval()
    if not config.scale_decoder_outputs:
        model.lm_head.weight = torch.nn.Parameter(torch.empty(config.vocab_size, config.d_model))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            parameter.copy_(1 + 0.2 * noise if "layer_norm" in name else 0.3 * noise)
    return model


def t5_tensors(model):
    """What a T5 checkpoint holds: each tensor under one name."""
    tied = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]
    if model.config.scale_decoder_outputs:
        tied.append("lm_head.weight")
    return {name: tensor for name, tensor in model.state_dict().items() if name not in tied}


def save_tensors(path, tensors):
    """Writes one safetensors file whose metadata states the pins."""
    tensors = {name: t.detach().clone().contiguous() for name, t in tensors.items()}
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt", **PINS})


def save_config(directory, config):
    """Writes config.json without what depends on the version of transformers."""
    fields = config.to_diff_dict() | {"model_type": config.model_type}
    if config.model_type == "t5":  # transformers 5 says by another field what checkpoints say by this one
        fields["tie_word_embeddings"] = config.scale_decoder_outputs
    for name in ("transformers_version", "dtype", "scale_decoder_outputs"):
        fields.pop(name, None)
    fields = {name: value for name, value in fields.items() if value is not None}
    text = json.dumps(fields, indent=2, sort_keys=True)
    (directory / "config.json").write_text(text + "\n")


def save_adapter(directory, model, **options):
    """Writes what peft saves of its model, but for the order of the targets, a
    set that it writes otherwise from run to run."""
    model.save_pretrained(directory, **options)
    (directory / "README.md").unlink()
    path = directory / "adapter_config.json"
    fields = json.loads(path.read_text())
    assert not str(fields["base_model_name_or_path"]).startswith("/"), "a path of this machine"
    if isinstance(fields.get("target_modules"), list):
        fields["target_modules"].sort()
    path.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n")


def main(doc, make, committed, checkpoints=(), settled=lambda name: True):
    """The command line of a golden script, --check and the checkpoints that it can read:
    make is called with a folder and, where there are any, NAME -> DIR of those given."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if checkpoints:
        parser.add_argument("--checkpoint", action="append", default=[], metavar="NAME=DIR")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if not checkpoints:
        run(make, committed, arguments.check, settled)
        return
    given = dict(item.split("=", 1) for item in arguments.checkpoint)
    if unknown := given.keys() - checkpoints:
        parser.error(f"no golden comes from {sorted(unknown)}, only from {checkpoints}")
    for name in checkpoints:
        if name not in given:
            print(f"{name} left out: no --checkpoint {name}=DIR", file=sys.stderr)
    run(lambda directory: make(directory, given), committed, arguments.check, settled)


def run(make, committed, check, settled=lambda name: True):
    """Makes the goldens in place or, with check, beside them and compares.

    Tensors that are not settled hold nothing but rounding; of those the shape
    is compared.
    """
    require_pins()
    torch.set_num_threads(1)
    if not check:
        make(committed)
        return
    with tempfile.TemporaryDirectory() as scratch:
        fresh = pathlib.Path(scratch)
        make(fresh)
        differences = compare_trees(fresh, committed, settled)
    for line in differences:
        print(line, file=sys.stderr)
    if differences:
        sys.exit(1)
    print(f"goldens re-made, no difference above {TOLERANCE:g}")


def compare_trees(fresh, committed, settled):
    """One line for each file of fresh that differs from the committed one."""
    differences = []
    for path in sorted(p for p in fresh.rglob("*") if p.is_file()):
        name = path.relative_to(fresh)
        other = committed / name
        if not other.exists():
            differences.append(f"{name}: not committed")
        elif path.suffix in (".safetensors", ".bin"):
            differences += compare_tensors(name, path, other, settled)
        else:
            got, want = json.loads(path.read_text()), json.loads(other.read_text())
            differences += compare_json(str(name), got, want)
    return differences


def compare_tensors(name, fresh, committed, settled):
    read = safetensors.torch.load_file if fresh.suffix == ".safetensors" else torch.load
    got, want = read(fresh), read(committed)
    if got.keys() != want.keys():
        return [f"{name}: tensors {sorted(got.keys() ^ want.keys())} in one file only"]
    return [
        f"{name}: {key} differs"
        for key in got
        if got[key].shape != want[key].shape
        or got[key].dtype != want[key].dtype
        or (settled(key) and not close(got[key], want[key]))
    ]


def close(got, want):
    if not want.is_floating_point():
        return torch.equal(got, want)
    got, want = got.double(), want.double()
    scale = max(1.0, want.abs().max().item())
    return (got - want).abs().max().item() <= TOLERANCE * scale


def compare_json(where, got, want):
    if isinstance(got, dict) and isinstance(want, dict) and got.keys() == want.keys():
        pairs = [(key, got[key], want[key]) for key in got]
    elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        pairs = [(i, *pair) for i, pair in enumerate(zip(got, want))]
    elif isinstance(got, float) and isinstance(want, float):
        same = abs(got - want) <= TOLERANCE * max(1.0, abs(want))
        return [] if same else [f"{where}: {got} is not {want}"]
    else:
        return [] if got == want else [f"{where}: {got} is not {want}"]
    return [line for key, g, w in pairs for line in compare_json(f"{where}:{key}", g, w)]
