"""llama.cpp, as the wheel of xllamacpp holds it: it runs the GGUF files that `apply` writes.

The wheel lacks llama_model_quantize: that is asked in `llamacpp.py`, for which llama.cpp is compiled. Its
quantizers are here, and every layer is what they make of the weights.
"""

import importlib.metadata
import os

import gguf
import numpy as np

from llama import LlamaFile, bpe_tokenizer
from llama_library import Model, quantized
from llamas import SMALL, settings_of, small_tensors, write_hugging_face, write_small_gguf
from losses import divergence
from with_gguf import ALL, REAL, TYPES, same_layers, tensors

# The types that the tool rounds with ggml's own library: that of pywhispercpp's wheel, another one than llama.cpp's
# here.
SEARCHED = ("q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs")
EVERY = (*ALL, *SEARCHED)
BASE = next(
    path.locate()
    for path in importlib.metadata.files("pywhispercpp")
    if path.name.startswith("libggml-base.so")
)
os.environ.setdefault("BITBUDGET_GGML", str(BASE))


def reader(context):
    """Who reads."""
    return f"llama.cpp (xllamacpp {context.version('xllamacpp')})"


def compare(source, policy, written):
    """Layers that have the policy's type and the bytes that ggml's quantizer makes of the source's weights."""
    before, after = tensors(source), tensors(written)
    if set(before) != set(after):
        raise RuntimeError("the written file has other tensors than the source")
    right = 0
    for layer in policy["layers"]:
        was, now = before[layer["tensor"]], after[layer["tensor"]]
        kind = gguf.GGMLQuantizationType[TYPES.get(layer["weight"], layer["weight"].upper())]
        rows = [int(size) for size in reversed(was.shape)]
        weights = gguf.quants.dequantize(was.data, was.tensor_type).reshape(rows)
        data = now.data.tobytes()
        right += now.tensor_type == kind and len(data) == layer["bytes"] and data == quantized(weights, int(kind))
    return right


def logits(path, sequences):
    """The logits of each sequence."""
    with Model(path) as model:
        return [model.logits(row) for row in sequences]


def lost(context, source, written):
    """What a written SmolLM2 loses in llama.cpp, on real text."""
    ids = context.tokens()
    pairs = zip(logits(source, ids), logits(written, ids), strict=True)
    return np.mean([divergence(reference, changed) for reference, changed in pairs])


def check_small(context):
    """Every type, on a small random model, which llama.cpp computes as the file says."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy, _ = context.tool.policy(source, EVERY, [source])
    written = context.written("gguf", source, policy, "small-llamacpp") / "model.gguf"
    ids = np.arange(8, 24)
    [theirs] = logits(written, [ids])
    # gguf's package dequantizes every type, and numpy does not round the layers' inputs, as llama.cpp does.
    ours = LlamaFile(written).logits(ids, np.float32)
    [original] = logits(source, [ids])
    apart, moved = np.linalg.norm(theirs - ours), np.linalg.norm(original - ours)
    if not apart < 0.05 * np.linalg.norm(ours) or not apart < 0.5 * moved:
        raise RuntimeError(f"llama.cpp's logits are {apart} from the file's, and the original's {moved}")
    context.row("gguf", reader(context), "small llama", policy, compare(source, policy, written))


def check_small_directory(context):
    """The same model as a Hugging Face directory is the same to llama.cpp."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    folder = context.scratch / "small-hf"
    names = write_hugging_face(folder, small_tensors(), SMALL)
    policy, _ = context.tool.policy(folder, EVERY, [folder / "model.safetensors"])
    written = context.written("gguf", folder, policy, "small-llamacpp-directory") / "model.gguf"
    twin = same_layers(context, policy, names, source)
    other = context.written("gguf", source, twin, "small-llamacpp-twin") / "model.gguf"
    ids = [np.arange(8, 24)]
    if not np.array_equal(logits(written, ids), logits(other, ids)):
        raise RuntimeError("llama.cpp computes something else from the directory's file")
    context.row("gguf", reader(context), "small llama, from a directory", policy, compare(source, twin, written))


def check_smollm2(context):
    """The real model: every layer, its quality in llama.cpp, and its tokenizer."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    file = LlamaFile(source)
    folder = context.scratch / "smollm2-hf"
    names = write_hugging_face(folder, file.tensors, settings_of(file))
    bpe_tokenizer(file, parse_special=True).save(str(folder / "tokenizer.json"))
    policy, _ = context.tool.policy(folder, (*REAL, *SEARCHED), [folder / "model.safetensors"])
    written = context.written("gguf", folder, policy, "smollm2-llamacpp") / "model.gguf"
    text = (context.fixtures / "text" / "wiki-heldout.txt").read_text(encoding="utf-8")[:4000] + "<|im_start|>user"
    cut = []
    for path in (source, written):
        with Model(path) as model:
            cut.append(model.tokens(text))
    if cut[0] != cut[1] or len(cut[0]) < 500:
        raise RuntimeError("llama.cpp cuts text otherwise by the written tokenizer")
    right = compare(source, same_layers(context, policy, names, source), written)
    loss = lost(context, source, written)
    verified = context.tool.verify(folder, context.policy_file("smollm2-llamacpp"), context.token_file())
    context.row("gguf", reader(context), "SmolLM2-135M, from a directory", policy, right, loss, verified)


QUICK = (check_small, check_small_directory)
CHECKS = (*QUICK, check_smollm2)
