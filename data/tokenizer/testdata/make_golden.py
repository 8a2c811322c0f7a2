#!/usr/bin/env python3
"""Write corpus.hashes: what tokenizers 0.23.3 makes of the corpus.

    pip install tokenizers==0.23.3
    python3 make_golden.py MODEL CORPUS > corpus.hashes

MODEL is the folder of all-MiniLM-L6-v2, CORPUS what make_corpus.py writes.
A line of the output is a block of a hundred lines of the corpus, a column a
variant of variants.json: 64 bits of SHA-256 over, for every line, the encoding
of the line alone, that of the pair of the line and the next in its block cut
to 3 + 7 * number % 60 tokens, and the text decoded from the former without
special tokens.
"""
import hashlib
import json
import os
import struct
import sys

import tokenizers

VERSION = "0.23.3"
BLOCK = 100
HERE = os.path.dirname(os.path.abspath(__file__))


def variant(content, changes):
    """tokenizer.json with a variant's changes: see merge in golden_test.go."""
    content = json.loads(json.dumps(content))
    content["truncation"] = content["padding"] = None
    content["normalizer"].update(changes.get("normalizer", {}))
    content["model"].update(changes.get("model", {}))
    content["added_tokens"] += [dict(token, id=0) for token in changes.get("added_tokens", [])]
    content["post_processor"] = changes.get("post_processor", content["post_processor"])
    return tokenizers.Tokenizer.from_str(json.dumps(content))


def variants(content):
    with open(os.path.join(HERE, "variants.json"), encoding="utf-8") as file:
        return {name: variant(content, changes) for name, changes in json.load(file).items()}


def serialize(encoding):
    values = encoding.ids + encoding.type_ids
    return struct.pack("<%dI" % (len(values) + 1), len(encoding.ids), *values)


def encode_pair(tokenizer, first, second, length):
    tokenizer.enable_truncation(length)
    encoding = tokenizer.encode(first, second) if second else tokenizer.encode(first)
    tokenizer.no_truncation()
    return encoding


def block_hash(tokenizer, lines, number):
    digest = hashlib.sha256()
    for i, line in enumerate(lines):
        alone = tokenizer.encode(line)
        length = 3 + (number + i) * 7 % 60
        digest.update(serialize(alone))
        digest.update(serialize(encode_pair(tokenizer, line, lines[(i + 1) % len(lines)], length)))
        digest.update(tokenizer.decode(alone.ids, skip_special_tokens=True).encode("utf-8") + b"\n")
    return digest.hexdigest()[:16]


def main():
    if tokenizers.__version__ != VERSION or len(sys.argv) != 3:
        sys.exit("%s\nfound tokenizers %s" % (__doc__, tokenizers.__version__))
    with open(os.path.join(sys.argv[1], "tokenizer.json"), encoding="utf-8") as file:
        columns = variants(json.load(file))
    with open(sys.argv[2], encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")[:-1]
    print("# tokenizers %s, %d lines: %s" % (VERSION, len(lines), " ".join(columns)))
    for number in range(0, len(lines), BLOCK):
        block = lines[number : number + BLOCK]
        print(" ".join(block_hash(tokenizer, block, number) for tokenizer in columns.values()))


if __name__ == "__main__":
    main()
