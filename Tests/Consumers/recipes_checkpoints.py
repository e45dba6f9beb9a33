"""Quantizers that read a checkpoint and write one."""

import importlib.util
import json
import sys
import types
from pathlib import Path

from llamas import SMALL, small_tensors, write_hugging_face
from recipes import FULL, Recipe, integer
from recipes_modules import group_of, is_constant, scheme_format
from recipes_toys import llama, token_rows


def stored(folder):
    """The tensors of a checkpoint by name."""
    import safetensors

    tensors = {}
    for path in sorted(Path(folder).rglob("*.safetensors")):
        with safetensors.safe_open(path, "pt") as file:
            tensors |= {name: file.get_tensor(name) for name in file.keys()}
    return tensors


def llm_compressor(job):
    """Packed by oneshot, loaded again by transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    _, weights = llama()
    job.run(job.export("MODEL", weights))
    tensors = stored("OUT")
    model = AutoModelForCausalLM.from_pretrained("OUT", dtype=torch.float32)
    found = {}
    for name in job.policy:
        module = model.get_submodule(name)
        found[name] = scheme_format(module, getattr(module, "quantization_scheme", None))
        packed, shape = tensors.get(f"{name}.weight_packed"), tensors.get(f"{name}.weight_shape")
        if found[name] == FULL:
            if f"{name}.weight" not in tensors:
                found[name] = "packed"
        elif packed is not None and shape is not None:
            # The words that hold a row of so many codes of so many bits.
            bits, per_word = module.quantization_scheme.weights.num_bits, 32
            words = packed.shape[1]
            columns = int(shape[1])
            if words not in (-(-columns // (per_word // bits)), -(-columns * bits // per_word)):
                found[name] += f" in {words} words"
    with torch.no_grad():
        if not torch.isfinite(model(token_rows(1, 16)).logits).all():
            raise RuntimeError("the loaded model computes no numbers")
    return found


def packed_format(tensors, name, symmetric, bits):
    """Width and group of a layer as GPTQ stores it: words of codes by input, a row of scales for a group."""
    words, scales = tensors.get(f"{name}.qweight"), tensors.get(f"{name}.scales")
    if words is None:
        return FULL if f"{name}.weight" in tensors else "absent"
    inputs = 512 if name.endswith("down_proj") else 256
    width = words.shape[0] * 32 // inputs
    if width != bits and words.shape[0] != -(-inputs // (32 // bits)):
        return f"{width} bits, where the configuration says {bits}"
    if 32 % bits == 0 and is_constant(tensors[f"{name}.qzeros"], bits, words.shape[1]) != symmetric:
        return f"offsets that are not those of {'a symmetric' if symmetric else 'an asymmetric'} format"
    return integer(bits, group_of(inputs // scales.shape[0], inputs), symmetric)


def autoround(job):
    """Tuned for one step on random tokens and packed; the configuration that it writes says the symmetry.

    Without any step the package takes other ways, of which one packs no head and one neither 3 bits nor channels.
    """
    _, weights = llama(kind="bfloat16")
    short = "layer_config=config, iters=1, nsamples=4, seqlen=32, batch_size=2, dataset=samples)"
    job.run(job.export("MODEL", weights), (("layer_config=config)", short),), samples=list(token_rows(4, 32).split(1)))
    tensors = stored("OUT")
    (path,) = Path("OUT").rglob("config.json")
    configuration = json.loads(path.read_text())["quantization_config"]
    found = {}
    for name in job.policy:
        own = configuration | configuration.get("extra_config", {}).get(name, {})
        found[name] = packed_format(tensors, name, own["sym"], own["bits"])
    return found


def gptqmodel(job):
    """Quantized by GPTQ with random tokens; the package's own reading of the rules says width and symmetry."""
    import torch

    _, weights = llama(kind="float16")
    tokens = token_rows(32, 64)
    calibration = [{"input_ids": row[None], "attention_mask": torch.ones_like(row[None])} for row in tokens]
    here = (('open("exported")))', 'open("exported"))), device="cpu"'),)
    job.run(job.export("MODEL", weights), here, calibration=calibration)
    from gptqmodel.quantization.config import QuantizeConfig

    tensors = stored("OUT")
    rules = QuantizeConfig(**json.loads(Path("exported").read_text()))
    found = {}
    for name in job.policy:
        bits, symmetric = (rules.dynamic_get(name, key, getattr(rules, key)) for key in ("bits", "sym"))
        found[name] = packed_format(tensors, name, symmetric, bits)
    return found


