#!/usr/bin/env python3
"""Write random.json: random small tokenizers and what tokenizers 0.23.3 makes with them.

    pip install tokenizers==0.23.3
    python3 make_random.py > random.json

A line of the file is a tokenizer: its tokenizer.json, the size of
its vocabulary, and cases (first text, second text or "", limit, ids, types,
ids without special tokens, decoded without special tokens, decoded). Texts,
rules and tokens are made of the same few characters, so that everything meets
everything: pieces of equal score, decimal numbers that a float64 cannot hold,
replacements of a part of a grapheme cluster, merges of what is no token of a
text, unknown characters with and without bytes.
"""
import base64
import json
import sys

import tokenizers
from charsmap import charsmap
from make_corpus import Source
from tokenizers import pre_tokenizers

VERSION = "0.23.3"
SEED = 20261124
TOKENIZERS, CASES = 50, 8

CHARS = (
    list("aabbee''st1٣!.,( _▁\n\r\t")
    + ["e\u0301", "é", "\u0301", "  ", "\r\n", "中", "😀", "\u200d", "™", "½", "ﬁ", "\u00a8", "\u1100", "\u1161", "\u11a8", "각"]
    + ["\u0915", "\u094d", "\u0915\u094d\u0915", "\u0903", "\u0600", "\u00ad", "\u0000", "\u200b", "©", "\u3000", "\u007f", "\ufe0f"]
    + ["'re", "<0x61>", "<t>", "<T>", "<unk>", "。"]
)
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
BYTES = sorted(set("".join(CHARS).encode("utf-8")))
ALPHABET = sorted({c for piece, _ in pre_tokenizers.ByteLevel().pre_tokenize_str("".join(CHARS)) for c in piece})
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


class Maker(Source):
    def one_in(self, n):
        return self.below(n) == 0

    def text(self, most):
        return "".join(self.pick(CHARS) for _ in range(self.below(most + 1)))

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def precompiled(self):
        keys = [(self.pick(CHARS) + self.pick(CHARS + [""] * 60)).replace("\0", "") for _ in range(1 + self.below(9))]
        rules = {key: self.text(2).replace("\0", "") for key in keys if key}
        return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(rules or {"a": "b"})).decode()}

    def strip(self):
        return {"type": "Strip", "strip_left": self.one_in(2), "strip_right": self.one_in(2)}

    def replace(self):
        if self.one_in(2):
            return {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": self.pick(["▁", " ", ""])}
        return {"type": "Replace", "pattern": {"String": self.pick([c for c in CHARS if c != "\0"])}, "content": self.text(2)}

    def normalizer(self):
        kind = self.below(10)
        if kind < 2:
            return None
        if kind < 6:
            return self.precompiled()
        parts = [self.pick([self.precompiled, self.strip, self.replace])() for _ in range(1 + self.below(3))]
        return {"type": "Sequence", "normalizers": parts}

    def split(self):
        pattern = self.pick([{"Regex": GPT2}, {"Regex": BLOOM}, {"String": self.pick([" ", "▁", "e", "\r\n", "é"])}])
        return {"type": "Split", "pattern": pattern, "behavior": self.pick(["Isolated", "Removed"]), "invert": self.one_in(2)}

    def metaspace(self):
        part = {
            "type": "Metaspace",
            "replacement": self.pick("▁▁▁_e"),
            "prepend_scheme": self.pick(["always", "first", "first", "never"]),
            "split": not self.one_in(3),
        }
        if self.one_in(3):
            part["add_prefix_space"] = part["prepend_scheme"] != "never"
        return part

    def byte_level(self):
        return dict(BYTE_LEVEL, add_prefix_space=self.one_in(2), use_regex=not self.one_in(3))

    def pre_tokenizer(self):
        parts = []
        for _ in range(self.pick([0, 0, 0, 1, 1, 2])):
            parts.append(self.pick([self.split, lambda: {"type": "WhitespaceSplit"}])())
        if not self.one_in(6):
            parts.append(self.pick([self.metaspace, self.metaspace, self.byte_level])())
        if len(parts) < 2:
            return parts[0] if parts else None
        return {"type": "Sequence", "pretokenizers": parts}

    def score(self):
        digits = "".join(self.pick("0123456789") for _ in range(1 + self.below(24)))
        return self.pick(
            ["-1", "-2", "0", "0.0", "-1.5", "-0.1", "-0.30000000000000004", "3", "1.5E+1", "-12345678901234567890123"]
            + ["-0." + digits, "-1." + digits, "-%de-%d" % (1 + self.below(99), 1 + self.below(4)), "-1.%sE1" % digits]
        )

    def bytes(self):
        return ["<0x%02X>" % byte for byte in BYTES if not self.one_in(20)]

    def unigram(self):
        """As text: a float would lose digits of the scores."""
        pieces = ["<unk>"] + [self.text(3) for _ in range(1 + self.below(40))]
        fallback = self.one_in(4)
        if fallback:
            pieces += self.bytes()
        vocab = ", ".join("[%s, %s]" % (json.dumps(piece), self.score()) for piece in pieces)
        unknown = self.pick([0, 0, 0, self.below(len(pieces))])
        return '{"type": "Unigram", "unk_id": %d, "byte_fallback": %s, "vocab": [%s]}' % (unknown, str(fallback).lower(), vocab)

    def bpe(self, byte_level):
        chars = ALPHABET if byte_level else sorted(set("".join(CHARS)))
        chars = [c for c in chars if not self.one_in(30 if byte_level else 5)]
        tokens, merges = dict.fromkeys(chars), []
        common = [c for c in "aebst1Ġ▁ Ã©ĠÌģ" if c in tokens]
        for _ in range(self.below(60)):
            known = common + list(tokens)[len(chars) :] * 3
            merge = [self.pick(known), self.pick(known)]
            if len("".join(merge)) <= 8:
                tokens["".join(merge)] = None
                merges.append(merge)
        merges = self.shuffled(merges)
        if self.one_in(2) and not any(" " in token for merge in merges for token in merge):
            merges = [" ".join(merge) for merge in merges]
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": ""}
        for option, n in [("fuse_unk", 2), ("byte_fallback", 4), ("ignore_merges", 3)]:
            model[option] = self.one_in(n)
        if model["byte_fallback"]:
            tokens.update(dict.fromkeys(self.bytes()))
        if not self.one_in(3):
            model["unk_token"] = "<unk>"
            tokens["<unk>"] = None
        model["vocab"] = {token: i for i, token in enumerate(self.shuffled(tokens))}
        model["merges"] = merges
        return json.dumps(model)

    def added_tokens(self):
        contents = ["<t>", "<T>", " a ", "é", "e\u0301", "½", "ab", "'s", "\n"]
        flags = ["single_word", "lstrip", "rstrip", "normalized", "special"]
        chosen = dict.fromkeys(self.pick(contents) for _ in range(self.pick([0, 0, 1, 2, 3])))
        return [dict({"id": 0, "content": c}, **{flag: self.one_in(3) for flag in flags}) for c in chosen]

    def post_processor(self):
        a, b, end = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "b", "type_id": 1}}
        template = {
            "type": "TemplateProcessing",
            "single": [a, end],
            "pair": [a, end, b, end],
            "special_tokens": {"b": {"id": "b", "ids": [1], "tokens": ["b"]}},
        }
        ends = {"sep": ["b", 1], "cls": ["a", 0]}
        return self.pick([
            None,
            BYTE_LEVEL,
            dict(ends, type="RobertaProcessing", trim_offsets=True, add_prefix_space=False),
            dict(ends, type="BertProcessing"),
            {"type": "Sequence", "processors": [BYTE_LEVEL, template]},
        ])

    def decoder(self):
        def one():
            return self.pick([
                self.metaspace(), BYTE_LEVEL, {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "WordPiece", "prefix": "a", "cleanup": self.one_in(2)},
            ])

        kind = self.below(10)
        if kind == 0:
            return None
        return one() if kind < 6 else {"type": "Sequence", "decoders": [one() for _ in range(1 + self.below(3))]}

    def tokenizer(self):
        pre_tokenizer = self.pre_tokenizer()
        byte_level = "ByteLevel" in json.dumps(pre_tokenizer)
        model = self.unigram() if self.one_in(5 if byte_level else 2) else self.bpe(byte_level)
        parts = {
            "version": "1.0",
            "added_tokens": self.added_tokens(),
            "normalizer": self.normalizer(),
            "pre_tokenizer": pre_tokenizer,
            "post_processor": self.post_processor(),
            "decoder": self.decoder(),
        }
        return json.dumps(parts, ensure_ascii=False)[:-1] + ', "model": %s}' % model


