"""Let the real quantizers run what `bitbudget export` writes, and compare every layer with the policy.

usage: python recipes.py TOOL RESULTS [consumer ...]

TOOL is the built executable, RESULTS the folder that gets recipes.md. For every consumer a small model is made
here (seeded), a policy gives its layers in turn the formats of the consumer, `bitbudget export` writes the file,
and the Python that `export` itself says to run next is run with the real package, in a process of its own. Then
the format of every layer is read out of what the package made.

Exit code 1 when a layer is not what the policy says or a consumer fails; a package that is not installed, which
Tests/Consumers/requirements-torch.txt lists, is a row that says so.
"""

import dataclasses
import datetime
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bitbudget import Tool

# Where the checks of the consumers are; a module is only imported where its packages are needed.
MODULES = ("recipes_modules", "recipes_checkpoints", "recipes_graphs")
LIMIT = 900  # seconds for a consumer
WORKERS = 2  # consumers at a time
FULL = "full"
SIBLINGS = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}
# Nothing may be fetched, no other processor may be looked for, and GPTQModel asks for two workers.
SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
    "GPTQMODEL_CPU_WORKERS": "2",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A consumer: what it is asked for, and how its answer is read."""

    package: str  # as pip calls it
    formats: str  # what layers take turns with
    check: object  # of a Job: {layer: format}
    reach: str  # how far it was run
    needs: tuple = ()  # other packages
    fused: bool = False  # whether it wants one format for the parts of what runtimes compute as one layer


def integer(bits, size, symmetric):
    """The name of a format of integers; `size` is -1 for channels and 0 for tensors."""
    where = {-1: "channel", 0: "tensor"}.get(size, f"g{size}")
    return f"int{bits}-{where}-{'sym' if symmetric else 'asym'}"


def canonical(name):
    """A policy's format with what its name leaves out: the symmetry, and which float a layer keeps."""
    if name in ("fp32", "fp16", "bf16"):
        return FULL
    weight, slash, layer_input = name.partition("/")
    if slash:
        return f"{canonical(weight)}/{layer_input}"
    code, *rest = name.split("-")
    if code.startswith("int") and rest[-1] not in ("sym", "asym"):
        return f"{name}-{'asym' if int(code[3:]) <= 4 else 'sym'}"
    return name


def format_of(layer):
    """Both formats of a policy's layer."""
    return layer["weight"] + ("" if layer["activation"] == "none" else f"/{layer['activation']}")


class Job:
    """One consumer's run, in a folder of its own, which is the current one."""

    def __init__(self, tool, consumer, recipe):
        self.tool, self.consumer, self.recipe = tool, consumer, recipe
        self.policy = {}  # layer: format
        self.ranges = {}  # layer: the ends of its input's range, where the policy has one

    def export(self, model, weight_file):
        """Make the policy of a model and export it; the Python that is to be run next."""
        formats = self.recipe.formats.split()
        weights = dict.fromkeys([*(name.partition("/")[0] for name in formats), "fp32"])
        policy, seen = self.tool.policy(model, (*weights,), [weight_file])
        chosen = {}
        for layer, entry in zip(policy["layers"], seen["layers"], strict=True):
            sizes = {candidate["format"]: candidate["bytes"] for candidate in entry["candidates"]}
            layer["weight"] = "fp32"
            if layer["kind"] != "embedding":
                stem, dot, part = layer["name"].rpartition(".")
                part = SIBLINGS.get(part, part) if self.recipe.fused else part
                turn = chosen.setdefault(f"{stem}{dot}{part}", len(chosen))
                layer["weight"], slash, layer_input = formats[turn % len(formats)].partition("/")
                if slash:
                    layer["activation"] = layer_input
                if slash and "token" not in layer_input and "dynamic" not in layer_input:
                    layer["activationRange"] = self.ranges[layer["name"]] = [-3, 4.5]
            layer["bytes"] = sizes[layer["weight"]]
        total = sum(layer["bytes"] for layer in policy["layers"])
        policy["bytes"] = total + seen["fixedBytes"]
        policy["bpw"] = 8 * total / policy["model"]["weights"]
        Path("policy.json").write_text(json.dumps(policy))
        self.policy = {layer["name"]: canonical(format_of(layer)) for layer in policy["layers"]}
        return json.loads(
            self.tool.run("export", "policy.json", "--to", self.consumer, "-o", "exported", "--json", "-q")
        )["next"]

    def run(self, code, changes=(), **names):
        """Run the Python of `export`, after changes of what this machine lacks; its names."""
        for before, after in changes:
            if before not in code:
                raise RuntimeError(f"the Python of export does not say {before!r} any more:\n{code}")
            code = code.replace(before, after)
        names["__name__"] = "snippet"
        exec(compile(code, "next", "exec"), names)
        return names


def recipes():
    """All consumers by name."""
    found = {}
    for module in MODULES:
        found |= importlib.import_module(module).CONSUMERS
    return found