def mlx(job):
    """Quantized, saved and loaded again by mlx_lm."""
    import mlx.core as mx
    from mlx_lm.utils import load_model

    # Without torch, which is not where `make test` runs this.
    write_hugging_face(Path("MODEL"), small_tensors(), SMALL)
    job.run(job.export("MODEL", "MODEL/model.safetensors"))
    model, _ = load_model(Path("OUT"))
    if not mx.isfinite(model(mx.arange(3, 19)[None])).all().item():
        raise RuntimeError("the loaded model computes no numbers")
    modules = dict(model.named_modules())
    found = {}
    for name in job.policy:
        module = modules[name]
        if not hasattr(module, "bits"):
            found[name] = FULL
        elif module.mode == "affine":
            found[name] = f"mlx{module.bits}-g{module.group_size}"
        else:
            found[name] = module.mode if module.mode == "mxfp8" else f"mlx-{module.mode}"
    return found


def exllamav3(job):
    """The package's own reader of recipes, on stand-ins for its modules: the rest of it needs CUDA."""
    import yaml

    _, weights = llama()
    job.export("MODEL", weights)
    (home,) = importlib.util.find_spec("exllamav3").submodule_search_locations

    class Linear:
        """What the reader asks of a linear layer."""

        qmap, select_hq_bits, q_priority, modules = "x", 0, 0, ()

        def __init__(self, key):
            self.key, self.qbits_key = key, "head_bits" if key == "lm_head" else "bits"

        def weights_numel(self):
            return 256 * 256

    for name, path in (("", home), (".conversion", f"{home}/conversion"), (".modules", None)):
        package = types.ModuleType(f"exllamav3{name}")
        package.__path__ = [path] if path else []
        sys.modules[package.__name__] = package
    linear, module = (types.ModuleType(f"exllamav3.modules.{name}") for name in ("linear", "module"))
    linear.Linear, module.Module = Linear, type("Module", (), {})
    sys.modules |= {linear.__name__: linear, module.__name__: module}
    allocation = importlib.import_module("exllamav3.conversion.allocation")
    model = types.SimpleNamespace(modules=[Linear(name) for name in job.policy if name != "model.embed_tokens"])
    recipe = yaml.safe_load(Path("exported").read_text())
    strategy, _ = allocation.create_q_strategy_from_recipe(
        model, None, None, recipe["tensors"], head_bpw=recipe["head_bits"], mtp_bpw=4, half_steps=True
    )
    found = {"model.embed_tokens": FULL}  # never quantized, and not in the recipe
    for name in job.policy:
        if name in strategy:
            bits = int(strategy[name])
            found[name] = FULL if bits == 16 else integer(bits, -1, bits > 4)
    return found


CONSUMERS = {
    "llm-compressor": Recipe(
        "llmcompressor",
        "int4-g64-sym int8-channel int4-g128 int8-g32 fp32 int8-channel/int8-token fp8-e4m3-channel/fp8-e4m3-token",
        llm_compressor,
        "quantized, saved packed, loaded by transformers and run",
        ("transformers", "compressed-tensors"),
    ),
    "autoround": Recipe(
        "auto-round",
        "int4-g64-sym int8-g32 int2-g32-sym fp32 int3-g128-sym int4-g64 int8-channel",
        autoround,
        "tuned for one step on random tokens, saved packed",
        ("transformers",),
    ),
    "gptqmodel": Recipe(
        "GPTQModel",
        "int4-g64-sym int8-g32 int2-g32-sym fp32 int3-g128-sym int4-channel-sym int4-g128 int8-channel",
        gptqmodel,
        "quantized by GPTQ on random tokens, saved packed",
        ("transformers",),
    ),
    "mlx": Recipe(
        "mlx-lm",
        "mlx4-g64 mlx8-g32 mlx2-g128 fp32 mlx3-g64 mlx6-g32 mlx-mxfp4 mlx5-g64 mlx-nvfp4 mxfp8",
        mlx,
        "quantized, saved, loaded and run",
        ("mlx",),
    ),
    "exllamav3": Recipe(
        "exllamav3",
        "int4-channel int8-channel int2-channel fp32 int3-channel int6-channel int5-channel",
        exllamav3,
        "recipe resolved by its own reader; quantizing needs CUDA",
        ("transformers", "PyYAML"),
    ),
}
