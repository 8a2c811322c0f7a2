#!/usr/bin/env python3
"""Makes the adapters that hold pet/peft to the adapters package, and their logits.

Needs torch 2.11.0, transformers 4.57.6 and adapters 1.3.0 (in an environment of
its own: peft's goldens need another transformers), and oracle.py of scripts.

    make_adapters.py [--check]

FAMILY/adapters/NAME/: bottlenecks with random values on the bases of
    make_golden.py, as the package saves them
FAMILY/adapters.safetensors: for every adapter
    logits.NAME      what the package computes with it, of the batch in golden.safetensors
    logits.exported.NAME   and with the adapter that gopet exported to
                     exported/FAMILY/NAME (go test -run Exports -update makes those)

With --check everything is made in a temporary folder and compared with the
committed files.
"""

import json
import logging
import pathlib
import sys
import warnings
import zlib

import adapters
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "scripts"))
import oracle  # noqa: E402

LABELS = {0: "low", 1: "middle", 2: "high"}

# As in make_golden.py.
NOISE = {"bert": 0.3, "bare": 0.3, "t5": 0.1}
CONDITION = 2e-6

PAPER = dict(
    mh_adapter=True, output_adapter=True, original_ln_before=True, original_ln_after=False, residual_before_ln=False
)


def bottleneck(**more):
    return adapters.BnConfig(**{"mh_adapter": False, "output_adapter": True, "non_linearity": "gelu_new", **more})


ADAPTERS = {
    "bert": {
        "paper": bottleneck(reduction_factor=16 / 5.5, **PAPER),
        "houlsby": adapters.DoubleSeqBnConfig(reduction_factor=2),
        "pfeiffer": adapters.SeqBnConfig(reduction_factor=4, dropout=0.1),
        "flexible-head": adapters.SeqBnConfig(reduction_factor=8),
    },
    "bare": {
        "flexible-first-token": adapters.SeqBnConfig(reduction_factor=2),
    },
    "t5": {
        "paper": bottleneck(reduction_factor=14 / 3.5, **PAPER),
        "houlsby": adapters.DoubleSeqBnConfig(reduction_factor=7, non_linearity="gelu"),
        "pfeiffer": adapters.SeqBnConfig(reduction_factor=3.5, non_linearity="tanh"),
    },
}


def make(directory):
    for family, configs in ADAPTERS.items():
        (directory / family / "adapters").mkdir(parents=True, exist_ok=True)
        batch = load_batch(family)
        golden = {}
        for name, config in configs.items():
            saved = directory / family / "adapters" / name
            model = make_adapter(family, name, config)
            model.save_adapter(saved, "tuned", use_safetensors=name != "pfeiffer")
            forget_path(saved, family)
            golden["logits." + name] = logits(family, saved, batch)
        for exported in sorted((HERE / "exported" / family).glob("*")):
            if (exported / "adapter.safetensors").exists():
                golden["logits.exported." + exported.name] = logits(family, exported, batch)
        oracle.save_tensors(directory / family / "adapters.safetensors", golden)


def load_batch(family):
    golden = safetensors.torch.load_file(HERE / family / "golden.safetensors")
    names = ["input_ids", "token_type_ids", "attention_mask", "decoder_input_ids"]
    return {name: golden[name] for name in names if name in golden}


def load_base(family, flexible=False):
    """The base with a classifier, as transformers or as the package makes it."""
    if flexible:
        return adapters.BertAdapterModel.from_pretrained(HERE / family)
    if family != "t5":
        model = transformers.BertForSequenceClassification.from_pretrained(HERE / family)
    else:
        model = transformers.T5ForConditionalGeneration.from_pretrained(HERE / family)
    adapters.init(model)
    return model


def make_adapter(family, name, config):
    """A model with an adapter of random values, and a random head where there is one."""
    torch.manual_seed(zlib.crc32(name.encode()))
    model = load_base(family, flexible=name.startswith("flexible"))
    model.add_adapter("tuned", config=config)
    if name.startswith("flexible"):
        pooler = family != "bare"
        model.add_classification_head("tuned", num_labels=3, layers=1, use_pooler=pooler, id2label=LABELS)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if ".adapters." in key or "classifier" in key or key.startswith("heads."):
                parameter.copy_(NOISE[family] * torch.randn(parameter.shape))
    return model


def forget_path(saved, family):
    """The package writes where the base was loaded from."""
    for path in saved.glob("*.json"):
        fields = json.loads(path.read_text())
        fields["model_name"] = family
        path.write_text(json.dumps(fields, indent=2, sort_keys=True))


def logits(family, saved, batch):
    head = json.loads((saved / "head_config.json").read_text()) if (saved / "head_config.json").exists() else {}
    model = load_base(family, flexible=head.get("model_class") == "BertAdapterModel")
    info = {}
    safe = (saved / "adapter.safetensors").exists()
    name = model.load_adapter(str(saved), use_safetensors=safe, loading_info=info)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    model.set_active_adapters(name)
    model.eval()
    with torch.no_grad():
        single, double = model(**batch).logits, model.double()(**batch).logits
    assert (single - double).abs().max() <= CONDITION, f"{saved} is off by {(single - double).abs().max()}"
    return single


if __name__ == "__main__":
    oracle.PINS |= {"transformers": "4.57.6", "adapters": "1.3.0"}
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    oracle.main(__doc__, make, HERE)
