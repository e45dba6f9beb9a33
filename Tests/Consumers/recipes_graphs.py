"""Quantizers of graphs: ONNX Runtime, NNCF for OpenVINO, coremltools."""

import numpy as np

from recipes import FULL, Recipe, integer
from recipes_toys import graph, llama, plain, token_rows


def attributes(node):
    """The integers of a node's attributes."""
    return {attribute.name: attribute.i for attribute in node.attribute}


def outputs(path, count):
    """What ONNX Runtime computes; fails where that is no number."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    values = session.run(None, {"x": np.ones((count, 256), np.float32)})[0]
    if not np.isfinite(values).all():
        raise RuntimeError("the quantized graph computes no numbers")
    return values


def matmulnbits(job):
    import onnx

    path = graph()
    job.run(job.export(path, path))
    # A Gemm that was taken apart computes what it did: codes of 8 bits change little.
    before, after = (outputs(name, 2) for name in (path, "OUT.onnx"))
    if not np.linalg.norm(after - before) < np.linalg.norm(before):
        raise RuntimeError("the quantized graph computes something else")
    found = {}
    for node in onnx.load("OUT.onnx").graph.node:
        if node.op_type == "MatMulNBits":
            values = attributes(node)
            # The quantizer adds something to the name of a node that it replaces.
            name = next(layer for layer in job.policy if node.name.startswith(layer))
            has_offset = len(node.input) > 3 and bool(node.input[3])
            found[name] = integer(values["bits"], values["block_size"], not has_offset)
        elif node.name in job.policy:
            found[node.name] = FULL
    return found


def quantize_dequantize(job):
    import onnx
    from onnx import numpy_helper
    from onnxruntime.quantization import CalibrationDataReader

    class Samples(CalibrationDataReader):
        def __init__(self):
            self.rest = iter([{"x": np.random.default_rng(0).standard_normal((4, 256)).astype(np.float32)}])

        def get_next(self):
            return next(self.rest, None)

    path = graph(convolution=True)
    job.run(job.export(path, path), calibration=Samples())
    outputs("OUT.onnx", 2)
    model = onnx.load("OUT.onnx").graph
    constants = {tensor.name: tensor for tensor in model.initializer}
    made = {node.output[0]: node for node in model.node}
    found = {}
    for node in model.node:
        if node.name not in job.policy:
            continue
        source = made.get(node.input[1])
        if source is None or source.op_type != "DequantizeLinear":
            found[node.name] = FULL
            continue
        codes, scale, zero = (constants[name] for name in source.input)
        kind = onnx.TensorProto.DataType.Name(codes.data_type)
        has_offset = bool(np.asarray(numpy_helper.to_array(zero)).astype(np.int32).any())
        symmetric = not kind.startswith("U") and not has_offset
        values = attributes(source)
        size = 0
        if scale.dims and int(np.prod(scale.dims)) > 1:
            outward = 0 if node.op_type == "Conv" or attributes(node).get("transB") else len(codes.dims) - 1
            size = -1 if values["axis"] == outward else 1  # 1: the wrong axis
        found[node.name] = integer(int(kind.rpartition("INT")[2]), size, symmetric)
        if node.name in job.ranges:
            found[node.name] += f"/{rounded_input(made[node.input[0]], constants, job.ranges[node.name])}"
    return found


def rounded_input(node, constants, ends):
    """The format in which a node's input is rounded, if that is to the range of the policy."""
    from onnx import TensorProto, numpy_helper

    if node.op_type != "DequantizeLinear":
        return "none"
    scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
    kind = TensorProto.DataType.Name(constants[node.input[2]].data_type)
    bits, low, high = int(kind.rpartition("INT")[2]), min(ends[0], 0), max(ends[1], 0)
    if kind.startswith("U"):
        name, step, middle = f"int{bits}-tensor", (high - low) / (2**bits - 1), round(-low * (2**bits - 1) / (high - low))
    else:
        name, step, middle = f"int{bits}-tensor-sym", max(-low, high) / (2 ** (bits - 1) - 1), 0
    if not np.isclose(scale, step, rtol=1e-5) or zero != middle:
        return f"{name} in steps of {scale} from {zero} instead of {step} from {middle}"
    return name


