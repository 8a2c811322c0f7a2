#!/usr/bin/env python3
"""Write ../zz_generated_unicode.go: the character tables of tokenizers 0.23.3.

    pip install tokenizers==0.23.3
    python3 make_unicode.py > ../zz_generated_unicode.go

The tables are read off the package itself, one code point at a time, because
no Unicode version describes it: its categories, decompositions and combining
classes are those of the crates unicode_categories 0.1.1 and
unicode-normalization-alignments 0.1.12 (Unicode 8 and 9), its lower case and
white space those of the Rust release it was built with, its word characters
those of the crate regex.
"""
import functools
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

VERSION = "0.23.3"
if tokenizers.__version__ != VERSION:
    sys.exit("need tokenizers %s, found %s" % (VERSION, tokenizers.__version__))

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def bert(clean=False, chinese=False, strip=False, lower=False):
    return normalizers.BertNormalizer(
        clean_text=clean, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lower
    ).normalize_str


clean, chinese, strip, lower = bert(clean=True), bert(chinese=True), bert(strip=True), bert(lower=True)
nfd = normalizers.NFD().normalize_str


def cleaning():
    removed, spaces = [], []
    for c in POINTS:
        out = clean(chr(c))
        if out == "":
            removed.append(c)
        elif out == " ":
            spaces.append(c)
        else:
            assert out == chr(c), hex(c)
    return removed, spaces


def ideographs():
    found = []
    for c in POINTS:
        out = chinese(chr(c))
        if out != chr(c):
            assert out == " " + chr(c) + " ", hex(c)
            found.append(c)
    return found


def decompositions():
    """Canonical decompositions, Hangul syllables left to arithmetic."""
    return {c: nfd(chr(c)) for c in POINTS if not 0xAC00 <= c <= 0xD7A3 and nfd(chr(c)) != chr(c)}


def marks(decomposed):
    found = [c for c in POINTS if c not in decomposed and strip(chr(c)) == ""]
    known = set(found)
    for c, chars in decomposed.items():
        assert strip(chr(c)) == "".join(d for d in chars if ord(d) not in known), hex(c)
    return found


def nonstarters(decomposed):
    """Characters of non-zero combining class: canonical ordering moves them
    across U+0301 (class 230) or U+0334 (class 1)."""
    return [
        c
        for c in POINTS
        if c not in decomposed
        and (nfd("\u0301" + chr(c)) == chr(c) + "\u0301" or nfd(chr(c) + "\u0334") == "\u0334" + chr(c))
    ]


def combining_order(chars):
    """Rank by combining class: equal where canonical ordering swaps neither way."""

    def compare(a, b):
        if nfd(chr(a) + chr(b)) == chr(b) + chr(a):
            return 1
        if nfd(chr(b) + chr(a)) == chr(a) + chr(b):
            return -1
        return 0

    ranks, rank, previous = {}, 0, None
    for c in sorted(chars, key=functools.cmp_to_key(compare)):
        if previous is not None and compare(previous, c) != 0:
            rank += 1
        ranks[c], previous = rank, c
    return ranks


def punctuation():
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    found, blank = [], []
    for c in POINTS:
        pieces = [p for p, _ in split("a" + chr(c) + "b")]
        if len(pieces) == 3:
            found.append(c)
        elif len(pieces) == 2:
            blank.append(c)
    return found, blank


def word_chars():
    probe = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    probe.add_tokens([AddedToken("\u0001", single_word=True, normalized=False)])
    return [c for c in POINTS if c != 1 and 1 not in probe.encode(chr(c) + "\u0001").ids]


def runs(points):
    out = []
    for c in points:
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def emit(comment, name, kind, items, per_line):
    print("\n// %s" % comment)
    print("var %s = %s{" % (name, kind))
    for i in range(0, len(items), per_line):
        print("\t" + " ".join(item + "," for item in items[i : i + per_line]))
    print("}")


def emit_set(comment, name, points):
    emit(comment, name, "runeSet", ["{%#x, %#x}" % (a, b) for a, b in runs(points)], 6)


def quote(text):
    return '"%s"' % "".join("\\u%04x" % ord(c) if ord(c) < 0x10000 else "\\U%08x" % ord(c) for c in text)


def main():
    removed, spaces = cleaning()
    decomposed = decompositions()
    mn = marks(decomposed)
    classed = nonstarters(decomposed)
    kept = sorted(set(classed) - set(mn))
    ranks = combining_order(kept)
    punct, blank = punctuation()
    lowered = {c: lower(chr(c)) for c in POINTS if lower(chr(c)) != chr(c)}

    # What the Go normalizer relies on to stay simple.
    assert set(spaces) == set(blank) - set(removed)
    assert not set(lowered) & set(classed)
    for chars in decomposed.values():
        first = ord(chars[0])
        assert first not in classed or all(ord(d) in mn for d in chars), chars
        if any(ord(d) in kept for d in chars):
            assert all(ord(d) in classed for d in chars[1:]), chars

    print("// Code generated by testdata/make_unicode.py from tokenizers %s; DO NOT EDIT." % VERSION)
    print("\npackage tokenizer")
    emit_set("removedChars are dropped by clean_text.", "removedChars", removed)
    emit_set("spaceChars separate words.", "spaceChars", blank)
    emit_set("ideographs get spaces around them by handle_chinese_chars.", "ideographs", ideographs())
    emit_set("markChars are dropped by strip_accents.", "markChars", mn)
    emit_set("nonstarters have a non-zero combining class.", "nonstarters", classed)
    emit_set("punctuationChars are words of their own.", "punctuationChars", punct)
    emit_set("wordChars match \\w beside an added token that must be a single word.", "wordChars", word_chars())
    emit(
        "combiningOrder ranks by combining class the nonstarters that strip_accents keeps.",
        "combiningOrder",
        "map[rune]int",
        ["%#x: %d" % (c, ranks[c]) for c in kept],
        8,
    )
    emit(
        "decompositions are canonical and full; Hangul syllables are computed.",
        "decompositions",
        "runeMap",
        ["{%#x, %s}" % (c, quote(t)) for c, t in sorted(decomposed.items())],
        4,
    )
    emit(
        "lowerCase holds the characters that lower-casing changes.",
        "lowerCase",
        "runeMap",
        ["{%#x, %s}" % (c, quote(t)) for c, t in sorted(lowered.items())],
        6,
    )


if __name__ == "__main__":
    main()
