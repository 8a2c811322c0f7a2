#!/usr/bin/env python3
"""Write ../zz_generated_unicode.go: the character tables of tokenizers 0.23.3.

    pip install tokenizers==0.23.3
    python3 make_unicode.py > ../zz_generated_unicode.go

The tables are read off the package itself, one code point at a time, because
no Unicode version describes it: its categories, decompositions and combining
classes are those of the crates unicode_categories 0.1.1 and
unicode-normalization-alignments 0.1.12 (Unicode 8 and 9), its lower case and
white space those of the Rust release it was built with, its word characters
those of the crate regex, its grapheme clusters those of unicode-segmentation
1.13.3, and letters and numbers in patterns those of Oniguruma.
"""
import functools
import struct
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

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


def matching(pattern):
    """What a pattern of Oniguruma matches, of all code points in one text."""
    split = pre_tokenizers.Split(Regex(pattern + "+"), "removed", invert=True)
    pieces = split.pre_tokenize_str("".join(map(chr, POINTS)))
    return [ord(c) for piece, _ in pieces for c in piece]


def charsmap_of_everything():
    """A precompiled_charsmap that maps every character but U+0000 to X.

    Its double array has five states, in blocks of 256 units: the start, and
    those with one, two and three more bytes to come, which may share a state as
    all characters mean the same; and the value.
    """
    value, one, two, three, start = range(0x100, 0x600, 0x100)
    units = [0] * 0x600

    def lead(state, label, target, leaf=False):
        units[state ^ label] = label | leaf << 8 | (state ^ label ^ target) << 10

    units[0] = start << 10
    for label in range(0x01, 0x80):
        lead(start, label, value, leaf=True)
    for first, last, target in [(0xC2, 0xDF, one), (0xE0, 0xEF, two), (0xF0, 0xF4, three)]:
        for label in range(first, last + 1):
            lead(start, label, target)
    for label in range(0x80, 0xC0):
        lead(one, label, value, leaf=True)
        lead(two, label, one)
        lead(three, label, two)
    units[value] = 1 << 31
    return struct.pack("<%dI" % (1 + len(units)), 4 * len(units), *units) + b"X\0"


def cluster_classes():
    """Characters by what they do in grapheme clusters, by name.

    With every character mapped to X, Precompiled makes one X of a cluster of
    less than six bytes, and one of each character of a longer one. So the
    number of X tells where clusters end, if texts are chosen well: in
    "? KA ACUTE" the last two are one X, unless the first one joins them.
    """
    normalize = normalizers.Precompiled(charsmap_of_everything()).normalize_str

    def count(*chars):
        return len(normalize("".join(chars)))

    acute, ka, virama, sun, joiner, trade = "\u0301", "\u0915", "\u094d", "\u2600", "\u200d", "\u2122"
    leading, vowel, trailing = "\u1100", "\u1161", "\u11a8"
    chars = [chr(c) for c in POINTS if c != 0]
    prepended = {c for c in chars if count(c, ka, acute) == 3}
    others = [c for c in chars if c not in prepended]
    joined = {c for c in others if count("a", c) == 1}
    # Whether a character of four bytes is a control makes no difference.
    controls = {c for c in others if c < "\U00010000" and count(c, acute) == 2}
    linkers = {c for c in others if count(ka, c, ka, acute) == 4}
    extending = {c for c in others if c not in linkers and count(ka, virama, c, ka, acute) == 5}
    in_emoji = {c for c in joined if count(sun, c, joiner, trade, acute) == 5}

    def joins(left):
        return tuple(count(left, right, acute) == 3 for right in (leading, vowel, trailing))

    def joined_by(right):
        return count(leading, right, acute) == 3, count(vowel, right, acute) == 3

    hangul = {c: joins(c) for c in others if any(joins(c))}
    syllables = {chr(c) for c in range(0xAC00, 0xD7A4)}
    classes = {
        "clusterControls": controls | {chr(0)},
        "prependedChars": prepended,
        "spacingMarks": joined - in_emoji - {joiner},
        "extendingChars": extending - {joiner},
        "conjunctLinkers": linkers,
        "conjunctConsonants": {c for c in others if count(c, virama, ka, acute) == 4},
        "pictographs": {c for c in others if count(c, joiner, trade, acute) == 4},
        "hangulLeading": {c for c in hangul if hangul[c] == (True, True, False)},
        "hangulVowels": {c for c in hangul if hangul[c] == (False, True, True)} - syllables,
        "hangulTrailing": {c for c in hangul if hangul[c] == (False, False, True)} - syllables,
    }

    # What clusterEnd relies on to stay simple.
    assert count("\r", "\n") == 1 and count("\n", "\r") == 2
    assert linkers <= in_emoji and extending <= joined
    assert in_emoji - linkers - extending == {"\u200c"} and extending - in_emoji == {joiner}
    for c in syllables:
        assert hangul[c] == ((False, True, True) if (ord(c) - 0xAC00) % 28 == 0 else (False, False, True))
        assert joined_by(c) == (True, False)
    for name, want in [("hangulLeading", (True, False)), ("hangulVowels", (True, True)), ("hangulTrailing", (False, True))]:
        assert all(joined_by(c) == want for c in classes[name] if c < "\U00010000"), name
    total = sum(len(c) for c in classes.values())
    assert total == len(set().union(*classes.values())), "classes overlap"
    return {name: sorted(map(ord, members)) for name, members in classes.items()}


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

    letters, numbers = matching(r"\p{L}"), matching(r"\p{N}")
    bloom = set(matching(r"[(\s|[.,!?…。，、।۔،])]"))
    clusters = cluster_classes()

    assert matching(r"\s") == blank and not set(letters) & set(numbers)
    assert bloom == set(blank) | set(map(ord, "(|).,!?…。，、।۔،"))  # bloomExcluded of pattern.go

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
    emit_set("letterChars match \\p{L} in a pattern.", "letterChars", letters)
    emit_set("numberChars match \\p{N} in a pattern.", "numberChars", numbers)
    for name, comment in [
        ("clusterControls", "are grapheme clusters of their own."),
        ("prependedChars", "belong to the cluster of the next character."),
        ("spacingMarks", "do too, but part the consonants of a conjunct."),
        ("extendingChars", "belong to the cluster of the character before."),
        ("conjunctLinkers", "extend too, and join the next consonant."),
        ("conjunctConsonants", "are joined by linkers."),
        ("pictographs", "are joined by U+200D."),
        ("hangulLeading", "are leading consonants."),
        ("hangulVowels", "are vowels."),
        ("hangulTrailing", "are trailing consonants."),
    ]:
        emit_set("%s %s" % (name, comment), name, clusters[name])
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