def nncf(job):
    import openvino
    import torch

    model, weights = llama()
    ids = token_rows(1, 8)
    with torch.no_grad():
        converted = openvino.convert_model(plain(model), example_input=ids)
    openvino.save_model(converted, "MODEL.xml", compress_to_fp16=False)
    job.run(job.export("MODEL", weights))
    core = openvino.Core()
    written = core.read_model("OUT.xml")
    values = core.compile_model(written, "CPU")(ids.numpy())[0]
    if not np.isfinite(values).all():
        raise RuntimeError("the compressed model computes no numbers")
    found = {}
    for node in written.get_ordered_ops():
        name = node.get_friendly_name().removeprefix("__module.").split("/")[0]
        if name in job.policy and node.get_type_name() in ("MatMul", "Gather"):
            weight = 0 if node.get_type_name() == "Gather" else 1
            found[name] = compressed(node.input_value(weight).get_node(), name)
    return found


def compressed(node, name):
    """The format of a weight: the constants behind the node that a product reads."""
    codes, has_offset = None, False
    while codes is None:
        kind = node.get_type_name()
        if kind == "Constant":
            codes = node
        elif kind in ("Convert", "Multiply", "Subtract", "Reshape"):
            has_offset = has_offset or kind == "Subtract"
            node = node.input_value(0).get_node()
        else:
            return f"behind a {kind}"
    kind, shape = codes.get_element_type().get_type_name(), list(codes.get_output_shape(0))
    if kind in ("f32", "f16", "bf16"):
        return FULL
    columns = 512 if name.endswith("down_proj") else 256
    size = shape[-1] if len(shape) == 3 and shape[-1] < columns else -1
    if kind == "nf4":
        return f"nf4-g{size}"
    return integer(int(kind.lstrip("iu")), size, kind.startswith("i") and not has_offset)


def coremltools(job):
    import coremltools as ct
    import torch

    model, weights = llama()
    ids = token_rows(1, 8).to(torch.int32)
    with torch.no_grad():
        traced = torch.jit.trace(plain(model), ids)
    ct.convert(
        traced,
        inputs=[ct.TensorType(shape=(1, 8), dtype=np.int32)],
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS18,
        skip_model_load=True,
    ).save("MODEL.mlpackage")
    job.run(job.export("MODEL", weights))
    program = ct.models.MLModel("OUT.mlpackage", skip_model_load=True).get_spec().mlProgram
    kinds = ct.proto.MIL_pb2.DataType
    (block,) = program.functions["main"].block_specializations.values()
    found = {}
    for operation in block.operations:
        output = operation.outputs[0].name
        names = [layer for layer in job.policy if output.startswith(f"{layer.replace('.', '_')}_weight_to_fp16")]
        if not names:
            continue
        if operation.type == "const":
            found.setdefault(names[0], FULL)
        if not operation.type.startswith("constexpr"):
            continue
        inputs = {
            key: value.value.type.tensorType
            for key, argument in operation.inputs.items()
            for value in argument.arguments
            if value.HasField("value")
        }
        kind = kinds.Name(inputs["data"].dataType)
        shape, (rows, columns) = (
            [size.constant.size for size in inputs[key].dimensions] for key in ("data", "scale")
        )
        size = 0 if (rows, columns) == (1, 1) else -1 if columns == 1 else shape[1] // columns
        found[names[0]] = integer(int(kind.rpartition("INT")[2]), size, "offset" not in inputs)
    return found


CONSUMERS = {
    "onnxruntime-matmulnbits": Recipe(
        "onnxruntime",
        "int4-g32 int8-g64 int2-g32 int4-g128-sym fp32 int8-g128-asym int4-g64-sym",
        matmulnbits,
        "quantized and run",
        ("onnx", "onnx-ir"),
    ),
    "onnxruntime-qdq": Recipe(
        "onnxruntime",
        "int4-channel int8-channel/int8-tensor fp32 int4-tensor-sym int8-channel/int16-tensor-sym int8-tensor/int8-tensor",
        quantize_dequantize,
        "quantized with random samples and run",
        ("onnx",),
    ),
    "nncf": Recipe(
        "nncf",
        "int8-channel int8-channel-asym int4-g64 int4-g128-sym nf4-g64 fp32 int4-channel-sym",
        nncf,
        "compressed, saved, compiled by OpenVINO and run",
        ("openvino", "transformers"),
    ),
    "coremltools": Recipe(
        "coremltools",
        "int8-channel int4-g32-sym int4-g64 int8-tensor fp32 int8-channel-asym",
        coremltools,
        "quantized and saved; running needs macOS",
        ("transformers",),
    ),
}
