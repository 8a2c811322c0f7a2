"""Writes pickles/: files of torch.save, good and evil, and what is in the good ones.

    python make_pickles.py            writes them
    python make_pickles.py --check    loads the committed ones, and compares with what it would write

Made with torch 2.11.0, safetensors 0.8.0, numpy 2.4.6 and Python 3.11. Two runs differ in bytes: the
legacy format names storages by their addresses.
"""

import argparse
import collections
import functools
import io
import json
import os
import pathlib
import pickle
import sys
import types
import warnings

import numpy
import torch
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore", message=".*quantized.*")
warnings.filterwarnings("ignore", message="Sparse CSR.*")
folder = pathlib.Path(__file__).parent / "pickles"


class Reduced:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


def typed(tensor):
    """The storage that torch.save pickles of a tensor."""
    return torch.storage.TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype, _internal=True)


def everything():
    """A tensor of every kind that must be read; its values are found in row-major order."""
    torch.manual_seed(4)
    values = torch.arange(6).reshape(2, 3)
    matrix = torch.randn(5, 7)
    cube = torch.randn(2, 3, 4)
    tied = torch.randn(3, 2)
    odd_strides = torch.randn(8).as_strided((1, 4, 1), (99, 2, 77))
    parameter = torch.nn.Parameter(torch.randn(2, 2))
    marked = torch.nn.Parameter(torch.randn(2))
    marked.mark = "attribute"
    dtypes = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    tensors = collections.OrderedDict((dtype, (values - 2).to(getattr(torch, dtype))) for dtype in dtypes)
    tensors |= {
        "matrix": matrix,
        "transposed": matrix.t(),
        "rows": matrix[1:3],
        "columns": matrix[:, 2:5],
        "every other": matrix[::2, ::3],
        "one row": matrix[3],
        "one column": matrix[:, 4],
        "one value": matrix[4, 6],
        "permuted": cube.permute(2, 0, 1),
        "part of a cube": cube[:, 1:, 1:3],
        "overlapping": torch.arange(6.0).as_strided((3, 4), (1, 1)),
        "expanded": torch.arange(5.0).expand(3, 5),
        "expanded.bfloat16": torch.arange(3).bfloat16()[:, None].expand(3, 2),
        "odd strides": odd_strides,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "empty of many": matrix[5:, :],
        "tied.first": tied,
        "tied.second": tied,
        "tied.transposed": tied.t(),
        "parameter": parameter,
        "parameter with an attribute": marked,
        "na\u00efve \U0001f40d \"'\\ \x01": torch.ones(1),
        "": torch.zeros(2),
    }
    return tensors


def module():
    """A state_dict with its metadata, which is pickled as the state of the OrderedDict."""
    torch.manual_seed(5)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()


def without_types():
    """Storages without a type, and the oldest way of a tensor."""
    floats = torch.tensor([1.0, -2.0, 3.5, 0.25])
    halves = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).half()
    size = torch.Size((2, 1))
    hooks = collections.OrderedDict()
    return {
        "floats": Reduced(torch._utils._rebuild_tensor_v3, floats.untyped_storage(), 1, size, (2, 1), False, hooks, torch.float32),
        "halves": Reduced(torch._utils._rebuild_tensor_v3, halves.untyped_storage(), 0, (2, 2), (1, 2), False, hooks, torch.float16, {}),
        "bytes": Reduced(torch._utils._rebuild_tensor_v2, torch.tensor([7, 8, 9]).byte().untyped_storage(), 1, (2,), (1,), False, hooks),
        "oldest": Reduced(torch._utils._rebuild_tensor, typed(torch.tensor([5.0, 6.0, 7.0])), 1, (2,), (1,)),
    }


