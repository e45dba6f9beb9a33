"""Let the real packages read what `bitbudget apply` writes, and compare every layer with the policy.

usage: python consumers.py [--quick] TOOL FIXTURES RESULTS [consumer ...]

TOOL is the built executable, FIXTURES the folder that `make fixtures` fills, RESULTS the folder that gets
README.md and consumers.json. Consumers: gguf, llamacpp, llama-quantize, mlx, onnxruntime, safetensors (the
default: all of them; llama-quantize, which takes long to build, only where it is installed: beside the
others, or in FIXTURES/llama-venv, which `make llama-cpp` fills). With --quick those checks are left out that take longer
than some seconds: `make test` runs the others.
Exit code 1 when a layer is not what the policy says, or a loss is outside the interval of `verify`.
"""

import datetime
import importlib
import importlib.metadata
import json
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Fixtures"))

import numpy as np

from bitbudget import Tool

CONSUMERS = {
    "gguf": "with_gguf",
    "safetensors": "with_safetensors",
    "onnxruntime": "with_onnxruntime",
    "mlx": "with_mlx",
    "llamacpp": "with_llamacpp",
    "llama-quantize": "with_llama_quantize",
}
SEQUENCES, LENGTH = 6, 32


class Context:
    """What the checks share: the tool, real models, a scratch folder, and the table of results."""

    def __init__(self, tool, fixtures, scratch):
        self.tool, self.fixtures, self.scratch = tool, fixtures, scratch
        self.rows, self.absent = [], []
        self._tokens = None

    def version(self, package):
        """The version of an installed package."""
        return importlib.metadata.version(package)

    def policy_file(self, name):
        """Where the policy of a written model is."""
        return self.scratch / f"{name}.json"

    def written(self, kind, source, policy, name):
        """The folder that `apply` writes."""
        self.policy_file(name).write_text(json.dumps(policy))
        folder = self.scratch / name
        self.tool.apply(source, self.policy_file(name), kind, folder)
        return folder

    def exported(self, consumer, policy, name):
        """The folder with the file that `export` writes under its usual name."""
        self.policy_file(name).write_text(json.dumps(policy))
        folder = self.scratch / name
        folder.mkdir()
        self.tool.run("export", self.policy_file(name), "--to", consumer, "-o", folder, "-q")
        return folder

    def tokens(self):
        """Token ids of real text for SmolLM2: [sequences, length]."""
        if self._tokens is None:
            from llama import LlamaFile, bpe_tokenizer

            tokenizer = bpe_tokenizer(LlamaFile(self.fixtures / "smollm2" / "original.gguf"))
            text = (self.fixtures / "text" / "wiki-heldout.txt").read_text(encoding="utf-8")
            ids = tokenizer.encode(text[: 12 * SEQUENCES * LENGTH]).ids[: SEQUENCES * LENGTH]
            self._tokens = np.array(ids, np.int64).reshape(SEQUENCES, LENGTH)
        return self._tokens

    def token_file(self):
        """The same as data for the tool."""
        path = self.scratch / "tokens.npz"
        np.savez(path, input_ids=self.tokens())
        return path

    def row(self, kind, consumer, model, policy, right, loss=None, verified=None):
        """Add a line to the table."""
        layers = len(policy["layers"])
        formats = sorted({layer["weight"] for layer in policy["layers"]})
        inside = verified is None or verified[1] <= loss <= verified[2]
        self.rows.append(
            {
                "as": kind,
                "consumer": consumer,
                "model": model,
                "layers": layers,
                "right": int(right),
                "formats": formats,
                "bpw": policy["bpw"],
                "loss": None if loss is None else float(loss),
                "verified": verified,
                "passed": bool(right == layers and inside),
            }
        )
        print(line(self.rows[-1]), flush=True)


def lacking(name, fixtures):
    """Why a consumer that need not be installed cannot be asked; nothing where it can."""
    if name != "llama-quantize":
        return None
    # Behind what is installed beside the others: the packages that both have are the others' ones.
    sys.path += map(str, fixtures.glob("llama-venv/lib/python3*/site-packages"))
    try:
        importlib.import_module("llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:  # the library beside it may be broken
        return f"llama.cpp is not asked to quantize: {error}; Tests/Consumers/requirements-llamacpp.txt says how to install it."
    return None


def line(row):
    """A row of the table in Markdown."""
    proof = "" if row["verified"] is None else "{:.6f} ({:.6f} to {:.6f})".format(*row["verified"])
    loss = "" if row["loss"] is None else f"{row['loss']:.6f}"
    cells = [row["as"], row["consumer"], row["model"], f"{row['right']} of {row['layers']}"]
    cells += [str(len(row["formats"])), f"{row['bpw']:.2f}", loss, proof, "yes" if row["passed"] else "NO"]
    return "| " + " | ".join(cells) + " |"


def page(context):
    """The table with what it means."""
    head = "| written as | read by | model | layers as the policy says | formats | bpw | loss there | loss in `verify` (95 %) | passed |"
    return "\n".join(
        [
            "# What the consumers read",
            "",
            f"By the scripts of `make test-consumers`, {datetime.date.today().isoformat()}, {context.tool.version()}. Each model is written",
            "by `bitbudget apply` with its layers taking turns through the formats; the package named reads it back. A",
            "layer counts when its format, its bytes and every number are those that the package itself (for integers:",
            "numpy) makes of the original weight. The losses are those of the same tokens, photos or sentences in the",
            "consumer's runtime and in `bitbudget verify`: KL in nats, of vectors half the squared relative error. For GGUF",
            "read by gguf the runtime is the package's own dequantization and a forward pass in numpy; MLX computes in",
            "singles there; llama.cpp rounds the activations to eight bits as it always does.",
            "",
            "Written as `llama.cpp`: llama.cpp's library quantizes the model by the file of `bitbudget export --to",
            "llama.cpp`, and a layer counts when its type and its bytes are the policy's.",
            *(["", *context.absent] if context.absent else []),
            "",
            head,
            "|" + "---|" * 9,
            *map(line, context.rows),
            "",
        ]
    )


def main(arguments):
    """Run the checks and return the exit code."""
    quick = arguments[:1] == ["--quick"]
    arguments = arguments[quick:]
    if len(arguments) < 3:
        print(__doc__.strip())
        return 1
    tool, fixtures, results = Tool(Path(arguments[0]).resolve()), Path(arguments[1]).resolve(), Path(arguments[2])
    failed = False
    with tempfile.TemporaryDirectory(prefix="consumers-") as folder:
        context = Context(tool, fixtures, Path(folder))
        for name in arguments[3:] or CONSUMERS:
            if reason := lacking(name, fixtures):
                print(reason, flush=True)
                context.absent.append(reason)
                failed = failed or bool(arguments[3:])  # somebody asked for it
                continue
            module = importlib.import_module(CONSUMERS[name])
            for check in module.QUICK if quick else module.CHECKS:
                try:
                    check(context)
                except Exception:  # one consumer's failure must not hide the others'
                    traceback.print_exc()
                    failed = True
                for path in context.scratch.iterdir():
                    if path.is_dir():
                        shutil.rmtree(path)
        failed = failed or not all(row["passed"] for row in context.rows)
        if not arguments[3:] and not failed:
            results.mkdir(parents=True, exist_ok=True)
            (results / "README.md").write_text(page(context))
            (results / "consumers.json").write_text(json.dumps(context.rows, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
