"""llama.cpp: it quantizes by the file that `export` writes, and runs the GGUF file that `apply` writes."""

import ctypes
import sys

import gguf
import llama_cpp
import numpy as np

from llamas import write_small_gguf
from losses import divergence
from with_gguf import ALL, REAL, TYPES, tensors

# What can be measured, and the types to which only llama.cpp itself rounds.
EXPORTED = (*ALL, "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs")
ERROR = 4  # GGML_LOG_LEVEL_ERROR


@llama_cpp.llama_log_callback
def log(level, text, _):
    """Errors on standard error; of the warnings, which the package shows as well, there is one for every tensor."""
    if level == ERROR:
        sys.stderr.write(text.decode(errors="replace"))


llama_cpp.llama_log_set(log, None)


def kind_of(name):
    """The GGUF type of a format's name."""
    return gguf.GGMLQuantizationType[TYPES.get(name, name.upper())]


def taking_turns(context, source, formats):
    """A policy whose layers take turns with the formats that their rows can be cut into."""
    policy, _ = context.tool.policy(source, ("fp32",), [source])
    before = tensors(source)
    fixed = policy["bytes"] - sum(layer["bytes"] for layer in policy["layers"])
    for index, layer in enumerate(policy["layers"]):
        columns, *rows = (int(size) for size in before[layer["tensor"]].shape)
        blocks = {name: gguf.GGML_QUANT_SIZES[kind_of(name)] for name in formats}
        fitting = [name for name in formats if columns % blocks[name][0] == 0]
        layer["weight"] = fitting[index % len(fitting)]
        weights, size = blocks[layer["weight"]]
        layer["bytes"] = columns * int(np.prod(rows)) // weights * size
    total = sum(layer["bytes"] for layer in policy["layers"])
    policy |= {"bytes": total + fixed, "bpw": 8 * total / policy["model"]["weights"]}
    return policy


def overrides(path):
    """The array that llama-quantize makes of a `--tensor-type-file`; a pattern of null ends it."""
    pairs = [token.split("=", 1) for token in path.read_text().split()]
    array = (llama_cpp.llama_model_tensor_override * (len(pairs) + 1))()
    for entry, (pattern, kind) in zip(array, pairs):
        entry.pattern = pattern.lower().encode()
        entry.type = gguf.GGMLQuantizationType[kind.upper()]
    return array


def quantized(context, source, policy, name):
    """The file that llama.cpp makes of a model by what `export` writes of a policy."""
    folder = context.exported("llama.cpp", policy, name)
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    settings.nthread = 1
    array = overrides(folder / "tensor_types.txt")
    settings.tt_overrides = array
    target = folder / "model.gguf"
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(settings))
    if code != 0:
        raise RuntimeError(f"llama_model_quantize ends with {code}")
    return target


def compare(source, policy, written, twin=None):
    """Layers that have the policy's type and bytes; and the numbers of the same layers in a `twin`, if there is one."""
    before, after = tensors(source), tensors(written)
    twins = tensors(twin) if twin else after
    if not set(before) == set(after) == set(twins):
        raise RuntimeError("the written file has other tensors than the source")
    chosen = {layer["tensor"]: layer for layer in policy["layers"]}
    right = 0
    for name, tensor in after.items():
        layer = chosen.get(name)
        if layer is None:
            if tensor.tensor_type != before[name].tensor_type or not np.array_equal(tensor.data, before[name].data):
                raise RuntimeError(f"{name} was to be left alone")
            continue
        right += (
            tensor.tensor_type == kind_of(layer["weight"]) == twins[name].tensor_type
            and tensor.data.nbytes == layer["bytes"]
            and tensor.data.tobytes() == twins[name].data.tobytes()
        )
    return right


def logits(path, sequences):
    """The logits after each token of each sequence, computed by llama.cpp with attention in singles."""
    size = sequences.shape[1]
    single = llama_cpp.GGML_TYPE_F32
    settings = dict(n_ctx=size, n_batch=size, n_threads=1, n_threads_batch=1, type_k=single, type_v=single)
    model = llama_cpp.Llama(str(path), logits_all=True, verbose=False, **settings)
    results = []
    for row in sequences:
        model.reset()
        model.eval(row.tolist())
        results.append(model.scores[:size].copy())
    model.close()
    return results


def reader(context):
    """Who reads."""
    return f"llama-cpp-python {context.version('llama-cpp-python')}"


def check_exported_small(context):
    """Every type that the exporter knows, on a small random model."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy = taking_turns(context, source, EXPORTED)
    right = compare(source, policy, quantized(context, source, policy, "small-types"))
    context.row("llama.cpp", reader(context), "small llama", policy, right)


def check_exported_smollm2(context):
    """The same on the real model, whose rows of 576 weights few types can cut."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    policy = taking_turns(context, source, EXPORTED)
    right = compare(source, policy, quantized(context, source, policy, "smollm2-types"))
    context.row("llama.cpp", reader(context), "SmolLM2-135M", policy, right)


def check_applied_small(context):
    """Every type that `apply` writes, against llama.cpp's own rounding."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy, _ = context.tool.policy(source, ALL, [source])
    written = context.written("gguf", source, policy, "small-applied") / "model.gguf"
    right = compare(source, policy, written, quantized(context, source, policy, "small-twin"))
    context.row("gguf", reader(context), "small llama", policy, right)


def check_applied_smollm2(context):
    """The real model against llama.cpp's own rounding, and its quality in llama.cpp."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    policy, _ = context.tool.policy(source, REAL, [source])
    written = context.written("gguf", source, policy, "smollm2-applied") / "model.gguf"
    right = compare(source, policy, written, quantized(context, source, policy, "smollm2-twin"))
    ids = context.tokens()
    pairs = zip(logits(source, ids), logits(written, ids), strict=True)
    loss = np.mean([divergence(reference, changed) for reference, changed in pairs])
    verified = context.tool.verify(source, context.policy_file("smollm2-applied"), context.token_file())
    context.row("gguf", reader(context), "SmolLM2-135M", policy, right, loss, verified)


CHECKS = (check_exported_small, check_exported_smollm2, check_applied_small, check_applied_smollm2)
