"""Fetch real models and data and make the reference outputs that the tests compare with.

usage: python fixtures.py OUT [target ...]

Targets: blocks, efficientnet-lite0, formats, minilm, minilm-onnx, photos, references, smollm2, text, and the groups
`demo` (minilm and text: needs nothing beyond Python itself) and `all` (the default).
A target that was made by the same version of the scripts is not made again.
"""

import fcntl
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workspace import Downloads, FixtureError, Workspace, say

# Settings made for other programs that would change how numpy's BLAS computes; read when numpy is imported.
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Target:
    """What makes some output folders: the module with `build(workspace)` and everything the result depends on."""

    module: str
    outputs: tuple
    sources: tuple = ()
    needs: tuple = ()


TARGETS = {
    "text": Target("text", ("text",)),
    "minilm": Target("minilm", ("minilm",)),
    "minilm-onnx": Target("minilm_onnx", ("minilm-onnx",), ("onnxgraph.py", "requirements.txt"), ("minilm",)),
    "efficientnet-lite0": Target(
        "efficientnet", ("efficientnet-lite0",), ("checkpoint.py", "onnxgraph.py", "requirements.txt")
    ),
    "photos": Target("photos", ("photos", "photos-heldout"), ("requirements.txt",)),
    "smollm2": Target("smollm2", ("smollm2",), ("llama.py", "requirements.txt"), ("text",)),
    "blocks": Target("blocks", ("blocks",), ("requirements.txt",)),
    "formats": Target("formats", ("formats",), ("requirements.txt",), ("minilm",)),
    "references": Target(
        "references",
        ("references",),
        ("bert.py", "llama.py", "roundtrips.py", "tokenization.py", "requirements.txt"),
        ("text", "minilm", "minilm-onnx", "efficientnet-lite0", "photos", "smollm2"),
    ),
}
GROUPS = {"demo": ("minilm", "text"), "all": tuple(TARGETS)}


def stamp(name):
    """The version of a target: a hash of the scripts that make it and of the targets that it needs."""
    target = TARGETS[name]
    digest = hashlib.sha256()
    for source in (f"{target.module}.py", *target.sources):
        digest.update((HERE / source).read_bytes())
    for needed in target.needs:
        digest.update(stamp(needed).encode())
    return digest.hexdigest()


def in_order(names):
    """The targets to make, each after those that it needs."""
    ordered = []

    def visit(name):
        for needed in TARGETS[name].needs:
            visit(needed)
        if name not in ordered:
            ordered.append(name)

    for name in names:
        visit(name)
    return ordered


def is_current(out, name):
    """Whether the outputs of a target exist and were made by this version of the scripts."""
    stamp_file = out / ".stamps" / name
    made = all((out / output).is_dir() for output in TARGETS[name].outputs)
    return made and stamp_file.is_file() and stamp_file.read_text() == stamp(name)


def make(out, name, downloads):
    """Make one target in a temporary folder and move its outputs into place when all of them are finished."""
    target = TARGETS[name]
    partial = Path(tempfile.mkdtemp(dir=out, prefix=".partial-"))
    try:
        importlib.import_module(target.module).build(Workspace(out, partial, downloads))
        for output in target.outputs:
            shutil.rmtree(out / output, ignore_errors=True)
            (partial / output).rename(out / output)
        stamp_file = out / ".stamps" / name
        stamp_file.parent.mkdir(exist_ok=True)
        stamp_file.write_text(stamp(name))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def run(out, names):
    """Make the targets that are not current; one process at a time works in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in out.glob(".partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        downloads = Downloads(out / "downloads")
        for name in in_order(names):
            if is_current(out, name):
                say(f"{name}: is up to date")
                continue
            say(f"{name}: started")
            start = time.monotonic()
            make(out, name, downloads)
            say(f"{name}: done in {time.monotonic() - start:.1f} s")


def main(arguments):
    """Run the script with command line arguments and return its exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 1
    try:
        names = []
        for name in arguments[1:] or ["all"]:
            if name not in TARGETS and name not in GROUPS:
                raise FixtureError(f"There is no target {name}: choose from {', '.join([*TARGETS, *GROUPS])}.")
            names.extend(GROUPS.get(name, (name,)))
        run(Path(arguments[0]).resolve(), names)
    except ModuleNotFoundError as error:
        print(
            f"error: the Python package of the module {error.name} is missing:"
            f" run '{sys.executable} -m pip install -r {HERE / 'requirements.txt'}' in a virtual environment.",
            file=sys.stderr,
        )
        return 1
    except (FixtureError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
