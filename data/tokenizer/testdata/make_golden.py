#!/usr/bin/env python3
"""Write KIND.hashes: what tokenizers 0.23.3 makes of the corpus.

    pip install tokenizers==0.23.3 transformers==5.23.0 sentencepiece==0.2.3 protobuf==7.36.2
    python3 make_golden.py wordpiece MODEL CORPUS > wordpiece.hashes
    python3 make_golden.py unigram MODEL CORPUS > unigram.hashes
    python3 make_golden.py bpe merges.txt CORPUS > bpe.hashes

MODEL is a folder with the tokenizer.json of all-MiniLM-L6-v2 or of T5, CORPUS
what make_corpus.py writes, merges.txt what train_bpe.py writes.
A line of the output is a block of a hundred lines of the corpus, a column a
variant of variants.json, or what transformers builds from other files: T5's
spiece.model, RoBERTa's vocab.json and merges.txt. It is 64 bits of SHA-256
over, for every line, the encoding of the line alone and the text decoded from
it without special tokens and with them, and, for every fourth line, the
encoding of the pair of the line and the next in its block cut to
4 + 7 * number % 60 tokens. (tokenizers makes encodings of what it cuts off too,
which takes ten times as long as the rest.)
"""
import hashlib
import json
import os
import shutil
import struct
import sys
import tempfile

import tokenizers

import train_bpe

VERSION = "0.23.3"
BLOCK = 100
PAIR = 4
HERE = os.path.dirname(os.path.abspath(__file__))

# tokenizer_config.json of the files that transformers reads (golden_test.go has the same).
ROBERTA = {
    "tokenizer_class": "RobertaTokenizer",
    "add_prefix_space": True,
    "mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": True},
}


def variant(content, changes):
    """tokenizer.json with a variant's changes (loadVariant of golden_test.go)."""
    content = json.loads(json.dumps(content))
    content["truncation"] = content["padding"] = None
    for section in ("normalizer", "model"):
        if section in changes:
            content[section].update(changes[section])
    if "normalizers" in changes:
        content["normalizer"] = {"type": "Sequence", "normalizers": [content["normalizer"]] + changes["normalizers"]}
    content["added_tokens"] += [dict(token, id=0) for token in changes.get("added_tokens", [])]
    for section in ("pre_tokenizer", "post_processor", "decoder"):
        if section in changes:
            content[section] = changes[section]
    return tokenizers.Tokenizer.from_str(json.dumps(content))


def variants(kind, content):
    with open(os.path.join(HERE, "variants.json"), encoding="utf-8") as file:
        return {name: variant(content, changes) for name, changes in json.load(file)[kind].items()}


def read_json(folder):
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as file:
        return json.load(file)


def byte_level(merges):
    """The tokenizer.json of GPT-2 (bpeFile of golden_test.go)."""
    end = {"id": 0, "content": train_bpe.END, "special": True}
    flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "added_tokens": [dict(end, **flags)],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": level,
        "decoder": level,
        "model": {"type": "BPE", "vocab": train_bpe.vocabulary(merges), "merges": [list(merge) for merge in merges]},
    }


def from_files(tokenizer_class, config, files):
    """What transformers builds of a folder of files, given as name: path or content."""
    with tempfile.TemporaryDirectory() as folder:
        for name, file in files.items():
            if isinstance(file, str):
                shutil.copy(file, os.path.join(folder, name))
            else:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                    json.dump(file, out)
        if config is not None:
            with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as out:
                json.dump(config, out)
        return tokenizer_class.from_pretrained(folder).backend_tokenizer


def columns_of(kind, source):
    if kind == "wordpiece":
        return variants(kind, read_json(source))
    import transformers

    if kind == "unigram":
        columns = variants(kind, read_json(source))
        files = {"spiece.model": os.path.join(source, "spiece.model")}
        columns["spiece"] = from_files(transformers.T5Tokenizer, None, files)
        return columns
    merges = train_bpe.read_merges(source)
    columns = variants(kind, byte_level(merges))
    files = {"vocab.json": train_bpe.vocabulary(merges), "merges.txt": source}
    columns["files"] = from_files(transformers.RobertaTokenizer, ROBERTA, files)
    return columns


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
        digest.update(serialize(alone))
        for skip in (True, False):
            digest.update(tokenizer.decode(alone.ids, skip_special_tokens=skip).encode("utf-8") + b"\n")
        if i % PAIR == 0:
            length = 4 + (number + i) * 7 % 60
            digest.update(serialize(encode_pair(tokenizer, line, lines[(i + 1) % len(lines)], length)))
    return digest.hexdigest()[:16]


def main():
    if tokenizers.__version__ != VERSION or len(sys.argv) != 4 or sys.argv[1] not in ("wordpiece", "unigram", "bpe"):
        sys.exit("%s\nfound tokenizers %s" % (__doc__, tokenizers.__version__))
    columns = columns_of(sys.argv[1], sys.argv[2])
    with open(sys.argv[3], encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")[:-1]
    print("# tokenizers %s, %d lines: %s" % (VERSION, len(lines), " ".join(columns)))
    for number in range(0, len(lines), BLOCK):
        block = lines[number : number + BLOCK]
        print(" ".join(block_hash(tokenizer, block, number) for tokenizer in columns.values()))


if __name__ == "__main__":
    main()
