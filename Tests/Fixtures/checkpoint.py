"""Read the tensors of a PyTorch checkpoint in its legacy format, without PyTorch.

The format is a row of pickles (magic number, protocol version, system information, the object itself, the list
of storage keys) followed by each storage: its number of elements as int64, then the elements. Tensors inside the
object are pickled as calls of `_rebuild_tensor*` on a storage that is given as a "persistent id".
Only the names that tensors need are resolved; anything else in the pickle is refused.
"""

import collections
import pickle
import struct

import numpy as np

from workspace import FixtureError

MAGIC = 0x1950A86A20F9469CFC6C
ELEMENT_TYPES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
}


class Storage:
    """One flat array of the file; its elements come after all the pickles."""

    def __init__(self, element_type):
        self.element_type = np.dtype(element_type).newbyteorder("<")
        self.elements = None


class TensorView:
    """A tensor as the pickle describes it: a strided view of a storage."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self):
        """The tensor as an array of its own."""
        item = self.storage.element_type.itemsize
        view = np.lib.stride_tricks.as_strided(
            self.storage.elements[self.offset :], self.shape, [stride * item for stride in self.strides]
        )
        return view.copy()


class Unpickler(pickle.Unpickler):
    """An unpickler that knows tensors and nothing else."""

    NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor"): TensorView,
        ("torch._utils", "_rebuild_tensor_v2"): TensorView,
        **{("torch", name): element_type for name, element_type in ELEMENT_TYPES.items()},
    }

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) not in self.NAMES:
            raise FixtureError(f"The checkpoint refers to {module}.{name}, which is not part of a tensor.")
        return self.NAMES[module, name]

    def persistent_load(self, persistent_id):
        _, element_type, key = persistent_id[:3]
        return self.storages.setdefault(key, Storage(element_type))


def read_checkpoint(path):
    """The tensors of a state dictionary, by name."""
    with open(path, "rb") as file:
        if Unpickler(file).load() != MAGIC:
            raise FixtureError(f"{path} is not a checkpoint in the legacy format of PyTorch.")
        for _ in ("protocol version", "system information"):
            Unpickler(file).load()
        unpickler = Unpickler(file)
        state = unpickler.load()
        for key in Unpickler(file).load():
            (count,) = struct.unpack("<q", file.read(8))
            storage = unpickler.storages[key]
            storage.elements = np.frombuffer(file.read(count * storage.element_type.itemsize), storage.element_type)
    return {name: view.array() for name, view in state.items() if isinstance(view, TensorView)}
