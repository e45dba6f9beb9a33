"""GGUF files, read by the gguf package."""

import json

import gguf
import numpy as np

from llama import LlamaFile
from llamas import SMALL, small_tensors, write_hugging_face, write_small_gguf
from losses import divergence

ALL = ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "mxfp4", "tq1_0", "tq2_0", "bf16", "fp16", "fp32")
REAL = ("q4_0", "q5_1", "q8_0", "q4_1", "q5_0", "mxfp4")
TYPES = {"fp32": "F32", "fp16": "F16"}


def tensors(path):
    """Tensors by name."""
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def compare(source, policy, written):
    """Layers whose type, bytes and values are what the package itself makes of the source's weights."""
    before, after = tensors(source), tensors(written)
    if set(before) != set(after):
        raise RuntimeError("the written file has other tensors than the source")
    chosen = {layer["tensor"]: layer for layer in policy["layers"]}
    right = 0
    for name, tensor in before.items():
        layer = chosen.get(name)
        if layer is None:
            same = tensor.tensor_type == after[name].tensor_type and np.array_equal(tensor.data, after[name].data)
            if not same:
                raise RuntimeError(f"{name} was to be left alone")
            continue
        kind = gguf.GGMLQuantizationType[TYPES.get(layer["weight"], layer["weight"].upper())]
        rows = [int(size) for size in reversed(tensor.shape)]
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(rows)
        expected = gguf.quants.quantize(weights, kind)
        right += (
            after[name].tensor_type == kind
            and after[name].data.nbytes == layer["bytes"]
            and after[name].data.tobytes() == expected.tobytes()
        )
    return right


def same_layers(context, policy, directory, source):
    """A policy for a Hugging Face directory as one for the GGUF file that holds the same weights."""
    twin, _ = context.tool.policy(source, ("fp32",), [source])
    chosen = {layer["tensor"]: layer for layer in twin["layers"]}
    for layer in policy["layers"]:
        name = directory[layer["tensor"]]
        chosen[name] |= {"weight": layer["weight"], "bytes": layer["bytes"]}
    return twin


def check_small(context):
    """Every type that can be written, on a small random model."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy, _ = context.tool.policy(source, ALL, [source])
    written = context.written("gguf", source, policy, "small-gguf")
    right = compare(source, policy, written / "model.gguf")
    before, after = (gguf.GGUFReader(path).fields for path in (source, written / "model.gguf"))
    own = {"GGUF.tensor_count"}
    if {k for k in before if k not in own} != {k for k in after if k not in own}:
        raise RuntimeError("the metadata is not the source's")
    context.row("gguf", f"gguf {context.version('gguf')}", "small llama", policy, right)


def check_small_directory(context):
    """The same model as a Hugging Face directory: GGUF's names, and the rows of queries and keys in its order."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    folder = context.scratch / "small-hf"
    names = write_hugging_face(folder, small_tensors(), SMALL)
    policy, _ = context.tool.policy(folder, ALL, [folder / "model.safetensors"])
    written = context.written("gguf", folder, policy, "small-directory") / "model.gguf"
    right = compare(source, same_layers(context, policy, names, source), written)
    keys = {key: field.contents() for key, field in gguf.GGUFReader(written).fields.items()}
    for key, field in gguf.GGUFReader(source).fields.items():
        if not key.startswith("GGUF.") and keys.get(key) != field.contents():
            raise RuntimeError(f"{key} is {keys.get(key)} and not {field.contents()}")
    # A tokenizer that cannot be written is an error, and nothing is left.
    words = {"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "a"}}
    (folder / "tokenizer.json").write_text(json.dumps(words))
    target = context.scratch / "small-words"
    context.tool.run("apply", folder, context.policy_file("small-directory"), "--as", "gguf", "-o", target, codes=(1,))
    if target.exists():
        raise RuntimeError("a model was written without its tokenizer")
    context.row("gguf", f"gguf {context.version('gguf')}", "small llama, from a directory", policy, right)


def check_smollm2(context):
    """The real model, and its quality through the package's own dequantization."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    policy, _ = context.tool.policy(source, REAL, [source])
    written = context.written("gguf", source, policy, "smollm2-gguf")
    right = compare(source, policy, written / "model.gguf")
    ids = context.tokens()
    reference, quantized = LlamaFile(source), LlamaFile(written / "model.gguf")
    loss = np.mean([divergence(reference.logits(row, np.float32), quantized.logits(row, np.float32)) for row in ids])
    verified = context.tool.verify(source, context.policy_file("smollm2-gguf"), context.token_file())
    context.row("gguf", f"gguf {context.version('gguf')}, numpy", "SmolLM2-135M", policy, right, loss, verified)


QUICK = (check_small, check_small_directory)
CHECKS = (*QUICK, check_smollm2)