class Python2Pickler(pickle._Pickler):
    """Spells strings as Python 2 spelled its str."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_python2_str(self, text):
        data = text.encode()
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(text)

    dispatch[str] = save_python2_str


python2_pickle = types.ModuleType("python2_pickle")
python2_pickle.Pickler, python2_pickle.dump = Python2Pickler, pickle.dump


def python2():
    """As Python 2 pickled an OrderedDict: called with a list of its pairs."""
    tensors = {"weight": torch.tensor([[1.0, 2.0]]).t(), "bias": torch.tensor([3, 4])}
    return tensors, Reduced(collections.OrderedDict, [[name, tensor] for name, tensor in tensors.items()])


def good():
    """The files that must be read: each file's value, how it is saved, where its golden values are, and these."""
    zipped, legacy = {}, {"_use_new_zipfile_serialization": False}
    tensors = everything()
    for protocol in range(2, 6):
        yield f"zip-{protocol}.bin", tensors, {**zipped, "pickle_protocol": protocol}, "everything", tensors
        yield f"legacy-{protocol}.bin", tensors, {**legacy, "pickle_protocol": protocol}, "everything", tensors
    yield "module.bin", module(), zipped, "module", module()
    yield "module-legacy.bin", module(), legacy, "module", module()
    tensors = torch.load(saved(without_types()), weights_only=True)
    yield "without-types.bin", without_types(), zipped, "without-types", tensors
    tensors, value = python2()
    yield "python2.bin", value, {**legacy, "pickle_module": python2_pickle}, "python2", tensors
    torch.manual_seed(6)
    first = {"a.weight": torch.randn(3, 2), "b.weight": torch.randn(2).double()}
    second = {"c.weight": torch.ones(4).long()}
    yield "sharded/pytorch_model-00001-of-00002.bin", first, zipped, "sharded/first", first
    yield "sharded/pytorch_model-00002-of-00002.bin", second, legacy, "sharded/second", second


INDEX = {
    "metadata": {"total_size": 72},
    "weight_map": {
        "a.weight": "pytorch_model-00001-of-00002.bin",
        "b.weight": "pytorch_model-00001-of-00002.bin",
        "c.weight": "pytorch_model-00002-of-00002.bin",
    },
}


class Plain:
    pass


def evil():
    """The files that must be refused, and what the refusal must name."""
    tensor, hooks = torch.ones(2), collections.OrderedDict()
    storage = typed(tensor)
    system = Reduced(os.system, "touch evil-was-here")
    plain = Plain()
    plain.weight = tensor
    yield "system", system, "posix.system"
    yield "eval", Reduced(eval, "1"), "__builtin__.eval"
    yield "getattr", Reduced(getattr, tensor, "shape"), "__builtin__.getattr"
    yield "partial", functools.partial(os.system, "true"), "functools.partial"
    yield "class", os._Environ, "os._Environ"
    yield "for-a-tensor", {"a": tensor, "weight": system}, "posix.system"
    yield "for-a-key", Reduced(collections.OrderedDict, [[system, tensor]]), "posix.system"
    yield "for-a-shape", {"weight": Reduced(torch._utils._rebuild_tensor_v2, storage, 0, system, (1,), False, hooks)}, "posix.system"
    yield "for-hooks", {"weight": Reduced(torch._utils._rebuild_tensor_v2, storage, 0, (1,), (1,), False, system)}, "posix.system"
    yield "for-an-attribute", {"weight": Reduced(torch._utils._rebuild_parameter_with_state, tensor, True, hooks, {"x": system})}, "posix.system"
    yield "bytes-of-a-pickle", {"weight": Reduced(torch.storage._load_from_bytes, b"x")}, "torch.storage._load_from_bytes"
    yield "from-type", {"weight": Reduced(torch._tensor._rebuild_from_type_v2, os.system, str, ("true",), {})}, "torch._tensor._rebuild_from_type_v2"
    yield "numpy", {"epoch": numpy.float64(1)}, "numpy._core.multiarray.scalar"
    yield "module", torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"
    yield "object", plain, "__main__.Plain"
    yield "complex", {"weight": tensor.to(torch.complex64)}, "torch.ComplexFloatStorage"
    yield "uint16", {"weight": tensor.to(torch.uint16)}, "torch.uint16"
    yield "quantized", {"weight": torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)}, "torch._utils._rebuild_qtensor"
    yield "sparse", {"weight": tensor.to_sparse()}, "torch._utils._rebuild_sparse_tensor"
    yield "negated", {"weight": torch._neg_view(tensor)}, "negated"
    yield "nested", {"state_dict": {"weight": tensor}, "epoch": 3}, '"state_dict" is a dict, not a tensor'
    yield "epoch", {"weight": tensor, "epoch": 3}, '"epoch" is an int, not a tensor'
    yield "a-tensor", tensor, "not a dict"
    yield "numbered", {1: tensor}, "a key is an int"


