"""The tool from the outside: inspect, apply, verify; and policies made by hand."""

import hashlib
import json
import subprocess
from pathlib import Path


class Tool:
    """The built executable."""

    def __init__(self, path):
        self.path = str(path)

    def run(self, *arguments, codes=(0,)):
        """Standard output of a run that has to end with one of the exit codes."""
        command = [self.path, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def version(self):
        """What the tool calls itself."""
        return self.run("--version").strip()

    def policy(self, model, formats, weight_files):
        """A policy in which layers take turns with the formats that they accept; and what inspect says."""
        seen = json.loads(self.run("inspect", model, "--json", "--formats", ",".join(formats)))
        layers = []
        for index, entry in enumerate(seen["layers"]):
            candidate = entry["candidates"][index % len(entry["candidates"])]
            layers.append(
                {
                    "name": entry["layer"]["name"],
                    "tensor": entry["layer"]["tensor"],
                    "kind": entry["layer"]["kind"],
                    "group": index,
                    "weight": candidate["format"],
                    "activation": "none",
                    "bytes": candidate["bytes"],
                    "pinned": True,
                    "why": "takes turns",
                }
            )
        total = sum(layer["bytes"] for layer in layers)
        digest = hashlib.sha256()
        for path in weight_files:
            digest.update(Path(path).read_bytes())
        weights = seen["weights"]
        policy = {
            "schema": "bitbudget.policy/1",
            "model": {
                "name": seen["name"],
                "architecture": seen["architecture"],
                "digest": f"sha256:{digest.hexdigest()}",
                "weights": weights,
            },
            "layers": layers,
            "budget": [],
            "bytes": total + seen["fixedBytes"],
            "bpw": 8 * total / weights,
            "predicted": {"loss": 0, "unit": "", "lowerBound": 0, "gap": 0},
            "provenance": {
                "estimator": "none",
                "optimizer": "turns",
                "seed": 0,
                "data": "none",
                "tool": "Tests/Consumers",
                "libraries": {},
            },
        }
        return policy, seen

    def apply(self, model, policy, kind, folder):
        """Write a model; `policy` is a file."""
        return json.loads(self.run("apply", model, policy, "--as", kind, "-o", folder, "--json"))

    def verify(self, model, policy, data):
        """Mean loss of a policy on all of the data, with its interval."""
        text = self.run(
            "verify", model, policy, "--data", data, "--all", "--json", "-q", "--baselines", "fp32", codes=(0, 1)
        )
        entry = json.loads(text)["entries"][0]
        return entry["loss"], entry["interval"]["low"], entry["interval"]["high"]
