#!/usr/bin/env python3
"""Makes the adapters that hold pet/peft to Hugging Face PEFT, and their logits.

Needs torch 2.11.0, transformers 5.23.0 and peft 0.21.2, and oracle.py of scripts.

    make_golden.py [--check]

bert/, bare/, t5/: config.json and model.safetensors of a random base; bare is a
    BERT without a pooler
FAMILY/peft/NAME/: adapters with random values, as peft saves them
FAMILY/golden.safetensors: a batch, and for every adapter
    logits.NAME      what peft computes with it
    logits.exported.NAME   and with the adapter that gopet exported to
                     exported/FAMILY/NAME (go test -run Exports -update makes those);
                     with biases, what transformers computes

With --check everything is made in a temporary folder and compared with the
committed files.
"""

import json
import pathlib
import sys
import warnings
import zlib

import peft
import safetensors.torch
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "scripts"))
import oracle  # noqa: E402

LABELS = {0: "low", 1: "middle", 2: "high"}

BERT = transformers.BertConfig(
    hidden_size=16,
    num_attention_heads=2,
    num_hidden_layers=2,
    intermediate_size=28,
    vocab_size=59,
    max_position_embeddings=24,
    type_vocab_size=2,
    hidden_act="gelu",
    id2label=LABELS,
    attn_implementation="eager",
)
T5 = transformers.T5Config(
    d_model=14,
    d_kv=6,
    num_heads=3,
    d_ff=22,
    num_layers=2,
    num_decoder_layers=2,
    vocab_size=57,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=16,
    feed_forward_proj="gated-gelu",
    tie_word_embeddings=False,
    decoder_start_token_id=0,
)

# Standard deviation of an adapter's values.
NOISE = {"bert": 0.3, "bare": 0.3, "t5": 0.1}

# What is computed in float64 must agree this well, or goldens would hold rounding.
CONDITION = 2e-6

CLASSIFY, EMBED, TEXT = "SEQ_CLS", "FEATURE_EXTRACTION", "SEQ_2_SEQ_LM"


def lora(task, targets, **more):
    return peft.LoraConfig(task_type=task, target_modules=targets, **more)


def prompt(task, length, **more):
    return peft.PromptTuningConfig(task_type=task, num_virtual_tokens=length, **more)


def shira(task, targets, r, **more):
    return peft.ShiraConfig(task_type=task, target_modules=targets, r=r, **more)


def bert_adapters():
    return {
        "lora-qv": lora(CLASSIFY, ["query", "value"], r=4, lora_alpha=6),
        "lora-all-linear": lora(CLASSIFY, "all-linear", r=3, lora_alpha=5, use_rslora=True),
        "lora-regex": lora(CLASSIFY, r".*\.layer\.1\..*(query|dense)", r=2, lora_alpha=7, lora_dropout=0.1),
        "lora-layers": lora(CLASSIFY, ["key"], r=2, lora_alpha=7, layers_to_transform=[1]),
        "lora-bin": lora(CLASSIFY, ["key"], r=2, lora_alpha=3),
        "lora-embed": lora(EMBED, ["query", "value"], r=2, lora_alpha=3),
        "prompt": prompt(CLASSIFY, 5),
        "shira": shira(CLASSIFY, ["query", "intermediate.dense"], 2, random_seed=11),
        "shira-regex": shira(CLASSIFY, r".*\.1\.attention\.self\.(key|value)", 3, random_seed=12),
    }


def bare_adapters():
    return {"lora-first-token": lora(CLASSIFY, ["query", "value"], r=4, lora_alpha=6)}


def t5_adapters():
    return {
        "lora-qv": lora(TEXT, r".*\.SelfAttention\.(q|v)", r=4, lora_alpha=6),
        "lora-all-linear": lora(TEXT, "all-linear", r=2, lora_alpha=5),
        "lora-list": lora(TEXT, ["q", "wi_1"], r=2, lora_alpha=9, init_lora_weights="gaussian"),
        "prompt": prompt(TEXT, 5, num_transformer_submodules=1),
        "prompt-both-stacks": prompt(TEXT, 4),
        "shira": shira(TEXT, ["q", "v"], 2, random_seed=13),
    }


def make(directory):
    make_family(directory / "bert", BERT, bert_adapters(), bert_batch())
    make_family(directory / "bare", BERT, bare_adapters(), bert_batch())
    make_family(directory / "t5", T5, t5_adapters(), t5_batch())