def saved(value, **how):
    buffer = io.BytesIO()
    torch.save(value, buffer, **how)
    return io.BytesIO(buffer.getvalue())


def big_endian(value, **how):
    """What torch.save writes on a big-endian machine, the bytes of tensors aside."""
    sys.byteorder = "big"
    try:
        return saved(value, **how)
    finally:
        sys.byteorder = "little"


def refused():
    """The files that must be refused, as bytes, and what the refusal must name."""
    for name, value, what in evil():
        yield f"{name}.bin", saved(value).getvalue(), what
    system = {"weight": Reduced(os.system, "true")}
    yield "system-4.bin", saved(system, pickle_protocol=4).getvalue(), "posix.system"
    yield "system-legacy.bin", saved(system, _use_new_zipfile_serialization=False).getvalue(), "posix.system"
    yield "plain-pickle.bin", pickle.dumps(system, protocol=2), "posix.system"
    yield "plain-pickle-0.bin", pickle.dumps(system, protocol=0), "neither a zip archive nor a pickle"
    tensors = {"weight": torch.ones(2)}
    yield "big-endian.bin", big_endian(tensors).getvalue(), 'byte order "big"'
    yield "big-endian-legacy.bin", big_endian(tensors, _use_new_zipfile_serialization=False).getvalue(), "big-endian"
    script = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1)), script)
    yield "torchscript.bin", script.getvalue(), "TorchScript"


def contiguous(tensors):
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def write():
    for sub in (".", "sharded", "refused"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for name, value, how, golden, tensors in good():
        (folder / name).write_bytes(saved(value, **how).getvalue())
        save_file(contiguous(tensors), folder / f"{golden}.safetensors")
        (folder / f"{golden}.safetensors").chmod(0o644)
    (folder / "sharded/pytorch_model.bin.index.json").write_text(json.dumps(INDEX, indent=2) + "\n")
    reasons = {}
    for name, data, what in refused():
        (folder / "refused" / name).write_bytes(data)
        reasons[name] = what
    (folder / "refused.json").write_text(json.dumps(reasons, indent=2, sort_keys=True) + "\n")


def check():
    """Compares the committed files with what would be written: values, strides and storages."""
    for name, value, how, golden, tensors in good():
        # torch's own weights_only knows neither protocol 4 nor the strings of Python 2.
        committed = torch.load(folder / name, weights_only=False)
        fresh = torch.load(saved(value, **how), weights_only=False)
        golden = load_file(folder / f"{golden}.safetensors")
        assert list(committed) == list(fresh) == list(tensors), name
        assert set(golden) == set(tensors), name
        for key, tensor in committed.items():
            assert tensor.dtype == fresh[key].dtype == tensors[key].dtype, (name, key)
            assert tensor.stride() == fresh[key].stride(), (name, key)
            assert torch.equal(tensor, golden[key]) and torch.equal(tensor, tensors[key]), (name, key)
    assert json.loads((folder / "sharded/pytorch_model.bin.index.json").read_text()) == INDEX
    reasons = {name: what for name, _, what in refused()}
    assert json.loads((folder / "refused.json").read_text()) == reasons
    assert sorted(p.name for p in (folder / "refused").iterdir()) == sorted(reasons)


parser = argparse.ArgumentParser()
parser.add_argument("--check", action="store_true")
check() if parser.parse_args().check else write()
