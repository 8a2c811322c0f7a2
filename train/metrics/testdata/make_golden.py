"""Writes golden.json: scikit-learn's scores of small sets of predictions.

Made with scikit-learn 1.9.1 and numpy 2.4.6:
    pip install scikit-learn==1.9.1 numpy==2.4.6 && python make_golden.py
"""

import json
import pathlib
import warnings

import numpy
from sklearn import metrics

generator = numpy.random.default_rng(7)


def noisy(classes, rows, weights, right):
    """Labels with the given class weights; a share of them predicted right, the rest at random."""
    labels = generator.choice(classes, rows, p=numpy.array(weights) / sum(weights))
    guesses = generator.integers(0, classes, rows)
    return classes, numpy.where(generator.random(rows) < right, labels, guesses), labels


def score(name, classes, predictions, labels):
    every = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predictions, labels=every, zero_division=0
    )
    return {
        "name": name,
        "classes": classes,
        "predictions": [int(p) for p in predictions],
        "labels": [int(l) for l in labels],
        "accuracy": metrics.accuracy_score(labels, predictions),
        "macro_f1": metrics.f1_score(labels, predictions, average="macro", zero_division=0),
        "matthews_correlation": metrics.matthews_corrcoef(labels, predictions),
        "confusion": metrics.confusion_matrix(labels, predictions, labels=every).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": [int(s) for s in support],
    }


warnings.simplefilter("ignore")
cases = [
    score("two classes", *noisy(2, 60, [1, 1], 0.7)),
    score("eight lopsided classes", *noisy(8, 300, [40, 22, 4, 3, 2.5, 2, 1, 0.5], 0.8)),
    score("worse than guessing", 2, [1, 1, 0, 0, 1], [0, 0, 1, 1, 1]),
    score("all right", 3, [0, 1, 2, 2], [0, 1, 2, 2]),
    score("one prediction throughout", 3, [1, 1, 1, 1, 1], [0, 1, 2, 1, 0]),
    score("one label throughout", 3, [0, 1, 2, 1, 0], [1, 1, 1, 1, 1]),
    score("one class alone", 3, [1, 1], [1, 1]),
    score("a class that never occurs", 4, [0, 1, 3, 0, 1], [0, 3, 3, 1, 1]),
    score("a class predicted but never right", 3, [2, 0, 1, 2], [0, 0, 1, 1]),
    score("one row", 2, [0], [1]),
]
body = ",\n".join(json.dumps(case) for case in cases)
(pathlib.Path(__file__).parent / "golden.json").write_text(f"[\n{body}\n]\n")
