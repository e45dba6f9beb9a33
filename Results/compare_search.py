"""The rivals of `bitbudget-bench search`: pymoo's and optuna's searches on the same problems.

  compare_search.py table STUDY FILE      a study's newest scores as a bitbudget.table/1 file
  compare_search.py rivals PROBLEM FILE   every evaluation of every rival on a problem of
                                          `bitbudget-bench search`, ten seeds each

Needs pymoo and optuna for `rivals` (`bitbudget-bench search` makes .fixtures/search-venv); `table`
needs nothing. Each search starts from nothing ("none"), from the uniform points ("uniform") and from
points of the sensitivity table's frontier ("table"), as far as its population holds them. Both
objectives are small when good: bytes, and the decimal logarithm of the loss. The hypervolumes are
computed elsewhere, from the points alone, for the rivals and for us alike.
"""

import concurrent.futures
import importlib.metadata
import json
import math
import os
import sqlite3
import struct
import sys

SEEDS = range(10)


def table(study, file):
    """Mean scores as they were measured; `bitbudget-bench search` repairs them as `plan` does."""
    store = sqlite3.connect(f"file:{study}/study.sqlite?mode=ro", uri=True)
    header = json.loads(store.execute("SELECT json FROM header").fetchone()[0])
    run, unit, estimator, samples, data = store.execute(
        "SELECT id, unit, estimator, samples, data FROM runs WHERE complete ORDER BY id DESC"
    ).fetchone()
    scores = {}
    for group, candidate, blob in store.execute(
        'SELECT "group", candidate, scores FROM measurements WHERE run = ? ORDER BY start', (run,)
    ):
        values = struct.unpack(f"<{len(blob) // 8}d", blob)
        scores.setdefault((group, candidate), []).extend(values)
    groups = [dict(group, candidates=[]) for group in header["groups"]]
    for group, candidate, name, size in store.execute(
        'SELECT "group", candidate, format, bytes FROM candidates WHERE run = ? ORDER BY 1, 2',
        (run,),
    ):
        values = scores[group, candidate]
        mean = math.fsum(values) / len(values)
        spread = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        groups[group]["candidates"].append({
            "format": name, "bytes": size, "loss": mean,
            "standardError": math.sqrt(spread / len(values)),
        })
    with open(file, "w") as out:
        json.dump({
            "schema": "bitbudget.table/1", "unit": unit, "costs": ["bytes"],
            "fixedBytes": header["fixedBytes"], "groups": groups,
            "provenance": {
                "model": header["model"]["name"], "estimator": estimator, "samples": samples,
                "data": data,
            },
        }, out, indent=1)
        out.write("\n")


class Problem:
    """Bytes and log10 loss of a point: one choice index for each knob."""

    def __init__(self, file):
        with open(file) as source:
            self.stored = json.load(source)
        self.counts = [len(choices) for choices in self.stored["bytes"]]
        uniform = [[c] * len(self.counts) for c in range(min(self.counts))]
        self.starts = {"none": [], "uniform": uniform, "table": self.stored["seeds"]}
        self.evaluations = self.stored["evaluations"]

    def objectives(self, point):
        size = float(self.stored["fixedBytes"])
        loss = 0.0
        for k, choice in enumerate(point):
            size += self.stored["bytes"][k][choice]
            loss += self.stored["single"][k][choice]
        for pair in self.stored["cross"]:
            loss += pair["values"][point[pair["first"]]][point[pair["second"]]]
        return size, math.log10(max(loss, 1e-12))


