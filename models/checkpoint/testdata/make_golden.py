"""Writes golden.safetensors, which the Go tests read and write again byte for byte.

Made with safetensors 0.8.0 and torch 2.11.0:
    pip install safetensors==0.8.0 torch==2.11.0 && python make_golden.py
"""

import pathlib

import torch
from safetensors.torch import save_file

values = torch.arange(6).reshape(2, 3)
tensors = {
    "b.float32": values.to(torch.float32) / 4,
    "a.float32": -values.to(torch.float32),
    "float64": values.to(torch.float64) / 3,
    "float16": values.to(torch.float16),
    "bfloat16": values.to(torch.bfloat16),
    "int64": values - 2**40,
    "int32": values.to(torch.int32) - 7,
    "int16": values.to(torch.int16) - 7,
    "int8": values.to(torch.int8) - 7,
    "uint8": values.to(torch.uint8) + 200,
    "bool": values % 2 == 0,
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    'odd "name" <\\> \u00e9 \u4e2d \t\x01': torch.zeros(1),
}
save_file(tensors, pathlib.Path(__file__).parent / "golden.safetensors", metadata={"format": "pt"})
