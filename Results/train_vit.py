"""Trains a small vision transformer on Fashion-MNIST, the ViT of the trust table.

  train_vit.py OUT

Writes OUT/model.onnx, OUT/calibration.npz (training images), OUT/heldout.npz (test images), both as
the network's input "image", and OUT/training.json, what was done and how accurate the result is. The
test images are looked at once, after the last step; below 88 % accuracy nothing is written. What the
same version of this script made is not made again.

Needs torch, numpy and onnx, and Debian's dataset-fashion-mnist (`make vit` sees to all of it). It
computes on one thread with a fixed seed, so the same machine gives the same weights. About five
minutes of one core.
"""

import gzip
import hashlib
import json
import math
import platform
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"))
from onnxgraph import GraphBuilder  # noqa: E402

DATA = Path("/usr/share/datasets/fashion-mnist")
MEAN, DEVIATION = 0.2860, 0.3530  # of the training images' pixels, from 0 to 1
SIDE, PATCH, WIDTH, DEPTH, HEADS, CLASSES = 28, 7, 64, 4, 4, 10
TOKENS = (SIDE // PATCH) ** 2
EPSILON = 1e-5
SEED, EPOCHS, BATCH, RATE, DECAY = 1, 10, 128, 2e-3, 0.05
CALIBRATION, HELDOUT, REQUIRED = 512, 1000, 0.88
MODEL, CALIBRATION_FILE, HELDOUT_FILE = "model.onnx", "calibration.npz", "heldout.npz"


def read(kind):
    """The normalised images [n, 1, 28, 28] and the labels [n] of `train` or `t10k`."""
    with gzip.open(DATA / f"{kind}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, SIDE, SIDE)
    with gzip.open(DATA / f"{kind}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    images = (pixels.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(DEVIATION)
    return images, labels.astype(np.int64)


class Block(nn.Module):
    """A pre-norm block: x + attention(norm x), then x + mlp(norm x), the mlp four times as wide."""

    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.mlp_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.expand, self.reduce = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        y = self.attention_norm(x)
        query, key, value = (
            layer(y).view(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = (query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS)).softmax(-1)
        x = x + self.output((weights @ value).transpose(1, 2).reshape(-1, TOKENS, WIDTH))
        return x + self.reduce(functional.gelu(self.expand(self.mlp_norm(x))))


class ViT(nn.Module):
    """Patches, learned positions, blocks, the mean over the tokens, logits."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, WIDTH, PATCH, PATCH)
        self.positions = nn.Parameter(torch.randn(1, TOKENS, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def train(images, labels):
    """A trained network. AdamW, a linear warm-up and a cosine decay; images are mirrored at random."""
    torch.manual_seed(SEED)
    model = ViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    per_epoch = len(images) // BATCH
    steps, warm_up = EPOCHS * per_epoch, per_epoch // 2
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm_up, 0.5 + 0.5 * math.cos(math.pi * step / steps)),
    )
    for epoch in range(EPOCHS):
        total = 0.0
        order = torch.randperm(len(images))
        for step in range(per_epoch):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            batch = images[chosen]
            mirrored = torch.rand(len(batch), 1, 1, 1) < 0.5
            batch = torch.where(mirrored, batch.flip(3), batch)
            loss = functional.cross_entropy(model(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(
            f"epoch {epoch + 1} of {EPOCHS}: mean training loss {total / per_epoch:.4f}, "
            f"{time.process_time():.0f} s of CPU",
            flush=True,
        )
    return model.eval()


@torch.no_grad()
def accuracy(model, images, labels):
    """The share of images whose largest logit is the label's."""
    right = sum(
        (model(part).argmax(1) == truth).sum().item()
        for part, truth in zip(images.split(500), labels.split(500))
    )
    return right / len(images)


class Writer:
    """Writes the network as ONNX, its constants named like the parameters."""

    def __init__(self, model):
        self.graph = GraphBuilder("vit-fashion-mnist")
        self.parameters = {name: value.numpy() for name, value in model.state_dict().items()}

    def parameter(self, name):
        """A parameter as a constant."""
        return self.graph.constant(name, self.parameters[name])

    def integers(self, name, values):
        """An int64 array as a constant."""
        return self.graph.constant(name, np.array(values, np.int64))

    def scalar(self, name, value):
        """A float32 scalar as a constant."""
        return self.graph.constant(name, np.float32(value))

    def linear(self, x, name):
        """x @ W.T + b, as a MatMul with the transposed weight and an Add."""
        weight = self.graph.constant(f"{name}.weight", self.parameters[f"{name}.weight"].T)
        product = self.graph.node("MatMul", name, x, weight)
        return self.graph.node("Add", f"{name}.sum", product, self.parameter(f"{name}.bias"))

    def norm(self, x, name):
        """Layer normalisation of the last axis."""
        parts = self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")
        return self.graph.node("LayerNormalization", name, x, *parts, axis=-1, epsilon=EPSILON)

    def heads(self, x, name, permutation):
        """Split the last axis into heads and move them forward."""
        shape = self.integers("heads_shape", [0, 0, HEADS, WIDTH // HEADS])
        split = self.graph.node("Reshape", f"{name}.split", x, shape)
        return self.graph.node("Transpose", f"{name}.heads", split, perm=permutation)

    def gelu(self, x, name):
        """The exact GELU, of operators: operator set 17 has none of its own."""
        node = self.graph.node
        inner = node("Div", f"{name}.inner", x, self.scalar("sqrt_two", math.sqrt(2)))
        inner = node("Add", f"{name}.plus", node("Erf", f"{name}.erf", inner), self.scalar("one", 1))
        product = node("Mul", f"{name}.product", x, inner)
        return node("Mul", name, product, self.scalar("half", 0.5))

    def block(self, x, name):
        """One block."""
        node = self.graph.node
        y = self.norm(x, f"{name}.attention_norm")
        query, key, value = (
            self.heads(self.linear(y, f"{name}.{part}"), f"{name}.{part}", permutation)
            for part, permutation in (
                ("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        scores = node("MatMul", f"{name}.scores", query, key)
        scale = self.scalar("attention_scale", 1 / math.sqrt(WIDTH // HEADS))
        weights = node(
            "Softmax", f"{name}.weights", node("Mul", f"{name}.scaled", scores, scale), axis=-1)
        mixed = node("MatMul", f"{name}.mixed", weights, value)
        mixed = node("Transpose", f"{name}.joined", mixed, perm=[0, 2, 1, 3])
        mixed = node("Reshape", f"{name}.context", mixed, self.integers("joined_shape", [0, 0, WIDTH]))
        x = node("Add", f"{name}.attended", x, self.linear(mixed, f"{name}.output"))
        y = self.linear(self.norm(x, f"{name}.mlp_norm"), f"{name}.expand")
        y = self.linear(self.gelu(y, f"{name}.gelu"), f"{name}.reduce")
        return node("Add", f"{name}.result", x, y)

    def save(self, path):
        """Build the whole network and write it."""
        node = self.graph.node
        x = node(
            "Conv", "patches", "image", self.parameter("patches.weight"),
            self.parameter("patches.bias"), kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH])
        x = node("Reshape", "patches.flat", x, self.integers("token_shape", [0, WIDTH, TOKENS]))
        x = node("Transpose", "patches.tokens", x, perm=[0, 2, 1])
        x = node("Add", "embedded", x, self.parameter("positions"))
        for index in range(DEPTH):
            x = self.block(x, f"blocks.{index}")
        x = node("ReduceMean", "pooled", self.norm(x, "norm"), axes=[1], keepdims=0)
        weight, bias = self.parameter("head.weight"), self.parameter("head.bias")
        node("Gemm", "logits", x, weight, bias, transB=1)
        self.graph.save(
            path,
            [("image", TensorProto.FLOAT, ["B", 1, SIDE, SIDE])],
            ("logits", TensorProto.FLOAT, ["B", CLASSES]),
        )


def main(out):
    """Train, check and write."""
    report = out / "training.json"
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    present = all((out / name).is_file() for name in (MODEL, CALIBRATION_FILE, HELDOUT_FILE))
    if present and report.is_file() and script in report.read_text():
        print(f"{out} is up to date: {report.read_text()}", end="")
        return
    if not DATA.is_dir():
        sys.exit(f"{DATA} is missing: `make vit` installs Debian's dataset-fashion-mnist")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    images, labels = read("train")
    test_images, test_labels = read("t10k")
    cpu, wall = time.process_time(), time.monotonic()
    model = train(torch.from_numpy(images), torch.from_numpy(labels))
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    reached = accuracy(model, torch.from_numpy(test_images), torch.from_numpy(test_labels))
    if reached < REQUIRED:
        sys.exit(f"the test accuracy is {reached:.4f}, and {REQUIRED} is required: nothing is written")

    out.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    Writer(model).save(out / MODEL)
    heldout = test_images[:HELDOUT]
    np.savez(out / CALIBRATION_FILE, image=images[:CALIBRATION])
    np.savez(out / HELDOUT_FILE, image=heldout)
    # The written file computes what was trained, as somebody else's program runs it.
    logits = ReferenceEvaluator(str(out / MODEL)).run(None, {"image": heldout[:100]})[0]
    with torch.no_grad():
        difference = np.abs(logits - model(torch.from_numpy(heldout[:100])).numpy()).max()
    if difference > 1e-3:
        sys.exit(f"the logits of the ONNX file differ by {difference:.2g} from the trained network's")
    facts = {
        "test_accuracy": reached, "epochs": EPOCHS, "seed": SEED,
        "cpu_seconds": round(cpu, 1), "wall_seconds": round(wall, 1),
        "parameters": sum(value.numel() for value in model.parameters()),
        "patch": PATCH, "width": WIDTH, "depth": DEPTH, "heads": HEADS, "pooling": "mean",
        "batch": BATCH, "rate": RATE, "weight_decay": DECAY,
        "onnx_largest_logit_difference": float(difference),
        "versions": {
            "python": platform.python_version(), "torch": torch.__version__,
            "numpy": np.__version__, "onnx": onnx.__version__,
        },
        "script_sha256": script,
    }
    report.write_text(json.dumps(facts, indent=2) + "\n")
    print(report.read_text(), end="")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