def case(tokenizer, first, second, limit):
    if limit:
        tokenizer.enable_truncation(limit)
    encoding = tokenizer.encode(first, second) if second else tokenizer.encode(first)
    tokenizer.no_truncation()
    ids = encoding.ids
    plain = tokenizer.encode(first, add_special_tokens=False).ids
    decoded = [tokenizer.decode(ids, skip_special_tokens=skip) for skip in (True, False)]
    return [first, second, limit, ids, encoding.type_ids, plain] + decoded


def empty_pattern(tokenizer, content):
    """Tokenizers that cut a text everywhere, which gopet refuses."""
    normalizer = tokenizer.normalizer
    patterns = [
        normalizer.normalize_str(token["content"]) if normalizer and token["normalized"] else token["content"]
        for token in json.loads(content)["added_tokens"]
    ]
    return "" in patterns or len(set(patterns)) < len(patterns)


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit("%s\nfound tokenizers %s" % (__doc__, tokenizers.__version__))
    maker = Maker(SEED)
    made = 0
    while made < TOKENIZERS:
        content = maker.tokenizer()
        cases = [(maker.text(12), maker.text(7) if maker.one_in(3) else "", maker.pick([0, 0, 5, 9])) for _ in range(CASES)]
        tokenizer = tokenizers.Tokenizer.from_str(content)
        if empty_pattern(tokenizer, content):
            continue
        results = []
        for first, second, limit in cases:
            try:
                results.append(case(tokenizer, first, second, limit))
            except BaseException as error:  # of Rust: no unknown token, or a panic of tokenizers
                if isinstance(error, KeyboardInterrupt):
                    raise
        results = json.dumps(results, ensure_ascii=False, separators=(",", ":"))
        print("[%s,%d,%s]" % (content, tokenizer.get_vocab_size(), results))
        made += 1


if __name__ == "__main__":
    main()