def spread(points, most):
    """At most so many, evenly over the list."""
    if len(points) <= most:
        return points
    return [points[i * (len(points) - 1) // (most - 1)] for i in range(most)]


def pymoo_nsga2(problem, seed, start, population):
    """NSGA-II with the operators that pymoo's manual gives for whole numbers."""
    import numpy
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem as Base
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    points = []

    class Counted(Base):
        def __init__(self):
            upper = numpy.array(problem.counts) - 1
            super().__init__(n_var=len(upper), n_obj=2, xl=0 * upper, xu=upper, vtype=int)

        def _evaluate(self, rows, out, *args, **kwargs):
            chosen = [[int(value) for value in row] for row in rows]
            points.extend(chosen)
            out["F"] = numpy.array([problem.objectives(point) for point in chosen])

    sampling = IntegerRandomSampling()
    if start:
        few = spread(start, population)
        generator = numpy.random.default_rng(seed)
        others = [
            [int(generator.integers(count)) for count in problem.counts]
            for _ in range(population - len(few))
        ]
        sampling = numpy.array(few + others)
    minimize(
        Counted(),
        NSGA2(
            pop_size=population, sampling=sampling,
            crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
            mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
            eliminate_duplicates=True),
        ("n_eval", problem.evaluations), seed=seed, verbose=False)
    return points[:problem.evaluations]


def optuna_study(problem, sampler, start):
    import optuna

    points = []

    def objective(trial):
        point = [trial.suggest_int(f"k{k}", 0, n - 1) for k, n in enumerate(problem.counts)]
        points.append(point)
        return problem.objectives(point)

    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    for point in start:
        params = {f"k{k}": choice for k, choice in enumerate(point)}
        if not isinstance(sampler, optuna.samplers.NSGAIISampler):
            study.enqueue_trial(params)
            continue
        # Its NSGA-II takes for parents what says that it is of generation 0, not enqueued trials.
        study.add_trial(optuna.trial.create_trial(
            params=params,
            distributions={
                f"k{k}": optuna.distributions.IntDistribution(0, n - 1)
                for k, n in enumerate(problem.counts)
            },
            values=problem.objectives(point), system_attrs={"NSGAIISampler:generation": 0}))
        points.append(point)
    study.optimize(objective, n_trials=problem.evaluations - len(points))
    return points


def optuna_nsga2(problem, seed, start, population):
    import optuna

    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    return optuna_study(problem, sampler, start)


def optuna_tpe(problem, seed, start, multivariate):
    import optuna

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=multivariate)
    return optuna_study(problem, sampler, start)


# By name: the search, its setting, and the starts; TPE takes minutes, and has two.
RIVALS = {
    "pymoo NSGA-II, population 20": (pymoo_nsga2, 20, ["none", "uniform", "table"]),
    "pymoo NSGA-II, population 50": (pymoo_nsga2, 50, ["none", "uniform", "table"]),
    "optuna NSGA-II, population 20": (optuna_nsga2, 20, ["none", "uniform", "table"]),
    "optuna NSGA-II, population 50": (optuna_nsga2, 50, ["none", "uniform", "table"]),
    "optuna TPE": (optuna_tpe, False, ["none", "table"]),
    "optuna TPE, multivariate": (optuna_tpe, True, ["none", "table"]),
}


def one(job):
    """The run of a problem's file, a rival's name, a start and a seed."""
    import warnings

    import optuna

    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file, name, start, seed = job
    problem = Problem(file)
    search, setting, _ = RIVALS[name]
    points = search(problem, seed, problem.starts[start], setting)
    return {
        "name": name, "seed": seed, "start": start,
        "points": ["".join(map(str, point)) for point in points],
        "loss": [10 ** problem.objectives(point)[1] for point in points],
    }


def run(file, output):
    jobs = [
        (file, name, start, seed)
        for name, (_, _, starts) in RIVALS.items() for start in starts for seed in SEEDS
    ]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(one, jobs))
    with open(output, "w") as out:
        json.dump({
            "versions": {
                "python": sys.version.split()[0],
                **{name: importlib.metadata.version(name) for name in ["pymoo", "optuna", "numpy"]},
            },
            "problem": Problem(file).stored["name"], "runs": runs,
        }, out)
        out.write("\n")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "table":
        table(*sys.argv[2:])
    elif len(sys.argv) == 4 and sys.argv[1] == "rivals":
        run(*sys.argv[2:])
    else:
        sys.exit(__doc__)
