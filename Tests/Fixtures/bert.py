"""The forward pass of a BERT encoder in numpy float64, written for clarity: a reference for the tests."""

import math

import numpy as np

_erf = np.frompyfunc(math.erf, 1, 1)


class BertEncoder:
    """A BERT-like encoder with Hugging Face weight names."""

    def __init__(self, tensors, config):
        self.tensors = {name: value for name, value in tensors.items() if np.issubdtype(value.dtype, np.floating)}
        self.heads = config["num_attention_heads"]
        self.layers = config["num_hidden_layers"]
        self.epsilon = config["layer_norm_eps"]

    def tensor(self, name):
        """A weight in float64."""
        return self.tensors[name].astype(np.float64)

    def linear(self, x, name):
        """x @ W.T + b."""
        return x @ self.tensor(f"{name}.weight").T + self.tensor(f"{name}.bias")

    def norm(self, x, name):
        """Layer normalisation of the last axis."""
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return centred / deviation * self.tensor(f"{name}.weight") + self.tensor(f"{name}.bias")

    def attention(self, x, name):
        """Multi-head self-attention over all tokens."""
        count, hidden = x.shape
        query, key, value = (
            self.linear(x, f"{name}.self.{part}").reshape(count, self.heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = softmax(query @ key.transpose(0, 2, 1) / math.sqrt(hidden // self.heads))
        context = (weights @ value).transpose(1, 0, 2).reshape(count, hidden)
        return self.linear(context, f"{name}.output.dense")

    def hidden_states(self, ids):
        """The last hidden state of one sequence of token ids: [tokens, hidden]."""
        x = self.tensor("embeddings.word_embeddings.weight")[ids]
        x = x + self.tensor("embeddings.position_embeddings.weight")[: len(ids)]
        x = x + self.tensor("embeddings.token_type_embeddings.weight")[0]
        x = self.norm(x, "embeddings.LayerNorm")
        for index in range(self.layers):
            name = f"encoder.layer.{index}"
            x = self.norm(x + self.attention(x, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            inner = gelu(self.linear(x, f"{name}.intermediate.dense"))
            x = self.norm(x + self.linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x


def softmax(scores):
    """The softmax of the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def gelu(x):
    """The exact GELU."""
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)).astype(np.float64))


def sentence_embedding(hidden_states):
    """The mean over all tokens, L2-normalised."""
    mean = hidden_states.mean(axis=0)
    return mean / np.linalg.norm(mean)
