"""PyTorch's floor: forward, loss and activation gradient of a BERT classifier.

    floor.py MODEL ROWS LENGTH THREADS DTYPE

Everything is frozen; the gradient goes down to the embedding output. Makes one
step for every line on standard input and prints the seconds that it took.
"""

import sys
import time

import torch
import transformers

model_dir, rows, length, threads, dtype = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
torch.set_num_threads(threads)
transformers.logging.set_verbosity_error()
model = transformers.AutoModelForSequenceClassification.from_pretrained(
    model_dir, num_labels=2, dtype=getattr(torch, dtype), attn_implementation="sdpa", ignore_mismatched_sizes=True
)
model.eval()  # dropout 0
model.requires_grad_(False)
bert = model.bert

ids = (torch.arange(rows * length) * 7919 % model.config.vocab_size).view(rows, length)
targets = torch.arange(rows) % 2

for _ in sys.stdin:
    begin = time.perf_counter()
    with torch.no_grad():
        embedded = bert.embeddings(ids)
    embedded.requires_grad_(True)
    hidden = bert.encoder(embedded)[0]
    pooled = bert.pooler(hidden) if bert.pooler is not None else hidden[:, 0]
    loss = torch.nn.functional.cross_entropy(model.classifier(pooled).float(), targets)
    loss.backward()
    loss.item()
    print(time.perf_counter() - begin, flush=True)
