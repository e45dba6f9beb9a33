"""ONNX files of rounded weights, run by ONNX Runtime."""

import json

import numpy as np
import onnx
import onnxruntime
from onnx.numpy_helper import to_array
from onnxruntime.quantization import CalibrationDataReader

from losses import divergence, vector_error
from references import preprocess
from roundtrips import asymmetric, grouped, symmetric
from tokenizers import Tokenizer

FORMATS = ("int4-g64", "int6-channel", "int8-g64", "int5-g32", "int4-g32-sym", "int8-tensor")
PHOTOS = 24
SENTENCES = 32
STANDARD = {bits: "asym" if bits <= 4 else "sym" for bits in range(2, 9)}


def round_trip(weight, name):
    """What a weight [outputs, inputs...] becomes, in numpy."""
    kind, granularity, *rest = name.split("-")
    bits = int(kind.removeprefix("int"))
    symmetry = rest[0] if rest else STANDARD[bits]
    rows = weight.reshape(weight.shape[0], -1)
    function = asymmetric if symmetry == "asym" else symmetric
    return function(grouped(rows, granularity), bits).reshape(weight.shape) + np.float32(0)


def compare(source, policy, written):
    """Layers whose initializer is the round trip of the source's."""
    before, after = (onnx.load(path) for path in (source, written))
    onnx.checker.check_model(after)
    constants = {tensor.name: to_array(tensor) for tensor in before.graph.initializer}
    changed = {tensor.name: to_array(tensor) for tensor in after.graph.initializer}
    chosen = {layer["tensor"]: layer for layer in policy["layers"]}
    right = 0
    for name, value in constants.items():
        if name not in chosen:
            if not np.array_equal(value, changed[name], equal_nan=value.dtype.kind == "f"):
                raise RuntimeError(f"{name} was to be left alone")
            continue
        layer = chosen[name]
        straight = round_trip(value, layer["weight"])
        turned = round_trip(np.ascontiguousarray(value.T), layer["weight"]).T if value.ndim == 2 else straight
        right += any(np.array_equal(changed[name], expected) for expected in (straight, turned))
    return right


def check(context, name, source, inputs, loss):
    """Write, compare every weight, run both files."""
    policy, _ = context.tool.policy(source, FORMATS, [source])
    written = context.written("onnx-fake", source, policy, name) / "model.onnx"
    right = compare(source, policy, written)
    outputs = []
    for path in (source, written):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        outputs.append(session.run(None, inputs)[0])
    data = context.scratch / f"{name}.npz"
    np.savez(data, **inputs)
    verified = context.tool.verify(source, context.policy_file(name), data)
    consumer = f"onnxruntime {context.version('onnxruntime')}"
    context.row("onnx-fake", consumer, name, policy, right, loss(*outputs), verified)


def check_efficientnet(context):
    """A classifier on photos."""
    paths = sorted((context.fixtures / "photos").glob("*.png"))[:PHOTOS]
    inputs = {"input": np.stack([preprocess(path) for path in paths])}
    source = context.fixtures / "efficientnet-lite0" / "model.onnx"
    check(context, "EfficientNet-Lite0", source, inputs, divergence)


def check_minilm(context):
    """A sentence encoder on sentences."""
    tokenizer = Tokenizer.from_file(str(context.fixtures / "minilm" / "tokenizer.json"))
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding(length=64)
    lines = (context.fixtures / "text" / "sentences.txt").read_text(encoding="utf-8").splitlines()[:SENTENCES]
    encoded = tokenizer.encode_batch(lines)
    inputs = {
        "input_ids": np.array([item.ids for item in encoded], np.int64),
        "attention_mask": np.array([item.attention_mask for item in encoded], np.int64),
    }
    check(context, "MiniLM", context.fixtures / "minilm-onnx" / "model.onnx", inputs, vector_error)


class Photos(CalibrationDataReader):
    """One batch; of the ranges that it gives none is taken where the policy has them all."""

    def __init__(self, inputs):
        self.rest = iter([inputs])

    def get_next(self):
        return next(self.rest, None)


def check_quantized(context):
    """What `plan` chooses among 8-bit weights with and without 8-bit inputs, quantized by ONNX Runtime itself."""
    source = context.fixtures / "efficientnet-lite0" / "model.onnx"
    paths = sorted((context.fixtures / "photos").glob("*.png"))[:PHOTOS]
    inputs = {"input": np.stack([preprocess(path) for path in paths])}
    data, study = context.scratch / "photos.npz", context.scratch / "qdq-study"
    np.savez(data, **inputs)
    formats = "int8-channel-sym/int8-tensor,int4-channel-sym/int8-tensor"
    context.tool.run("measure", source, "--data", data, "--all", "--formats", formats, "-o", study, "-q")
    file = context.policy_file("qdq")
    context.tool.run("plan", study, "--budget", "7bpw", "-o", file, "-q")
    policy = json.loads(file.read_text())
    exported = context.scratch / "qdq-overrides.json"
    told = context.tool.run("export", file, "--to", "onnxruntime-qdq", "-o", exported, "--json", "-q")
    code = json.loads(told)["next"].replace('"MODEL.onnx"', repr(str(source)))
    quantized = context.scratch / "qdq.onnx"
    names = {"calibration": Photos(inputs), "__name__": "snippet"}
    exec(compile(code.replace('"OUT.onnx"', repr(str(quantized))), "next", "exec"), names)
    outputs = []
    for path in (source, quantized):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        outputs.append(session.run(None, inputs)[0])
    verified = context.tool.verify(source, file, data)
    consumer = f"onnxruntime {context.version('onnxruntime')}"
    right = rounded(quantized, policy)
    context.row("onnxruntime-qdq", consumer, "EfficientNet-Lite0", policy, right, divergence(*outputs), verified)


def rounded(path, policy):
    """Layers whose weight has the policy's width, and whose input is rounded to the policy's range."""
    graph = onnx.load(path).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made = {output: node for node in graph.node for output in node.output}
    uses = {name: node for node in graph.node for name in node.input}
    right = 0
    for layer in policy["layers"]:
        codes = constants[f"{layer['tensor']}_quantized"]
        kind = onnx.TensorProto.DataType.Name(codes.data_type)
        node = uses[uses[codes.name].output[0]]
        _, scale, zero = made[node.input[0]].input
        low, high = min(layer["activationRange"][0], 0), max(layer["activationRange"][1], 0)
        right += (
            kind == f"INT{layer['weight'].split('-')[0][3:]}"
            and layer["activation"] == "int8-tensor"
            and np.isclose(to_array(constants[scale]), (high - low) / 255, rtol=1e-5)
            and to_array(constants[zero]) == round(-low * 255 / (high - low))
        )
    return right


CHECKS = QUICK = (check_efficientnet, check_minilm, check_quantized)
