"""MLX directories, loaded by mlx_lm, and by mlx.nn for a network of our own."""

import json

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_unflatten
from mlx_lm.utils import load_model
from safetensors.numpy import load_file

from llama import LlamaFile
from llamas import SMALL, settings_of, small_tensors, write_hugging_face
from losses import divergence

ALL = tuple(f"mlx{bits}-g{group}" for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128))
ALL += ("mlx-mxfp4", "mlx-nvfp4", "mxfp8", "fp16", "bf16", "fp32")
REAL = ("mlx4-g64", "mlx6-g64", "mlx3-g32", "mlx8-g64", "mlx5-g64", "mlx4-g32")
NARROW = {"mlx-mxfp4": ("mxfp4", 4, 32), "mlx-nvfp4": ("nvfp4", 4, 16), "mxfp8": ("mxfp8", 8, 32)}
FLOATS = {"fp16": mx.float16, "bf16": mx.bfloat16, "fp32": mx.float32}


def compare(model, weights, policy, folder):
    """Layers that the loaded model has in their format, with the numbers that mlx itself makes of the weights."""
    modules = dict(model.named_modules())
    stored = mx.load(str(folder / "model.safetensors"))
    right = 0
    for layer in policy["layers"]:
        path = layer["tensor"].removesuffix(".weight")
        module, source = modules[path], weights[layer["tensor"]]
        names = [name for name in stored if name.rpartition(".")[0] == path and not name.endswith(".bias")]
        size = sum(stored[name].nbytes for name in names)
        if layer["weight"] in FLOATS:
            expected = (mx.array(source).astype(FLOATS[layer["weight"]]),)
            found = (module.weight,)
            formats = not hasattr(module, "bits")
        elif layer["weight"] in NARROW:
            mode, bits, group = NARROW[layer["weight"]]
            expected = mx.quantize(mx.array(source), group_size=group, bits=bits, mode=mode)
            found = (module.weight, module.scales)
            formats = (module.bits, module.group_size, module.mode) == (bits, group, mode)
        else:
            bits, group = map(int, layer["weight"].removeprefix("mlx").split("-g"))
            expected = mx.quantize(mx.array(source).astype(mx.float16), group_size=group, bits=bits)
            found = (module.weight, module.scales, module.biases)
            formats = (module.bits, module.group_size) == (bits, group)
        same = all(mx.array_equal(a, b).item() and a.dtype == b.dtype for a, b in zip(expected, found, strict=True))
        right += formats and same and size == layer["bytes"]
    return right


def check_small(context):
    """Every width and group size, on a small random model that mlx_lm loads and runs."""
    source = context.scratch / "small-hf"
    write_hugging_face(source, small_tensors(), SMALL)
    weight_file = source / "model.safetensors"
    policy, _ = context.tool.policy(source, ALL, [weight_file])
    written = context.written("mlx", source, policy, "small-mlx")
    model, _ = load_model(written)
    right = compare(model, load_file(weight_file), policy, written)
    if not mx.isfinite(model(mx.arange(16)[None])).all().item():
        raise RuntimeError("the loaded model computes no numbers")
    context.row("mlx", f"mlx_lm {context.version('mlx-lm')}", "small llama", policy, right)


def check_smollm2(context):
    """The real model, and its quality in MLX."""
    file = LlamaFile(context.fixtures / "smollm2" / "permuted.gguf")
    source = context.scratch / "smollm2-hf"
    write_hugging_face(source, file.tensors, settings_of(file))
    weight_file = source / "model.safetensors"
    policy, _ = context.tool.policy(source, REAL, [weight_file])
    written = context.written("mlx", source, policy, "smollm2-mlx")
    (reference, _), (model, _) = load_model(source), load_model(written)
    right = compare(model, load_file(weight_file), policy, written)
    # The same stored numbers, computed in singles: MLX's halves are forty times slower on a processor.
    model.set_dtype(mx.float32)
    losses = []
    for row in context.tokens():
        ids = mx.array(row)[None]
        losses.append(divergence(*(np.array(net(ids).astype(mx.float32))[0] for net in (reference, model))))
    verified = context.tool.verify(source, context.policy_file("smollm2-mlx"), context.token_file())
    context.row("mlx", f"mlx_lm {context.version('mlx-lm')}", "SmolLM2-135M", policy, right, np.mean(losses), verified)


class Module(nn.Module):
    """A tree of modules under the names of a Hugging Face file."""

    def __init__(self, tree):
        super().__init__()
        for name, part in tree.items():
            self[name] = built(name, part)


def built(name, part):
    """The module of a part of the tree: an embedding or a linear layer where there is a matrix."""
    if isinstance(part, list):
        return [built(name, item) for item in part]
    if not isinstance(part, dict):
        return part
    weight = part.get("weight")
    if weight is None or weight.ndim != 2:
        return Module(part)
    rows, columns = weight.shape
    return nn.Embedding(rows, columns) if name.endswith("embeddings") else nn.Linear(columns, rows, "bias" in part)


def check_minilm(context):
    """BERT's names, loaded by mlx.nn as mlx_lm does it: the modules that have scales, as config.json says."""
    source = context.fixtures / "minilm"
    weight_file = source / "model.safetensors"
    policy, _ = context.tool.policy(source, REAL, [weight_file])
    written = context.written("mlx", source, policy, "minilm-mlx")
    settings = json.loads((written / "config.json").read_text())["quantization"]
    weights = load_file(weight_file)
    model = Module(tree_unflatten([(name, mx.array(weight)) for name, weight in weights.items()]))
    stored = mx.load(str(written / "model.safetensors"))
    nn.quantize(model, class_predicate=lambda path, _: settings.get(path, False))
    if {path for path in settings if path not in ("bits", "group_size", "mode")} != {
        name.removesuffix(".scales") for name in stored if name.endswith(".scales")
    }:
        raise RuntimeError("config.json names other modules than those that are quantized")
    model.load_weights(list(stored.items()), strict=False)
    right = compare(model, weights, policy, written)
    context.row("mlx", f"mlx.nn {context.version('mlx')}", "MiniLM", policy, right)


QUICK = (check_small, check_minilm)
CHECKS = (*QUICK, check_smollm2)