def child(tool, consumer, answer):
    """In the consumer's own process and folder: run, read, write what was found."""
    recipe = recipes()[consumer]
    job = Job(Tool(tool), consumer, recipe)
    try:
        found = recipe.check(job)
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if not top or importlib.util.find_spec(top):
            raise  # there is the package, so it is its module that is named wrong
        Path(answer).write_text(json.dumps({"missing": top}))
        return
    wrong = {layer: [format, found.get(layer)] for layer, format in job.policy.items() if found.get(layer) != format}
    row = {"layers": len(job.policy), "right": len(job.policy) - len(wrong), "wrong": wrong}
    row["formats"] = len(set(job.policy.values()) - {FULL})
    Path(answer).write_text(json.dumps(row))


def asked(tool, consumer, recipe, folder):
    """Run a consumer in a process of its own; a row of the table."""
    row = {"consumer": consumer, "package": recipe.package, "version": "", "reach": "", "passed": True}
    try:
        row["version"] = importlib.metadata.version(recipe.package)
        for package in recipe.needs:
            importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        return row | {"reach": f"not run: {error.name} is not installed"}
    folder.mkdir()
    answer = folder / "answer.json"
    settings = os.environ | SETTINGS
    # Some packages build their kernels with the ninja that pip has put beside this Python.
    settings["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, str(Path(__file__).resolve()), "--child", tool.path, consumer, str(answer)]
    with open(folder / "log", "w+", encoding="utf-8", errors="replace") as log:
        try:
            done = subprocess.run(
                command, cwd=folder, env=settings, stdout=log, stderr=subprocess.STDOUT, timeout=LIMIT, check=False
            )
            code = done.returncode
        except subprocess.TimeoutExpired:
            code = f"longer than {LIMIT} s"
        if not answer.exists():
            log.seek(0)
            print("".join(log.readlines()[-40:]))
            return row | {"reach": f"failed ({code})", "passed": False}
    told = json.loads(answer.read_text())
    if "missing" in told:
        return row | {"reach": f"not run: {told['missing']} is not installed"}
    row |= told
    for layer, (expected, found) in row["wrong"].items():
        print(f"{consumer}: {layer} is {found}, and the policy says {expected}")
    return row | {"reach": recipe.reach, "passed": row["layers"] > 0 and row["right"] == row["layers"]}


def line(row):
    """A row of the table in Markdown."""
    right = f"{row['right']} of {row['layers']}" if "right" in row else ""
    passed = "NO" if not row["passed"] else "yes" if right else ""
    cells = [row["consumer"], f"{row['package']} {row['version']}".strip(), right, str(row.get("formats", ""))]
    return "| " + " | ".join([*cells, row["reach"], passed]) + " |"


def page(tool, rows):
    """The table with what it means."""
    return "\n".join(
        [
            "# What the quantizers make of the recipes",
            "",
            f"By the scripts of `make test-consumers`, {datetime.date.today().isoformat()}, {tool.version()}. Written by",
            "Tests/Consumers/recipes.py: the layers of a small model with random weights (a Llama of two blocks, or a",
            "graph of matrix products and a convolution) take turns with the formats, `bitbudget export --to` the",
            "consumer writes its file, and the Python that `export` says to run next runs with the real package on a",
            "processor. A layer counts when the format that is read out of what the package made (width, weights to a",
            "scale, symmetry; layers that were to stay as they are, too) is the policy's. The numbers are the package's",
            "own: each chooses its scales in its own way, or fits its codes to data.",
            "",
            "| consumer | package | layers as the policy says | formats | how far | passed |",
            "|" + "---|" * 6,
            *map(line, rows),
            "",
        ]
    )


def main(arguments):
    """Run the checks and return the exit code."""
    if len(arguments) == 4 and arguments[0] == "--child":
        child(*arguments[1:])
        return 0
    if len(arguments) < 2:
        print(__doc__.strip())
        return 1
    tool, results = Tool(Path(arguments[0]).resolve()), Path(arguments[1])
    every = recipes()
    names = arguments[2:] or list(every)
    if unknown := [name for name in names if name not in every]:
        print(f"no such consumer: {', '.join(unknown)}; there are {', '.join(every)}")
        return 1
    rows = []
    with tempfile.TemporaryDirectory(prefix="recipes-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(asked, tool, name, every[name], Path(folder) / name) for name in names]
        for name, run in zip(names, runs, strict=True):
            try:
                rows.append(run.result())
            except Exception:  # one consumer's failure must not hide the others'
                traceback.print_exc()
                row = {"consumer": name, "package": every[name].package, "version": ""}
                rows.append(row | {"reach": "failed", "passed": False})
            print(line(rows[-1]), flush=True)
    if not arguments[2:]:  # what is wrong is for everybody to see
        results.mkdir(parents=True, exist_ok=True)
        (results / "recipes.md").write_text(page(tool, rows))
    return int(not all(row["passed"] for row in rows))


if __name__ == "__main__":
    # The checks import this file as `recipes`; let that be this one.
    sys.modules["recipes"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
