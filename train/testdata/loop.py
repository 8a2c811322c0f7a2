"""The training loop that the traces of both scripts follow.

AdamW with torch's betas and epsilon, clipping of all gradients to one norm,
transformers' linear schedule.
"""

import torch
import transformers

STEPS, CLIP = 10, 1.0
BETAS, EPSILON = (0.9, 0.999), 1e-8

# The loss of the same trace in float64 must agree this well, or the trace
# would test rounding and not the loop.
CONDITION = 2e-6


def settings(warmup):
    """The optimizer's entry of traces.json."""
    return {"betas": BETAS, "eps": EPSILON, "clip": CLIP, "warmup": warmup, "steps": STEPS}


def descend(groups, lr, warmup, backward, before=lambda: None, after=lambda: None):
    """Ten steps over AdamW's parameter groups; the loss before each, the
    gradient norm before clipping and the learning rate.

    backward(step) adds the gradients and returns the loss; before() may change
    the gradients that are clipped, after() the parameters that were stepped.
    """
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=BETAS, eps=EPSILON)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, warmup, STEPS)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = backward(step)
        before()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        steps.append({"losses": loss, "grad_norms": norm.item(), "lrs": schedule.get_last_lr()[0]})
        optimizer.step()
        schedule.step()
        after()
    return steps


def columns(steps):
    """The steps as traces.json has them: a list of each."""
    return {key: [step[key] for step in steps] for key in steps[0]}


def assert_same_loss(name, steps, other):
    for step, (got, want) in enumerate(zip(steps, other, strict=True)):
        difference = abs(got["losses"] / want["losses"] - 1)
        assert difference <= CONDITION, f"{name}: step {step} is ill-conditioned: {difference:g}"


def batch_of(batches, step):
    """One of the ten batches: every tensor's row of that step."""
    return {name: tensor[step] for name, tensor in batches.items()}


def is_settled(name):
    """Whether the values that a trained tensor takes are more than rounding.

    The gradient of a key's bias is zero but for rounding, since softmax does
    not see a shift, and Adam makes whole steps of that rounding.
    """
    return not name.endswith(("attention.self.key.bias", "SelfAttention.k.bias"))
