"""Goldens of the consumers' number formats, made by the packages that define them.

`formats/weights.npz` has the weights (half of them real ones, the others hard on a quantizer); each format has a
file `formats/NAME.npz` with `packed`, the bytes as the consumer stores them, and `value`, what it makes of them.
"""

from statistics import NormalDist

import gguf
import ml_dtypes
import mlx.core as mx
import numpy as np
from safetensors.numpy import load_file

SEED = 0
COLUMNS = 256
REAL = "encoder.layer.0.intermediate.dense.weight"
REAL_ROWS = 16
GGUF = ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "mxfp4", "tq1_0", "tq2_0")
MLX_BITS = (2, 3, 4, 5, 6, 8)
MLX_GROUPS = (32, 64, 128)
FLOAT8 = {"e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2}


def hard_rows():
    """Rows that are hard on a quantizer, none of them larger than half precision allows."""
    generator = np.random.default_rng(SEED)
    bell = generator.standard_normal(COLUMNS)
    uniform = generator.random(COLUMNS)
    outlier = 0.02 * bell
    outlier[5] = -7.5
    ties = (np.arange(COLUMNS) % 31 - 15) / 2
    twins = np.where(np.arange(COLUMNS) % 2 == 0, 0.5, -0.5)
    below_powers = np.repeat(2.0 ** np.arange(-4, 4), 32) * np.tile([1, 0.3, -0.2, 0.7], 64)
    rows = [
        0.05 * bell,
        100 * bell,
        outlier,
        ties,
        ties * 2.0**-10,
        np.full(COLUMNS, 0.1),
        np.full(COLUMNS, -3.0),
        np.zeros(COLUMNS),
        uniform + 0.5,
        -uniform - 0.5,
        1000 + uniform,
        1e-5 * (uniform - 0.5),
        1e-7 * (uniform - 0.5),
        60000 * (uniform - 0.5),
        twins,
        -twins,
        below_powers * (1 - 2.0**-24),
        below_powers * (1 - 2.0**-22),
        below_powers,
        np.linspace(-1, 1, COLUMNS),
    ]
    return np.array(rows).astype(np.float32)


def write_gguf(folder, weights):
    """The block formats, by the gguf package."""
    for name in GGUF:
        kind = gguf.GGMLQuantizationType[name.upper()]
        packed = gguf.quants.quantize(weights, kind)
        value = gguf.quants.dequantize(packed, kind)
        np.savez(folder / f"{name}.npz", packed=packed.reshape(-1), value=value)


def write_mlx(folder, weights):
    """The affine formats of weights in half precision, by mlx."""
    mx.set_default_device(mx.cpu)
    halves = mx.array(weights).astype(mx.float16)
    for bits in MLX_BITS:
        for group in MLX_GROUPS:
            parts = mx.quantize(halves, group_size=group, bits=bits)
            value = mx.dequantize(*parts, group_size=group, bits=bits)
            packed = np.concatenate([np.array(part).reshape(-1).view(np.uint8) for part in parts])
            path = folder / f"mlx{bits}-g{group}.npz"
            np.savez(path, packed=packed, value=np.array(value).astype(np.float32))


def write_microscaling(folder, weights):
    """The floats with small scales, by mlx."""
    singles = mx.array(weights)
    largest = mx.array(np.abs(weights).max())
    settings = {
        "mxfp8": ("mxfp8", 8, 32, None),
        "nvfp4": ("nvfp4", 4, 16, largest),
        "mlx-mxfp4": ("mxfp4", 4, 32, None),
        "mlx-nvfp4": ("nvfp4", 4, 16, None),
    }
    for name, (mode, bits, group, scale) in settings.items():
        parts = mx.quantize(singles, mode=mode, group_size=group, bits=bits, global_scale=scale)
        value = mx.dequantize(
            *parts, mode=mode, group_size=group, bits=bits, global_scale=scale, dtype=mx.float32
        )
        arrays = [np.array(part) for part in parts] + ([np.array(scale)] if scale is not None else [])
        packed = np.concatenate([part.reshape(-1).view(np.uint8) for part in arrays])
        np.savez(folder / f"{name}.npz", packed=packed, value=np.array(value))


def write_float8(folder, weights):
    """The 8-bit floats, by ml_dtypes; rows beyond their range are left out without a scale."""
    for kind, dtype in FLOAT8.items():
        largest = np.float32(ml_dtypes.finfo(dtype).max)
        reach = {"-channel": np.abs(weights).max(axis=1, keepdims=True), "-tensor": np.abs(weights).max()}
        for granularity, limit in reach.items():
            scale = limit / largest
            quotient = np.divide(weights, scale, out=np.zeros_like(weights), where=scale != 0)
            value = quotient.astype(dtype).astype(np.float32) * scale
            np.savez(folder / f"fp8-{kind}{granularity}.npz", value=value)
        value = np.clip(weights, -largest, largest).astype(dtype).astype(np.float32)
        np.savez(folder / f"fp8-{kind}.npz", value=value, largest=largest)


def evenly(first, last, count):
    """Evenly spaced float32 numbers, counted from the nearer end as torch does."""
    first, last = np.float32(first), np.float32(last)
    step = (last - first) / np.float32(count - 1)
    return np.array(
        [first + step * np.float32(k) if k < count // 2 else last - step * np.float32(count - 1 - k) for k in range(count)]
    )


def nearest(values, grid):
    """The nearest numbers of a rising grid, middles to the lower one."""
    return grid[np.searchsorted((grid[:-1] + grid[1:]) / np.float32(2), values, side="left")]


def write_normal_float(folder, weights):
    """The numbers of QLoRA by the rules of bitsandbytes, in numpy (the package itself needs torch)."""
    quantile = NormalDist().inv_cdf
    above = [quantile(float(p)) for p in evenly(0.9677083, 0.5, 9)[:-1]]
    below = [-quantile(float(p)) for p in evenly(0.9677083, 0.5, 8)[:-1]]
    grid = np.sort(np.array([*above, 0, *below], np.float32))
    grid /= grid.max()
    groups = weights.reshape(-1, 64)
    reach = np.abs(groups).max(axis=1)
    numbers = nearest(groups * (np.float32(1) / np.maximum(reach, np.float32(1e-38)))[:, None], grid)
    np.savez(folder / "nf4-g64.npz", value=(numbers * reach[:, None]).reshape(weights.shape), grid=grid)

    steps = [np.float32([0, 1])]
    for power in range(7):
        ends = evenly(0.1, 1, 2**power + 1)
        middles = np.float32(10.0 ** (power - 6)) * ((ends[:-1] + ends[1:]) / np.float32(2))
        steps += [middles, -middles]
    dynamic = np.sort(np.concatenate(steps))
    mean = np.float32(reach.mean(dtype=np.float64))
    offsets = reach - mean
    stored = np.empty_like(reach)
    for start in range(0, len(offsets), 256):
        part = offsets[start : start + 256]
        limit = np.abs(part).max()
        scaled = part * (np.float32(1) / limit) if len(part) == 256 else part / limit
        stored[start : start + 256] = nearest(scaled, dynamic) * limit + mean
    np.savez(folder / "nf4-g64-dq256.npz", value=(numbers * stored[:, None]).reshape(weights.shape))


def build(workspace):
    """Make formats/."""
    folder = workspace.new_folder("formats")
    real = load_file(workspace.finished("minilm") / "model.safetensors")[REAL][:REAL_ROWS, :COLUMNS]
    weights = np.concatenate([real, hard_rows()])
    np.savez(folder / "weights.npz", weights=weights)
    write_gguf(folder, weights)
    write_mlx(folder, weights)
    write_microscaling(folder, weights)
    write_float8(folder, weights)
    write_normal_float(folder, weights)
