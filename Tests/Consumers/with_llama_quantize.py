"""llama.cpp's own quantizer: it quantizes by the file that `export` writes, as `llama-quantize` does."""

import ctypes
import os
import sys
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

from llama import LlamaFile, bpe_tokenizer
from llamas import SMALL, settings_of, small_tensors, write_hugging_face, write_small_gguf
from losses import divergence
from with_gguf import REAL, TYPES, same_layers, tensors
from with_llamacpp import EVERY, SEARCHED

# The types that the tool rounds with ggml's own library, which is to be the one that quantizes here.
os.environ["BITBUDGET_GGML"] = str(Path(llama_cpp.__file__).parent / "lib")
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
    """Layers that have the policy's type and bytes; and the bytes of the same layers in a `twin`, if there is one."""
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


def lost(context, source, written):
    """What a written SmolLM2 loses in llama.cpp, on real text."""
    ids = context.tokens()
    pairs = zip(logits(source, ids), logits(written, ids), strict=True)
    return np.mean([divergence(reference, changed) for reference, changed in pairs])


def reader(context):
    """Who reads."""
    return f"llama-cpp-python {context.version('llama-cpp-python')}"


def check_exported_small(context):
    """Every type that the exporter knows, on a small random model."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy, _ = context.tool.policy(source, EVERY, [source])
    right = compare(source, policy, quantized(context, source, policy, "small-types"))
    context.row("llama.cpp", reader(context), "small llama", policy, right)


def check_exported_smollm2(context):
    """The same on the real model, whose rows of 576 weights few types can cut."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    policy, _ = context.tool.policy(source, EVERY, [source])
    right = compare(source, policy, quantized(context, source, policy, "smollm2-types"))
    context.row("llama.cpp", reader(context), "SmolLM2-135M", policy, right)


def check_applied_small(context):
    """Every type that `apply` writes, against llama.cpp's own rounding."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    policy, _ = context.tool.policy(source, EVERY, [source])
    written = context.written("gguf", source, policy, "small-applied") / "model.gguf"
    right = compare(source, policy, written, quantized(context, source, policy, "small-twin"))
    context.row("gguf", reader(context), "small llama", policy, right)


def check_applied_smollm2(context):
    """The real model against llama.cpp's own rounding, and its quality in llama.cpp."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    policy, _ = context.tool.policy(source, (*REAL, *SEARCHED), [source])
    written = context.written("gguf", source, policy, "smollm2-applied") / "model.gguf"
    right = compare(source, policy, written, quantized(context, source, policy, "smollm2-twin"))
    loss = lost(context, source, written)
    verified = context.tool.verify(source, context.policy_file("smollm2-applied"), context.token_file())
    context.row("gguf", reader(context), "SmolLM2-135M", policy, right, loss, verified)


def check_directory(context, model, source, tensors, settings, formats, tokenizer=None, judged=False):
    """A Hugging Face directory becomes the very file that llama.cpp makes of the GGUF file of the same model."""
    folder = context.scratch / f"{model}-hf"
    names = write_hugging_face(folder, tensors, settings)
    if tokenizer:
        tokenizer.save(str(folder / "tokenizer.json"))
    policy, _ = context.tool.policy(folder, formats, [folder / "model.safetensors"])
    written = context.written("gguf", folder, policy, f"{model}-directory") / "model.gguf"
    twin = same_layers(context, policy, names, source)
    made = quantized(context, source, twin, f"{model}-directory-twin")
    right = compare(source, twin, written, made)
    ids = np.arange(8, 24)[None]
    ours, theirs = logits(written, ids), logits(made, ids)
    if not np.array_equal(ours, theirs):
        raise RuntimeError("llama.cpp computes something else from the written file")
    loss = lost(context, source, written) if judged else None
    # The tool computes the directory, whose queries and keys are in the other order.
    file = context.policy_file(f"{model}-directory")
    verified = context.tool.verify(folder, file, context.token_file()) if judged else None
    context.row("gguf", reader(context), f"{model}, from a directory", policy, right, loss, verified)
    return written


def check_small_directory(context):
    """Without a tokenizer, every type."""
    source = context.scratch / "small.gguf"
    write_small_gguf(source)
    check_directory(context, "small llama", source, small_tensors(), SMALL, EVERY)


def check_smollm2_directory(context):
    """With the tokenizer, which cuts text as that of the GGUF file does."""
    source = context.fixtures / "smollm2" / "permuted.gguf"
    file = LlamaFile(source)
    tokenizer = bpe_tokenizer(file, parse_special=True)
    formats = (*REAL, *SEARCHED)
    written = check_directory(
        context, "SmolLM2-135M", source, file.tensors, settings_of(file), formats, tokenizer, judged=True
    )
    text = (context.fixtures / "text" / "wiki-heldout.txt").read_text(encoding="utf-8")[:4000] + "<|im_start|>user"
    cut = []
    for path in (source, written):
        vocabulary = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        cut.append(vocabulary.tokenize(text.encode(), add_bos=False, special=True))
    if cut[0] != cut[1] or len(cut[0]) < 500:
        raise RuntimeError("llama.cpp cuts text otherwise by the written tokenizer")


QUICK = (check_exported_small, check_applied_small, check_small_directory)
CHECKS = (*QUICK, check_exported_smollm2, check_applied_smollm2, check_smollm2_directory)
