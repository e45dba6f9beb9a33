"""Hugging Face directories of rounded weights, read by the safetensors package."""

import filecmp

import numpy as np
from safetensors.numpy import load_file

from with_onnxruntime import FORMATS, round_trip


def check_minilm(context):
    """Every weight against numpy; every other tensor and file as it was."""
    source = context.fixtures / "minilm"
    policy, _ = context.tool.policy(source, FORMATS, [source / "model.safetensors"])
    written = context.written("safetensors-fake", source, policy, "minilm-fake")
    before, after = (load_file(folder / "model.safetensors") for folder in (source, written))
    chosen = {layer["tensor"]: layer["weight"] for layer in policy["layers"]}
    if set(before) != set(after):
        raise RuntimeError("the written file has other tensors than the source")
    right = 0
    for name, value in before.items():
        if name in chosen:
            right += np.array_equal(after[name], round_trip(value, chosen[name]))
        elif not np.array_equal(after[name], value):
            raise RuntimeError(f"{name} was to be left alone")
    for name in ("config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json"):
        if not filecmp.cmp(source / name, written / name, shallow=False):
            raise RuntimeError(f"{name} was to be copied")
    context.row("safetensors-fake", f"safetensors {context.version('safetensors')}", "MiniLM", policy, right)


CHECKS = QUICK = (check_minilm,)
