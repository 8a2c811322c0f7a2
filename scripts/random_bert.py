#!/usr/bin/env python3
"""Writes a BERT of random weights, of base's shape unless told otherwise, for trials and benchmarks.

    random_bert.py OUT TOKENIZER [NAME=NUMBER]...

OUT is the folder to make, TOKENIZER one whose tokenizer's files are copied, and NAME a size of
transformers' BertConfig, such as num_hidden_layers.
"""

import pathlib
import shutil
import sys

import torch
import transformers

out, tokenizer, *sizes = sys.argv[1:]
out = pathlib.Path(out)
if out.exists():
    sys.exit(f"random_bert: {out} already exists")
torch.manual_seed(1)
config = transformers.BertConfig(**{name: int(number) for name, number in (size.split("=") for size in sizes)})
transformers.BertModel(config).save_pretrained(out)
for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
    if (file := pathlib.Path(tokenizer) / name).exists():
        shutil.copy(file, out)
