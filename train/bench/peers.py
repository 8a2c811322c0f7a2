"""Training steps as one writes them with Hugging Face's libraries, for a benchmark.

Reads a job, a line of JSON, answers with what it is ready for, and then makes a
step for every line that asks for one. The rows, and what training starts from, are
in files that gopet's workers wrote. Everything that may be done before the steps is:
batches are padded tensors, the optimizer is PyTorch's fused one, gradients are set
to None, dropout is off.
"""

import ctypes
import gc
import json
import sys
import time

import torch
import transformers
from safetensors.torch import load_file
from transformers.activations import ACT2FN

POSITIONS = ".positions"  # the end of the name of a mask's flat positions
CLIP = 1.0  # transformers' default, and gopet's


# Models.


class FirstToken(torch.nn.Module):
    """What stands for the pooler of a checkpoint that has none."""

    def forward(self, hidden):
        return hidden[:, 0]


def load_model(job, start):
    options = {"dtype": getattr(torch, job["dtype"]), "attn_implementation": "sdpa"}
    config = transformers.AutoConfig.from_pretrained(job["model"])
    if config.model_type == "t5":
        model = transformers.T5ForConditionalGeneration.from_pretrained(job["model"], dropout_rate=0.0, **options)
        return model.to(job["device"]).requires_grad_(False).train()
    model, loading = transformers.AutoModelForSequenceClassification.from_pretrained(
        job["model"],
        num_labels=len(start["classifier.bias"]),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        classifier_dropout=0.0,
        output_loading_info=True,
        **options,
    )
    if any("pooler" in name for name in loading["missing_keys"]):
        model.bert.pooler = FirstToken()
    fill(model, {name: start[name] for name in ("classifier.weight", "classifier.bias")})
    return model.to(job["device"]).requires_grad_(False).train()


def fill(model, tensors):
    with torch.no_grad():
        for name, tensor in tensors.items():
            model.get_parameter(name).copy_(tensor)


def is_t5(model):
    return model.config.model_type == "t5"


# Methods: each changes the model, lets its own parameters learn, and returns the model to call.


def full(model, start, options):
    return model.requires_grad_(True)


def bitfit(model, start, options):
    """All biases; T5 is given them."""
    if is_t5(model):
        add_biases(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith(".bias") or name.startswith("classifier."))
    return model


