#!/usr/bin/env python3
"""Write cases.json: small tokenizers and what tokenizers 0.23.3 makes with them.

    pip install tokenizers==0.23.3
    python3 make_cases.py > cases.json

The file holds tokenizer.json files by name; for each the size of its
vocabulary, the tokens of some ids and cases (first text, second text or "",
ids, types, decoded, decoded without special tokens); and the lengths that
longest_first leaves of pairs (first, second, limit, first left, second left),
and the scores that tokenizers reads in a Unigram model (text, hexadecimal).
"""
import copy
import json
import sys

import tokenizers

VERSION = "0.23.3"
if tokenizers.__version__ != VERSION:
    sys.exit("need tokenizers %s, found %s" % (VERSION, tokenizers.__version__))

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
VOCAB = (
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    + list(LETTERS)
    + ["##" + c for c in LETTERS]
    + list(".,!?'-#[]<>@_")
    + ["the", "un", "##believ", "##able", "new", "##line", "do", "not", "n't", "'s", "##", "Paris", "P", "É", "É", "été"]
    + ["中", "文", "##文", "å", "ß", "σ", "ς", "##ς", "Σ", "и", "й", "##й", "ᄒ", "##ᅡ", "##ᆫ", "한", "i̇", "\u0301", "\ufffd"]
)

BASE = {
    "version": "1.0",
    "truncation": {"max_length": 5, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
    "padding": None,
    "added_tokens": [
        {"id": i, "content": VOCAB[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i in range(5)
    ],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
        ],
        "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
        },
    },
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": {token: i for i, token in enumerate(dict.fromkeys(VOCAB))},
    },
}

TEXTS = [
    "", " ", "the new line", "Unbelievable!", "don't do not, Paris's", "a . b ? c ! d ' e n't", "x" * 100, "x" * 101, "abcdefgh",
    "[CLS] the [SEP]", "[MASK][MASK] [mask] [MASK", "##able un##able", "中文 a中b文", "한 \u1112\u1161\u11ab", "Été ÉTÉ E\u0301", "İI ıi",
    "ΣΑΣ σς", "Й и\u0306 й", "a\u0000b\ufffdc\u200bd\u00ade\tf\rg\nh", "a\u0085b\u00a0c\u3000d\u2028e", "ﬁ Å \u212b ß ẞ", "a_b-c—d«e»f¿", "$5+5=10^`~|",
    "\U0001f600 a\U0001f600b \U00020000", "\u0301a\u0301", "a\u302e\u1b44\u0301b \U0001d15e\U0001d165", "q\u0323\u0307 q\u0307\u0323", "\uf900\u2f800",
    "<a> b<a>", "x <a>  y", "  <b> y", "x<c>", "<c>", "_<c> <c>\u0301 -<c>-", "<d><D>  <d> z", "new line", "newline New Line", "ÉTÉ!", "<aa> <a",
    "<n1> <N1> x<n1>y",
]
PAIRS = [("the", "new line"), ("[SEP]", " "), ("un<a> x", "<b>"), ("中", "a b c d e")]


def added(content, **flags):
    token = {"id": 0, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    token.update(flags)
    return token


def changed(**parts):
    content = copy.deepcopy(BASE)
    for name, part in parts.items():
        if isinstance(part, dict) and content[name] is not None:
            content[name].update(part)
        elif isinstance(part, list):
            content[name] += part
        else:
            content[name] = part
    return content


FILES = {
    "bert": BASE,
    "cased": changed(normalizer={"lowercase": False, "strip_accents": False}),
    "accents": changed(normalizer={"strip_accents": False}, model={"max_input_chars_per_word": 3}),
    "stripped": changed(normalizer={"strip_accents": True, "lowercase": False, "clean_text": False, "handle_chinese_chars": False}),
    "plain": changed(normalizer=None, post_processor=None, decoder=None),
    "pieces": changed(model={"continuing_subword_prefix": "", "unk_token": "[MASK]"}, decoder={"cleanup": False}),
    "added": changed(
        added_tokens=[
            added("<a>", lstrip=True), added("<b>", rstrip=True), added("<c>", single_word=True), added("<d>", normalized=True, lstrip=True, rstrip=True),
            added("new", special=True, single_word=True), added("new line", normalized=True), added("Été", normalized=True, special=True),
            added("<aa>"), added(""), added("<n1>"), added("<n1>", normalized=True, special=True), added("中", normalized=True),
        ],
        post_processor={
            "single": [{"SpecialToken": {"id": "[SEP]", "type_id": 3}}, {"Sequence": {"id": "A", "type_id": 2}}, {"Sequence": {"id": "A", "type_id": 1}}],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2, 4], "tokens": ["[CLS]", "[MASK]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
    ),
}
FILES["processing"] = changed()
FILES["processing"]["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
del FILES["processing"]["model"]["type"]


def cases(content):
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(content))
    tokenizer.no_truncation()
    found = []
    for first, second in [(text, "") for text in TEXTS] + PAIRS:
        e = tokenizer.encode(first, second) if second else tokenizer.encode(first)
        found.append(
            [first, second, e.ids, e.type_ids, tokenizer.decode(e.ids, skip_special_tokens=False), tokenizer.decode(e.ids)]
        )
    size = tokenizer.get_vocab_size()
    return {"size": size, "tokens": [tokenizer.id_to_token(i) for i in range(size - 12, size + 1)], "cases": found}


def lengths():
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(BASE))
    for n1 in (1, 2, 3, 4, 7, 30):
        for n2 in (1, 2, 3, 4, 7, 30):
            for limit in range(3, 13):
                tokenizer.enable_truncation(limit)
                ids = tokenizer.encode("a " * n1, "a " * n2).ids
                first = ids.index(3) - 1
                yield [n1, n2, limit, first, len(ids) - 3 - first]


NUMBERS = (
    ["0", "-0", "1", "-1", "-1.5", "0.1", "-0.30000000000000004", "-3.9598512649536133", "-3.9598512649536137", "-7.437090396881104"]
    + ["18446744073709551615", "18446744073709551616", "-9223372036854775809", "184467440737095516159", "12345678901234567890123.4"]
    + ["18446744073709551619.5", "0.18446744073709551616", "-2.71828182845904523536028747135266249775724709369995"]
    + ["1e0", "1E+2", "-1e-2", "5e-324", "2.2250738585072014e-308", "1e-400", "0e999", "0.0e-999999999999", "1.7976931348623157e308"]
    + ["123456789e-330", "0.000000000000000000000000000000001", "8.5070591730234615865843651857942e37", "9007199254740993"]
)


def numbers():
    vocab = ",".join('["%d",%s]' % (i, number) for i, number in enumerate(NUMBERS))
    tokenizer = tokenizers.Tokenizer.from_str('{"version":"1.0","model":{"type":"Unigram","unk_id":0,"vocab":[%s]}}' % vocab)
    read = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [[number, float(score).hex()] for number, (_, score) in zip(NUMBERS, read)]


def main():
    lines = ['"files": %s' % json.dumps(FILES), '"lengths": %s' % json.dumps(list(lengths()), separators=(",", ":"))]
    for name, content in FILES.items():
        lines.append('"%s": %s' % (name, json.dumps(cases(content), separators=(",", ":"))))
    numbered = '"numbers": %s' % json.dumps(numbers())
    print("{\n%s\n}" % ",\n".join(lines[:2] + [numbered, '"results": {\n%s\n}' % ",\n".join(lines[2:])]))


if __name__ == "__main__":
    main()
