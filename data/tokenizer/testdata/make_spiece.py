#!/usr/bin/env python3
"""Write spiece.json: small SentencePiece models and what transformers' T5Tokenizer makes with them.

    pip install tokenizers==0.23.3 transformers==5.23.0 sentencepiece==0.2.3 protobuf==7.36.2
    python3 make_spiece.py > spiece.json

The file holds, by name, a model in base64, a tokenizer_config.json or null, the
size of the vocabulary and cases (first text, second text or "", ids, decoded,
decoded without special tokens).
"""
import base64
import json
import os
import sys
import tempfile

import transformers
from charsmap import charsmap
from sentencepiece import sentencepiece_model_pb2
from tokenizers import decoders, models

VERSION = "5.23.0"
if transformers.__version__ != VERSION:
    sys.exit("need transformers %s, found %s" % (VERSION, transformers.__version__))

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
SPECIAL = [("<pad>", CONTROL), ("</s>", CONTROL), ("<unk>", UNKNOWN)]
PIECES = ["▁", "▁the", "▁a", "t", "h", "e", "a", "b", "ab", "▁ab", "aba", "x", "é", "1", "/", "2", ".", "<", ">", "▁new", "line"]
RULES = {"½": "1/2", "e\u0301": "é", "\u0301": "", "\t": " ", "\u3000": " ", "Ａ": "a", "＜": "<"}

TEXTS = [
    ("", ""), (" ", ""), ("the ab", ""), ("  the  new\tline ", ""), ("abab aba", ""), ("½ e\u0301 Ａ\u3000b", ""), ("a\u0301\u0301 zz", ""),
    ("a<pad>b</s> <unk>x", ""), ("<extra_id_0> a<extra_id_1>", ""), ("＜extra_id_0>", ""), ("a <ctl>b <ud> c", ""), ("<0x41> 中A", ""),
    ("<new> a<sep>b <mine>", ""), ("▁the▁", ""), ("the", "new line"), ("a", "zz"),
]


def model(special=(), pieces=PIECES, rules=None, byte_fallback=False):
    proto = sentencepiece_model_pb2.ModelProto()
    for text, kind in SPECIAL + list(special):
        proto.pieces.add(piece=text, score=0, type=kind)
    for i, text in enumerate(pieces):
        # Scores that are exact as float32, among them equal ones.
        proto.pieces.add(piece=text, score=-1.5 - i // 2 * 0.25 - (len(text) > 1) * 0.75)
    proto.trainer_spec.model_type = proto.trainer_spec.UNIGRAM
    proto.trainer_spec.unk_id = 2
    proto.trainer_spec.eos_id = 1
    proto.trainer_spec.pad_id = 0
    proto.trainer_spec.bos_id = -1
    proto.trainer_spec.byte_fallback = byte_fallback
    proto.normalizer_spec.name = "made"
    if rules:
        proto.normalizer_spec.precompiled_charsmap = charsmap(rules)
    return proto


def token(content, **flags):
    return dict({"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}, **flags)


BYTES = [("<0x%02X>" % byte, BYTE) for byte in range(256)]
EXTRA = ["<extra_id_%d>" % i for i in range(3)]
MODELS = {
    "plain": (model(), None),
    "kinds": (model([("<ctl>", CONTROL), ("<ud>", USER_DEFINED), ("zz", UNUSED)], rules=RULES), None),
    "none": (model(rules=RULES), {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}),
    "few": (model(rules=RULES), {
        "extra_ids": 3,
        "additional_special_tokens": EXTRA + ["<sep>"],
        "pad_token": token("<mine>", lstrip=True, __type="AddedToken"),
        "added_tokens_decoder": {
            "27": token("<new>", rstrip=True, normalized=True, special=False), "0": token("<pad>"), "1": token("</s>"), "2": token("<unk>"),
        },
    }),
    "bytes": (model(BYTES, rules=RULES, byte_fallback=True), {"extra_ids": 2}),
}


def load(proto, config):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "spiece.model"), "wb") as file:
            file.write(proto.SerializeToString())
        if config is not None:
            with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
                json.dump(config, file)
        tokenizer = transformers.T5Tokenizer.from_pretrained(folder).backend_tokenizer
    if proto.trainer_spec.byte_fallback:  # which T5Tokenizer ignores, and SentencePiece does not
        vocab = [tuple(entry) for entry in json.loads(tokenizer.to_str())["model"]["vocab"]]
        tokenizer.model = models.Unigram(vocab, proto.trainer_spec.unk_id, byte_fallback=True)
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), tokenizer.decoder])
    return tokenizer


def cases(tokenizer):
    for first, second in TEXTS:
        ids = (tokenizer.encode(first, second) if second else tokenizer.encode(first)).ids
        yield [first, second, ids, tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids)]


def main():
    out = []
    for name, (proto, config) in MODELS.items():
        tokenizer = load(proto, config)
        content = base64.b64encode(proto.SerializeToString(deterministic=True)).decode()
        fields = [content, config, tokenizer.get_vocab_size(), list(cases(tokenizer))]
        out.append('"%s": %s' % (name, json.dumps(fields, ensure_ascii=False, separators=(",", ":"))))
    print("{\n%s\n}" % ",\n".join(out))


if __name__ == "__main__":
    main()
