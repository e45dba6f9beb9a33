"""all-MiniLM-L6-v2 as fp32 ONNX: (input_ids, attention_mask) -> embedding, mean-pooled and L2-normalised."""

import json
import math

import numpy as np
from onnx import TensorProto
from safetensors.numpy import load_file

from onnxgraph import GraphBuilder
from workspace import say

MASKED = np.float32(-1e9)


class MiniLM:
    """Translates the Hugging Face weights into a graph, layer by layer."""

    def __init__(self, tensors, config):
        self.tensors = tensors
        self.hidden = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.layers = config["num_hidden_layers"]
        self.epsilon = config["layer_norm_eps"]
        self.graph = GraphBuilder("all-MiniLM-L6-v2")

    def weight(self, name):
        """A tensor of the checkpoint as a constant."""
        return self.graph.constant(name, self.tensors[name])

    def scalar(self, name, value):
        """A float32 scalar as a constant."""
        return self.graph.constant(name, np.float32(value))

    def integers(self, name, values):
        """An int64 array as a constant."""
        return self.graph.constant(name, np.array(values, np.int64))

    def linear(self, x, name, prefix):
        """x @ W.T + b, as a MatMul with the transposed weight and an Add."""
        weight = self.graph.constant(f"{prefix}.weight_T", self.tensors[f"{prefix}.weight"].T)
        product = self.graph.node("MatMul", f"{name}.matmul", x, weight)
        return self.graph.node("Add", name, product, self.weight(f"{prefix}.bias"))

    def norm(self, x, name, prefix):
        """Layer normalisation of the last axis."""
        parts = self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")
        return self.graph.node("LayerNormalization", name, x, *parts, axis=-1, epsilon=self.epsilon)

    def embeddings(self):
        """Word, position and (constant) type embeddings."""
        graph = self.graph
        words = graph.node("Gather", "words", self.weight("embeddings.word_embeddings.weight"), "input_ids")
        shape = graph.node("Shape", "shape", "input_ids")
        length = graph.node("Slice", "length", shape, self.integers("one", [1]), self.integers("two", [2]))
        position_and_type = (
            self.tensors["embeddings.position_embeddings.weight"]
            + self.tensors["embeddings.token_type_embeddings.weight"][0]
        )
        table = graph.constant("embeddings.position_and_type.weight", position_and_type)
        positions = graph.node("Slice", "positions", table, self.integers("zero", [0]), length)
        return self.norm(graph.node("Add", "embedded", words, positions), "embeddings", "embeddings.LayerNorm")

    def heads_of(self, x, name, permutation):
        """Split the last axis into heads and move them to the second axis."""
        shape = self.integers("split_shape", [0, 0, self.heads, self.hidden // self.heads])
        split = self.graph.node("Reshape", f"{name}.split", x, shape)
        return self.graph.node("Transpose", f"{name}.heads", split, perm=permutation)

    def attention(self, x, name, prefix, mask):
        """Multi-head attention up to the projection of its output."""
        graph = self.graph
        query, key, value = (
            self.heads_of(self.linear(x, f"{name}.{part}", f"{prefix}.self.{part}"), f"{name}.{part}", permutation)
            for part, permutation in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        scores = graph.node("MatMul", f"{name}.scores", query, key)
        scale = self.scalar("attention_scale", 1 / math.sqrt(self.hidden // self.heads))
        scores = graph.node("Mul", f"{name}.scaled", scores, scale)
        scores = graph.node("Add", f"{name}.masked", scores, mask)
        weights = graph.node("Softmax", f"{name}.weights", scores, axis=-1)
        context = graph.node("MatMul", f"{name}.mixed", weights, value)
        context = graph.node("Transpose", f"{name}.joined", context, perm=[0, 2, 1, 3])
        context = graph.node("Reshape", f"{name}.context", context, self.integers("join_shape", [0, 0, self.hidden]))
        return self.linear(context, f"{name}.output", f"{prefix}.output.dense")

    def gelu(self, x, name):
        """The exact GELU: x * (1 + erf(x / sqrt 2)) * 0.5."""
        graph = self.graph
        inner = graph.node("Div", f"{name}.inner", x, self.scalar("sqrt_two", math.sqrt(2)))
        inner = graph.node("Erf", f"{name}.erf", inner)
        inner = graph.node("Add", f"{name}.plus_one", inner, self.scalar("one_float", 1))
        product = graph.node("Mul", f"{name}.product", x, inner)
        return graph.node("Mul", name, product, self.scalar("half", 0.5))

    def layer(self, x, index, mask):
        """One layer of the encoder."""
        prefix, name, graph = f"encoder.layer.{index}", f"layer.{index}", self.graph
        attended = self.attention(x, f"{name}.attention", f"{prefix}.attention", mask)
        x = graph.node("Add", f"{name}.attention.residual", attended, x)
        x = self.norm(x, f"{name}.attention.norm", f"{prefix}.attention.output.LayerNorm")
        inner = self.gelu(self.linear(x, f"{name}.intermediate", f"{prefix}.intermediate.dense"), f"{name}.gelu")
        outer = self.linear(inner, f"{name}.output", f"{prefix}.output.dense")
        outer = graph.node("Add", f"{name}.residual", outer, x)
        return self.norm(outer, f"{name}.norm", f"{prefix}.output.LayerNorm")

    def build(self, path):
        """Build the whole network and save it."""
        graph = self.graph
        x = self.embeddings()
        present = graph.node("Cast", "present", "attention_mask", to=TensorProto.FLOAT)
        absent = graph.node("Sub", "absent", self.scalar("one_float", 1), present)
        mask = graph.node("Mul", "mask_values", absent, self.scalar("masked", MASKED))
        mask = graph.node("Unsqueeze", "mask", mask, self.integers("head_and_query_axes", [1, 2]))
        for index in range(self.layers):
            x = self.layer(x, index, mask)
        present = graph.node("Unsqueeze", "present_column", present, self.integers("last_axis", [-1]))
        token_axis = self.integers("token_axis", [1])
        total = graph.node("ReduceSum", "total", graph.node("Mul", "kept", x, present), token_axis, keepdims=0)
        count = graph.node("ReduceSum", "count", present, token_axis, keepdims=0)
        graph.node("LpNormalization", "embedding", graph.node("Div", "pooled", total, count), axis=-1, p=2)
        graph.save(
            path,
            [(name, TensorProto.INT64, ["B", "T"]) for name in ("input_ids", "attention_mask")],
            ("embedding", TensorProto.FLOAT, ["B", self.hidden]),
        )


def build(workspace):
    """Make minilm-onnx/."""
    source = workspace.finished("minilm")
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    model = MiniLM(load_file(source / "model.safetensors"), config)
    model.build(workspace.new_folder("minilm-onnx") / "model.onnx")
    say(f"minilm-onnx: wrote a model of {len(model.graph.nodes)} nodes")
