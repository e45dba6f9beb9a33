"""Llama models in GGUF files: metadata, dequantized tensors, tokenizer, and the forward pass in numpy."""

from dataclasses import dataclass

import gguf
import numpy as np
from gguf.quants import dequantize
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from bert import softmax

ARCHITECTURE = "llama"


@dataclass(frozen=True)
class LlamaConfig:
    """The numbers that define the computation."""

    blocks: int
    heads: int
    kv_heads: int
    epsilon: float
    rope_base: float


class LlamaFile:
    """A GGUF file of the llama architecture with its tensors as float32."""

    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.config = LlamaConfig(
            blocks=self.field("llama.block_count"),
            heads=self.field("llama.attention.head_count"),
            kv_heads=self.field("llama.attention.head_count_kv"),
            epsilon=self.field("llama.attention.layer_norm_rms_epsilon"),
            rope_base=self.field("llama.rope.freq_base"),
        )
        self.tensors = {tensor.name: dequantized(tensor) for tensor in self.reader.tensors}

    def field(self, key):
        """The value of a metadata key."""
        return self.reader.fields[key].contents()

    def logits(self, ids, dtype=np.float64):
        """The logits after each token: [tokens, vocabulary]."""
        return forward(self.tensors, self.config, ids, dtype)


def dequantized(tensor):
    """A tensor of a GGUF reader as float32 with its rows first (GGUF lists the shape in reverse)."""
    shape = [int(size) for size in reversed(tensor.shape)]
    return dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(shape)


def rms_norm(x, weight, epsilon):
    """Root mean square normalisation of the last axis."""
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon) * weight


def rotate(x, base):
    """Rotary position embedding of [heads, tokens, size] with the interleaved pairs of GGUF llama files."""
    _, count, size = x.shape
    angles = np.arange(count)[:, None] * base ** (-np.arange(0, size, 2) / size)
    cosine, sine = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    rotated = np.empty_like(x)
    rotated[..., 0::2] = even * cosine - odd * sine
    rotated[..., 1::2] = even * sine + odd * cosine
    return rotated


def forward(tensors, config, ids, dtype):
    """The logits after each token, computed in `dtype`."""

    def tensor(name):
        return tensors[f"{name}.weight"].astype(dtype)

    def linear(x, name):
        return x @ tensor(name).T

    def split(x, heads):
        return x.reshape(len(ids), heads, -1).transpose(1, 0, 2)

    future = np.triu(np.full((len(ids), len(ids)), -np.inf, dtype), 1)
    epsilon = dtype(config.epsilon)
    x = tensors["token_embd.weight"][ids].astype(dtype)
    for index in range(config.blocks):
        block = f"blk.{index}"
        normed = rms_norm(x, tensor(f"{block}.attn_norm"), epsilon)
        query = rotate(split(linear(normed, f"{block}.attn_q"), config.heads), config.rope_base)
        key = rotate(split(linear(normed, f"{block}.attn_k"), config.kv_heads), config.rope_base)
        value = split(linear(normed, f"{block}.attn_v"), config.kv_heads)
        key, value = (np.repeat(part, config.heads // config.kv_heads, axis=0) for part in (key, value))
        scores = query @ key.transpose(0, 2, 1) / dtype(np.sqrt(query.shape[-1]))
        context = softmax(scores + future) @ value
        x = x + linear(context.transpose(1, 0, 2).reshape(len(ids), -1), f"{block}.attn_output")
        normed = rms_norm(x, tensor(f"{block}.ffn_norm"), epsilon)
        gate = linear(normed, f"{block}.ffn_gate")
        inner = gate / (1 + np.exp(-gate)) * linear(normed, f"{block}.ffn_up")
        x = x + linear(inner, f"{block}.ffn_down")
    head = "output" if "output.weight" in tensors else "token_embd"
    return linear(rms_norm(x, tensor("output_norm"), epsilon), head)


def negative_log_likelihoods(logits, targets):
    """-log p of each target given the logits before it."""
    highest = logits.max(axis=-1)
    log_sum = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=-1))
    return log_sum - logits[np.arange(len(targets)), targets]


def bpe_tokenizer(file, parse_special=False):
    """The tokenizer of a GGUF file (pre-tokenizer 'smollm'); it adds no token at the start.

    Text that looks like a special token is plain text unless `parse_special` is set.
    """
    tokens = file.field("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ", 1)) for merge in file.field("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    if parse_special:
        tokenizer.add_special_tokens(
            [AddedToken(token, special=True, normalized=False) for token in special_tokens(file)]
        )
    return tokenizer


def special_tokens(file):
    """The control tokens of the vocabulary."""
    kinds = file.field("tokenizer.ggml.token_type")
    tokens = file.field("tokenizer.ggml.tokens")
    return [token for token, kind in zip(tokens, kinds, strict=True) if kind == gguf.TokenType.CONTROL]
