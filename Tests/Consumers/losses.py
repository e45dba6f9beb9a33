"""The losses of `bitbudget verify`, computed again in numpy."""

import numpy as np


def log_softmax(logits):
    """Logarithms of probabilities, in float64."""
    logits = np.asarray(logits, np.float64)
    highest = logits.max(axis=-1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))


def divergence(reference, changed):
    """Mean KL(reference || changed) over the positions."""
    p, q = log_softmax(reference), log_softmax(changed)
    return float((np.exp(p) * (p - q)).sum(axis=-1).mean())


def vector_error(reference, changed):
    """Mean of half the squared difference relative to the squared length."""
    reference, changed = (np.asarray(value, np.float64) for value in (reference, changed))
    return float((0.5 * ((reference - changed) ** 2).sum(-1) / (reference**2).sum(-1)).mean())
