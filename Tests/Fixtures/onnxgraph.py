"""A small builder of ONNX graphs."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class GraphBuilder:
    """Collects nodes and constants; tensors are referred to by name."""

    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.constants = {}

    def constant(self, name, value):
        """Add an initializer (once) and return its name."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, operator, name, *inputs, **attributes):
        """Add a node whose single output has the name of the node, and return that name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def save(self, path, inputs, output):
        """Check the model and write it; `inputs` and `output` are (name, element type, shape)."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info(*value) for value in inputs],
            [helper.make_tensor_value_info(*output)],
            list(self.constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="bitbudget-fixtures",
        )
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))
