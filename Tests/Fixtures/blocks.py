"""What the gguf package makes of random blocks of every type that it reads and that is read here.

`blocks/NAME.npz` has `packed`, bytes of which only the scales are held to numbers, and `value`.
"""

import gguf
import numpy as np

SEED = 0
BLOCKS = 24
# Offsets of the halves in a block.
HALVES = {
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q8_0": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
    "IQ4_NL": (0,),
    "IQ4_XS": (0,),
    "TQ1_0": (52,),
    "TQ2_0": (64,),
    "MXFP4": (),
    "NVFP4": (),
}


def random_blocks(name):
    """Random bytes with finite halves."""
    generator = np.random.default_rng(SEED)
    kind = gguf.GGMLQuantizationType[name]
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = generator.integers(0, 256, (BLOCKS, size), np.uint8)
    for offset in HALVES[name]:
        halves = generator.standard_normal((BLOCKS, 1)).astype(np.float16)
        blocks[:, offset : offset + 2] = halves.view(np.uint8)
    if name == "MXFP4":
        blocks[:, 0] = generator.integers(0, 250, BLOCKS, np.uint8)
        blocks[:2, 0] = (0, 1)
    if name == "NVFP4":
        blocks[:, :4] &= 127
        blocks[0, :4] = (0, 1, 127, 126)
    return blocks, gguf.quants.dequantize(blocks, kind)


def build(workspace):
    """Make blocks/."""
    folder = workspace.new_folder("blocks")
    for name in HALVES:
        packed, value = random_blocks(name)
        np.savez(folder / f"{name}.npz", packed=packed.reshape(-1), value=value.reshape(-1))
