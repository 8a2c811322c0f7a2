"""Writes text.json: scores of generated texts by rouge_score and by torchmetrics' SQuAD.

Made with rouge-score 0.1.2 and torchmetrics 1.9.0, which computes SQuAD's in float32 and in one
point follows version 2.0: if normalisation leaves no word of answer and reference, it has an F1 of
1. The official script of 1.1, and evaluate's metric "squad", find no word in common then: 0.
    pip install rouge-score==0.1.2 torchmetrics==1.9.0 && python make_text.py
"""

import json
import pathlib
import random

from rouge_score import rouge_scorer
from torchmetrics.functional.text import squad

generator = random.Random(11)
rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)

WRITTEN = [
    # Names, dates and numbers, as answers are.
    ("1998", ["1998", "in 1996", "1996"]),
    ("in 1996", ["1998", "in 1996", "1996"]),
    ("September 27th, 2017", ["September 27, 2017"]),
    ("the Andrew Johnson", ["Andrew Johnson", "Johnson"]),
    ("Johnson and Johnson", ["Andrew Johnson", "Johnson"]),
    ("no idea", ["Andrew Johnson", "Johnson"]),
    ("13,000", ["13000"]),
    ("$5.00", ["5.00", "500"]),
    ("U.S.A.", ["usa"]),
    ("rock-and-roll", ["rock and roll", "rockandroll"]),
    ("mother's day", ["mothers day"]),
    # Articles: alone, within words, beside what is no letter.
    ("The", ["the end"]),
    ("a an the cat", ["cat"]),
    ("then and there", ["then there"]),
    ("theatre", ["atre"]),
    ("the\u2013end of a\u2019s an", ["\u2013end of \u2019s"]),
    ("a\u0301 la carte", ["\u0301 la carte"]),
    ("the_end the-end the.end", ["theend theend theend"]),
    ("a1 1a a\u00b2 a\u0661", ["a1 1a a\u00b2 a\u0661"]),
    ("\u0430 the \u0430n", ["\u0430 \u0430n"]),  # Cyrillic letters that look like a
    # Texts of no words.
    ("", ["something"]),
    ("something", [""]),
    ("", [""]),
    ("...", ["something else", "!"]),
    ("an", ["the"]),
    (" \t\n", ["word"]),
    # Repeated words count as often as both have them.
    ("paris paris paris", ["paris", "paris paris"]),
    ("x y x y x", ["y x y", "x x x x"]),
    # Punctuation and symbols, ASCII's and others'.
    ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~word", ["word"]),
    ("\u201cquoted\u201d \u00abtext\u00bb \u2026", ["quoted text", "\u201cquoted\u201d \u00abtext\u00bb"]),
    ("5 \u20ac \u00d7 3", ["5 \u20ac 3", "5 3"]),
    # Case beyond ASCII: full mappings, final sigma, letters that become ASCII.
    ("\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3", ["\u03bf\u03b4\u03bf\u03c2 \u03c3\u03b1\u03c2"]),
    ("\u039f\u0394\u039f\u03a3. \u03a3\u2019\u0391", ["\u03bf\u03b4\u03bf\u03c2 \u03c3\u2019\u03b1"]),
    ("\u0391\u03a3\u0301\u0308", ["\u03b1\u03c2\u0301\u0308"]),
    ("1\u03a3 A\u03a3\u0345B a\u02b0\u03a3", ["1\u03c3 a\u03c3\u0345b a\u02b0\u03c2"]),
    ("\u0130stanbul", ["i\u0307stanbul", "istanbul"]),
    ("\u212aelvin \u212bngstr\u00f6m", ["kelvin \u00e5ngstr\u00f6m"]),
    ("STRASSE stra\u1e9ee", ["strasse stra\u00dfe"]),
    ("Z\u00dcRICH \u01c5ungla", ["z\u00fcrich \u01c6ungla"]),
    # White space that Python's split knows and the ASCII range lacks, or has as separators.
    ("one\u00a0two\u2003three\u3000four\u0085five\u2028six", ["one two three four five six"]),
    ("one\x1ctwo\x1dthree\x1efour\x1ffive", ["one two three four five"]),
    ("one\u200btwo\ufeffthree", ["onetwothree", "one two three"]),
    # Scripts without spaces, emoji, mixed directions.
    ("\u6771\u4eac\u90fd", ["\u6771\u4eac", "\u6771\u4eac\u90fd"]),
    ("\u0645\u0631\u062d\u0628\u0627 hello \u05e9\u05dc\u05d5\u05dd", ["hello \u05e9\u05dc\u05d5\u05dd"]),
    ("\U0001f600 smile \U0001f1eb\U0001f1f7", ["smile", "\U0001f600 smile"]),
    # Summaries: order matters to ROUGE-L, line ends do not.
    ("police kill the gunman", ["police killed the gunman", "the gunman police killed"]),
    ("the cat sat on the mat", ["on the mat sat the cat"]),
    ("Amanda baked cookies\nand will bring Jerry some tomorrow.", ["Amanda baked cookies and will bring some for Jerry."]),
    ("word1 word2\n\nword3", ["WORD1\tword2 - word3!"]),
    ("3.5 percent, up from 2.25%", ["up 3.5% from 2.25"]),
    ("don't can't won't", ["dont cant wont", "don t can t won t"]),
]

WORDS = "a an the The THE cat dog dogs ran. ran, sat (sat) sat! on-off on off 1 2,000 2000 it's its caf\u00e9 CAF\u00c9".split()
ODD = "aA1 .,-_'\u2019\u00a0\u3000\n\t\u03a3\u03c3\u03c2\u0391\u0301\u0130\u0131\u00df\u1e9e\u212a\u02b0\u00b7\u0345\u00b2\u2160\u4e00\u0e01\U0001f600"


def words(most):
    return " ".join(generator.choice(WORDS) for _ in range(generator.randint(0, most)))


def letters(most):
    return "".join(generator.choice(ODD) for _ in range(generator.randint(0, most)))


def drawn(text, count, length):
    for _ in range(count):
        yield text(length), [text(length) for _ in range(generator.randint(1, 3))]


def near(text):
    """The text with a few words lost, added or put elsewhere."""
    parts = text.split(" ")
    for _ in range(max(1, len(parts) // 5)):
        if parts and generator.random() < 0.7:
            parts.pop(generator.randrange(len(parts)))
        parts.insert(generator.randint(0, len(parts)), generator.choice(WORDS))
    return " ".join(parts)


def near_copies(count, length):
    for _ in range(count):
        text = words(length)
        yield near(text), [near(text), words(length)]


def read(generated, references):
    """Exact match and F1."""
    answers = {"answer_start": [0] * len(references), "text": references}
    scores = squad([{"prediction_text": generated, "id": ""}], [{"answers": answers, "id": ""}])
    return scores["exact_match"].item() == 100, scores["f1"].item() / 100


def score(generated, references):
    exact_match, f1 = read(generated, references)
    no_words, _ = read(generated, [""])
    return {
        "generated": generated,
        "references": references,
        "exact_match": exact_match,
        "f1": 0.0 if no_words else round(f1, 7),
        "rouge_l": rouge.score_multi(references, generated)["rougeL"].fmeasure,
    }


cases = [
    *WRITTEN,
    *drawn(words, 60, 8),
    *drawn(letters, 120, 6),
    *near_copies(30, 60),
]
body = ",\n".join(json.dumps(score(*case)) for case in cases)
(pathlib.Path(__file__).parent / "text.json").write_text(f"[\n{body}\n]\n")
