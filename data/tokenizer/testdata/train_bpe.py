#!/usr/bin/env python3
"""Write merges.txt: the merges of a byte-level BPE tokenizer trained on the corpus.

    pip install tokenizers==0.23.3
    python3 train_bpe.py CORPUS > merges.txt

CORPUS is what make_corpus.py writes. Training is deterministic. The file is
GPT-2's merges.txt, and the vocabulary follows from it: see vocabulary.
"""
import json
import sys

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

VERSION = "0.23.3"
HEADER = "#version: 0.2"
END = "<|endoftext|>"
SIZE = 6000


def vocabulary(merges):
    """The tokens in the order of their ids: the end of a text, the characters
    that bytes are written as, and what merges make (bpeVocab of golden_test.go)."""
    tokens = [END] + sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(merge) for merge in merges]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def read_merges(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")[:-1]
    return [tuple(line.split(" ")) for line in lines if line != HEADER]


def train(lines):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[END],
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def main():
    if tokenizers.__version__ != VERSION or len(sys.argv) != 2:
        sys.exit("%s\nfound tokenizers %s" % (__doc__, tokenizers.__version__))
    with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
        tokenizer = train(file.read().split("\n")[:-1])
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    assert model["vocab"] == vocabulary(merges)
    print("\n".join([HEADER] + [" ".join(merge) for merge in merges]))


if __name__ == "__main__":
    main()
