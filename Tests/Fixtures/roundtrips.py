"""Reference round trips of the integer formats in numpy float32: what a weight becomes after quantization.

All arithmetic is float32 with separate roundings (no fused multiply-add); rounding is half to even; the scale and
the offset are stored as float16.
"""

import numpy as np

WIDTHS = range(2, 9)
GROUPS = {"g32": 32, "g64": 64, "g128": 128, "channel": None, "tensor": None}


def grouped(weight, granularity):
    """The weight with one group on a row."""
    if granularity == "tensor":
        return weight.reshape(1, -1)
    return weight.reshape(-1, GROUPS[granularity] or weight.shape[1])


def asymmetric(groups, bits):
    """Unsigned integers with a scale and an offset for each group."""
    low, high = (limit(groups, axis=1, keepdims=True) for limit in (np.min, np.max))
    scale = ((high - low) / np.float32(2**bits - 1)).astype(np.float16).astype(np.float32)
    offset = low.astype(np.float16).astype(np.float32)
    steps = rounded(groups - offset, scale, 0, 2**bits - 1)
    return steps * scale + offset


def symmetric(groups, bits):
    """Signed integers with a scale for each group."""
    highest = np.abs(groups).max(axis=1, keepdims=True)
    scale = (highest / np.float32(2 ** (bits - 1) - 1)).astype(np.float16).astype(np.float32)
    return rounded(groups, scale, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale


def rounded(values, scale, lowest, highest):
    """values / scale as whole numbers within limits; 0 where the scale is 0."""
    quotient = np.divide(values, scale, out=np.zeros_like(values), where=scale != 0)
    return np.clip(np.rint(quotient), np.float32(lowest), np.float32(highest))


def round_trips(weight):
    """All formats of a matrix, by names like `int4-g64-asym`; and the matrix itself as `weight`."""
    results = {"weight": weight}
    for bits in WIDTHS:
        for granularity in GROUPS:
            groups = grouped(weight, granularity)
            for name, round_trip in (("asym", asymmetric), ("sym", symmetric)):
                value = round_trip(groups, bits)
                assert value.dtype == np.float32
                results[f"int{bits}-{granularity}-{name}"] = value.reshape(weight.shape)
    return results
