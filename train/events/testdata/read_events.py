"""Prints the scalars of a directory of event files as JSON, as TensorBoard shows them.

Run by the Go tests, with tensorboard 2.21.0 installed:
    python read_events.py DIR
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0}).Reload()
json.dump(
    {
        tag: [{"step": e.step, "value": e.value} for e in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    },
    sys.stdout,
)