def add_biases(model):
    """Biases of a T5, which has none, where the paper's code adds them: to
    self-attention, the feed-forward blocks, the norms and the head."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "EncDecAttention" not in name:
            module.bias = torch.nn.Parameter(module.weight.new_zeros(module.out_features))
        elif name.endswith("layer_norm"):
            module.bias = torch.nn.Parameter(torch.zeros_like(module.weight))
            module.register_forward_hook(lambda norm, _, output: output + norm.bias)


def adapter(model, start, options):
    width = next(len(tensor) for name, tensor in start.items() if name.endswith("adapter_down.bias"))
    add_bottlenecks(model, width)
    names = [name for name, _ in model.named_parameters() if ".adapter_" in name]
    fill(model, {name: start[name] for name in names})
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in names or name.startswith("classifier."))
    return model


def add_bottlenecks(model, width):
    """Bottlenecks (Houlsby et al., 2019) where the paper's code has them: in the
    residual stream, behind self-attention and behind the feed-forward block."""
    dim = model.config.hidden_size
    for name, module in list(model.named_modules()):
        if hasattr(module, "SelfAttention") or hasattr(module, "DenseReluDense") or name.endswith(".output"):
            module.adapter_down = torch.nn.Linear(dim, width, dtype=model.dtype)
            module.adapter_up = torch.nn.Linear(width, dim, dtype=model.dtype)
            module.register_forward_hook(through_bottleneck)


def through_bottleneck(module, _, output):
    x, *others = output if isinstance(output, tuple) else [output]
    x = x + module.adapter_up(ACT2FN["gelu_new"](module.adapter_down(x)))
    return (x, *others) if isinstance(output, tuple) else x


def lora(model, start, options):
    end = ".lora_A.weight"
    modules = {name.removesuffix(end): tensor for name, tensor in start.items() if name.endswith(end)}
    rank = len(next(iter(modules.values())))
    model = wrap(model, "LoraConfig", r=rank, lora_alpha=options["Alpha"] or 16, target_modules=list(modules))
    for name in modules:
        for half in ("lora_A", "lora_B"):
            fill(model, {f"base_model.model.{name}.{half}.default.weight": start[f"{name}.{half}.weight"]})
    return model


def shira(model, start, options):
    """peft's SHiRA with any number of entries a layer, where its own masks have a multiple
    of in + out: the entries are those of gopet, and the deltas begin at zero."""
    end = ".weight" + POSITIONS
    modules = {name.removesuffix(end): index for name, index in start.items() if name.endswith(end) and len(index)}
    model = wrap(model, "ShiraConfig", r=1, target_modules=list(modules))
    for name, index in modules.items():
        layer = model.base_model.model.get_submodule(name)
        columns = layer.in_features
        layer.shira_indices["default"] = torch.stack([index // columns, index % columns]).int().to(layer.weight.device)
        layer.shira_weight["default"] = torch.nn.Parameter(torch.zeros(len(index)))
    return model


def prompt(model, start, options):
    vectors = start["prompt_embeddings"]
    more = {"num_transformer_submodules": 1} if is_t5(model) else {}
    model = wrap(model, "PromptTuningConfig", num_virtual_tokens=len(vectors), **more)
    fill(model, {"prompt_encoder.default.embedding.weight": vectors})
    return model


def wrap(model, config, **options):
    import peft

    task = peft.TaskType.SEQ_2_SEQ_LM if is_t5(model) else peft.TaskType.SEQ_CLS
    return peft.get_peft_model(model, getattr(peft, config)(task_type=task, **options))


METHODS = {
    "full": full,
    "bitfit": bitfit,
    "adapter": adapter,
    "lora": lora,
    "apet-discrete": shira,
    "apet-adjacent": shira,
    "prompt": prompt,
}


# Batches.


def read_batches(job, model):
    with open(job["batch_file"]) as file:
        content = json.load(file)
    rows = content["grouped" if job["grouped"] else "batches"]
    made = [collate(batch, content["pad_id"], is_t5(model)) for batch in rows]
    return [{name: tensor.to(job["device"]) for name, tensor in batch.items()} for batch in made]


def collate(batch, pad_id, text_to_text):
    """A rectangle as long as the longest row, as transformers' collators make it; full
    rows go without a mask."""
    made = {"input_ids": rectangle(batch["ids"], pad_id)}
    lengths = torch.tensor([len(row) for row in batch["ids"]])
    if lengths.min() < lengths.max():
        made["attention_mask"] = (torch.arange(lengths.max()) < lengths[:, None]).long()
    if text_to_text:
        return made | {"labels": rectangle(batch["targets"], -100)}
    return made | {"token_type_ids": rectangle(batch["types"], 0), "labels": torch.tensor(batch["labels"])}


def rectangle(rows, fill):
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def size_of(batch):
    rows, length = batch["input_ids"].shape
    tokens = int(batch["attention_mask"].sum()) if "attention_mask" in batch else rows * length
    if batch["labels"].dim() > 1:
        tokens += int((batch["labels"] >= 0).sum())
    return {"rows": rows, "tokens": tokens}


# Steps.


class Floor:
    """Forward, loss and activation gradient down to the embedding output."""

    def __init__(self, model, batches):
        self.model, self.batches = model, batches

    def trainable(self):
        return {"trainable": 0, "head": 0}

    def step(self, batch, lr):
        inputs = dict(self.batches[batch])
        ids = inputs.pop("input_ids")
        if is_t5(self.model):
            with torch.no_grad():
                inputs["inputs_embeds"] = self.model.shared(ids)
            inputs["inputs_embeds"].requires_grad_(True)
            loss = self.model(**inputs).loss
        else:
            loss = self.classify(ids, **inputs)
        loss.backward()
        return loss.item()

    def classify(self, ids, labels, **inputs):
        """BertForSequenceClassification.forward, cut behind the embeddings."""
        bert, hook = self.model.bert, self.model.bert.embeddings.register_forward_hook
        handle = hook(lambda *arguments: arguments[-1].detach().requires_grad_(True))
        try:
            return self.model(input_ids=ids, labels=labels, **inputs).loss
        finally:
            handle.remove()


class Training:
    """A whole step: forward, loss, backward, clipping, optimizer."""

    def __init__(self, model, batches, compiled):
        self.model, self.batches = model, batches
        self.call = torch.compile(model) if compiled else model
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.0, weight_decay=0.0, fused=True)

    def trainable(self):
        named = [(name, p.numel()) for name, p in self.model.named_parameters() if p.requires_grad]
        head = sum(size for name, size in named if "classifier" in name)
        return {"trainable": sum(size for _, size in named) - head, "head": head}

    def step(self, batch, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.call(**self.batches[batch]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        return loss.item()


# Memory.


def process_status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


class ResidentMemory:
    """That of the process. The high-water mark counts from when loading is done and what it left is
    given back."""

    def __init__(self):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        self.remarks = []
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            self.remarks = ["the high-water mark of memory could not be reset: peaks include loading"]
        self.loaded = process_status("VmRSS")

    def peak(self):
        return process_status("VmHWM")

    def synchronize(self):
        pass


class DeviceMemory:
    """What PyTorch's allocator has given out on a GPU."""

    remarks = []

    def __init__(self, device):
        gc.collect()
        self.device = device
        torch.cuda.reset_peak_memory_stats(device)
        self.loaded = torch.cuda.memory_allocated(device)

    def peak(self):
        return torch.cuda.max_memory_allocated(self.device)

    def synchronize(self):
        torch.cuda.synchronize(self.device)


# The worker.


def answer(**fields):
    print(json.dumps(fields), flush=True)


def versions():
    found = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
    if "peft" in sys.modules:
        found["peft"] = sys.modules["peft"].__version__
    return found


def main():
    job = json.loads(sys.stdin.readline())
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    start = load_file(job["start_file"])
    model = load_model(job, start)
    batches = read_batches(job, model)
    if job["contender"] != "floor":
        import peft  # noqa: F401  what it takes is no part of a method's memory
    memory = DeviceMemory(job["device"]) if job["device"].startswith("cuda") else ResidentMemory()
    if job["contender"] == "floor":
        contender = Floor(model, batches)
    else:
        model = METHODS[job["contender"]](model, start, job["tuning"])
        contender = Training(model.to(job["device"]), batches, job["compiled"])
    del start
    answer(
        **contender.trainable(),
        threads=torch.get_num_threads(),
        batches=[size_of(batch) for batch in batches],
        versions=versions(),
        remarks=memory.remarks,
    )
    for line in sys.stdin:
        request = json.loads(line)
        begin = time.perf_counter()
        loss = contender.step(request["batch"], request["lr"])
        memory.synchronize()
        seconds = time.perf_counter() - begin
        answer(seconds=seconds, loss=loss, peak_bytes=max(memory.peak() - memory.loaded, 0))


if __name__ == "__main__":
    main()