def make_family(directory, config, adapters, batch):
    directory.mkdir(exist_ok=True)
    save_base(directory, config)
    golden = dict(batch)
    for name, adapter in adapters.items():
        save_adapter(directory, directory / "peft" / name, adapter)
        golden["logits." + name] = logits(directory, directory / "peft" / name, batch)
    exported = HERE / "exported" / directory.name
    for adapter in sorted(exported.glob("*")):
        if (adapter / "bitfit.safetensors").exists():
            golden["logits.exported." + adapter.name] = bitfit_logits(directory, adapter, batch)
        elif json.loads((adapter / "adapter_config.json").read_text()).get("peft_type"):
            golden["logits.exported." + adapter.name] = logits(directory, adapter, batch)
    oracle.save_tensors(directory / "golden.safetensors", golden)


def save_base(directory, config):
    """A base without a head of its own."""
    if config.model_type == "bert":
        tensors = oracle.random_classifier(config, 21).bert.state_dict()
    else:
        model = oracle.random_t5(config, 22)
        with torch.no_grad():  # logits of the size of BERT's; T5 does not scale attention's scores
            for name, parameter in model.named_parameters():
                if name.endswith("Attention.q.weight") or name == "lm_head.weight":
                    parameter.mul_(0.3)
        tensors = oracle.t5_tensors(model)
    oracle.save_config(directory, config)
    if directory.name == "bare":
        tensors = {name: t for name, t in tensors.items() if not name.startswith("pooler.")}
    oracle.save_tensors(directory / "model.safetensors", tensors)


class FirstToken(torch.nn.Module):
    """What gopet has in place of a pooler where the checkpoint has none."""

    def forward(self, hidden):
        return hidden[:, 0]


def load_base(directory, config):
    kind = {
        CLASSIFY: transformers.BertForSequenceClassification,
        EMBED: transformers.BertModel,
        TEXT: transformers.T5ForConditionalGeneration,
    }[config["task_type"]]
    model = kind.from_pretrained(directory).eval()
    if directory.name == "bare" and "pooler" not in (config["modules_to_save"] or []):
        model.bert.pooler = FirstToken()
    return model


def save_adapter(base, directory, config):
    """An adapter with random values, and a random head where there is one."""
    torch.manual_seed(zlib.crc32(directory.name.encode()))
    model = peft.get_peft_model(load_base(base, config.to_dict()), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(NOISE[base.name] * torch.randn(parameter.shape))
    model.peft_config["default"].base_model_name_or_path = base.name
    oracle.save_adapter(directory, model, safe_serialization=not directory.name.endswith("-bin"))


def logits(base, adapter, batch):
    """What peft computes with an adapter: of an embedding one, the last hidden state."""
    config = json.loads((adapter / "adapter_config.json").read_text())
    model = peft.PeftModel.from_pretrained(load_base(base, config), adapter).eval()
    for name, tensor in peft.load_peft_weights(adapter).items():
        zero = tensor.is_floating_point() and not tensor.any()
        assert not zero or name.endswith("pooler.dense.bias"), f"{adapter}: {name} is zero"
    return conditioned(model, adapter, batch)


def bitfit_logits(base, adapter, batch):
    """What transformers computes with biases: in place of its own or, where a
    module has none, added to what it gives."""
    task = CLASSIFY if base.name == "bert" else TEXT
    model = load_base(base, {"task_type": task, "modules_to_save": None})
    biases = safetensors.torch.load_file(adapter / "bitfit.safetensors")
    added = model.load_state_dict(biases, strict=False).unexpected_keys
    for name in added:
        module = model.get_submodule(name.removesuffix(".bias"))
        module.register_buffer("added", biases[name])
        module.register_forward_hook(lambda module, _, output: output + module.added)
    assert len(added) == (0 if base.name == "bert" else len(biases))
    return conditioned(model, adapter, batch)


def conditioned(model, adapter, batch):
    single, double = outputs(model, batch), outputs(model.double(), batch)
    assert (single - double).abs().max() <= CONDITION, f"{adapter} is off by {(single - double).abs().max()}"
    return single


def outputs(model, batch):
    with torch.no_grad():
        output = model(**batch)
    if "logits" in output:
        return output.logits
    return output.last_hidden_state * batch["attention_mask"].unsqueeze(2)


def bert_batch():
    ids = torch.tensor([[2, 17, 31, 44, 3, 20, 8, 3], [2, 50, 5, 9, 3, 0, 0, 0], [2, 7, 3, 41, 42, 43, 3, 0]])
    types = torch.tensor([[0, 0, 0, 0, 0, 1, 1, 1], [0] * 8, [0, 0, 0, 1, 1, 1, 1, 0]])
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": (ids != 0).long()}


def t5_batch():
    ids = torch.tensor([[17, 31, 44, 3, 20, 8, 1], [50, 5, 9, 1, 0, 0, 0]])
    decoder = torch.tensor([[0, 12, 30, 6], [0, 55, 2, 29]])
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "decoder_input_ids": decoder}


if __name__ == "__main__":
    oracle.PINS |= oracle.PEFT_PIN
    warnings.simplefilter("ignore")
    oracle.main(__doc__, make, HERE)
