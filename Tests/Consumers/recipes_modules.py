"""Quantizers that work on the modules of a PyTorch model."""

from recipes import FULL, Recipe, integer
from recipes_toys import llama, token_rows


def group_of(size, columns):
    """A group as wide as the row is the row."""
    return -1 if size in (None, -1) or size >= columns else size


def computes(model):
    """Fails when the quantized model computes no numbers."""
    import torch

    with torch.no_grad():
        if not torch.isfinite(model(token_rows(1, 16)).logits.float()).all():
            raise RuntimeError("the quantized model computes no numbers")


def is_plain(module):
    """Whether a module is PyTorch's own with a weight of floats."""
    import torch

    if type(module) not in (torch.nn.Linear, torch.nn.Embedding):
        return False
    return type(module.weight) is torch.nn.Parameter and module.weight.is_floating_point()


def answers(job, model, read):
    """The format of every layer of the policy, read from its module."""
    return {name: read(model.get_submodule(name)) for name in job.policy}


def torchao(job):
    import torch

    model, weights = llama()
    job.run(job.export("MODEL", weights), model=model)
    computes(model)

    def read(module):
        if is_plain(module):
            return FULL
        weight = module.weight
        rounded = getattr(weight, "act_quant_kwargs", None)
        if rounded is not None:
            whole = tuple(weight.block_size) == (1, weight.shape[1]) and type(rounded.granularity).__name__ == "PerRow"
            return "int8-channel-sym/int8-token" if whole and weight.qdata.dtype == torch.int8 else "?"
        bits = int(str(weight.target_dtype).rpartition("int")[2])
        return integer(bits, group_of(weight.block_size[1], weight.shape[1]), not weight.zero_point.any())

    return answers(job, model, read)


def scheme_format(module, scheme):
    """The name of a scheme of compressed-tensors."""
    if scheme is None:
        return FULL
    arguments = scheme.weights
    if scheme.input_activations is not None:
        rounded = scheme.input_activations
        plain = scheme.model_copy(update={"input_activations": None})
        return f"{scheme_format(module, plain)}/{input_format(rounded)}"
    if arguments.type == "float":
        key = (arguments.num_bits, str(getattr(arguments.strategy, "value", arguments.strategy)), arguments.group_size)
        return {
            (8, "channel", None): "fp8-e4m3-channel",
            (8, "tensor", None): "fp8-e4m3-tensor",
            (4, "tensor_group", 16): "nvfp4",
            (4, "group", 32): "mxfp4",
        }.get(key, str(key))
    strategy = str(getattr(arguments.strategy, "value", arguments.strategy))
    size = {"channel": -1, "tensor": 0}.get(strategy, arguments.group_size)
    return integer(arguments.num_bits, size, arguments.symmetric)


def input_format(arguments):
    """The name of what a scheme does to a layer's input."""
    strategy = str(getattr(arguments.strategy, "value", arguments.strategy))
    if arguments.type == "float":
        name, standard = f"fp8-e4m3-{strategy}", True
    else:
        name, standard = f"int{arguments.num_bits}-{strategy}", bool(arguments.dynamic)
    if arguments.dynamic and strategy != "token":
        name += "-dynamic"
    return name if arguments.symmetric == standard else f"{name}-{'sym' if arguments.symmetric else 'asym'}"


def compressed_tensors(job):
    model, weights = llama()
    job.run(job.export("MODEL", weights), model=model)
    return answers(job, model, lambda module: scheme_format(module, getattr(module, "quantization_scheme", None)))


def brevitas(job):
    model, weights = llama()
    model = job.run(job.export("MODEL", weights), model=model)["model"]
    computes(model)

    def read(module):
        if is_plain(module):
            return FULL
        weight = module.quant_weight()
        size = -1 if weight.scale.numel() > 1 else 0
        return integer(int(weight.bit_width), size, not weight.zero_point.any())

    return answers(job, model, read)


def hqq(job):
    model, weights = llama()
    changes = (('device="cuda"', 'device="cpu"'), ("compute_dtype=torch.float16", "compute_dtype=torch.float32"))
    job.run(job.export("MODEL", weights), changes, model=model)
    computes(model)

    def read(module):
        if is_plain(module):
            return FULL
        # HQQ always has an offset, and knows no tensor-wide scale.
        meta = module.meta
        return integer(meta["nbits"], group_of(meta["group_size"], meta["shape"][1]), False)

    return answers(job, model, read)


def is_constant(words, bits, count):
    """Whether the first `count` packed offsets of every row are one number: that of symmetric codes."""
    import torch

    codes = [(words >> (bits * index)) & (2**bits - 1) for index in range(32 // bits)]
    return torch.stack(codes, -1).flatten(1)[:, :count].unique().numel() == 1


def neural_compressor(job):
    model, weights = llama()
    model = job.run(job.export("MODEL", weights), model=model)["model"]
    computes(model)

    def read(module):
        if type(module).__name__ != "INCWeightOnlyLinear":
            return FULL if is_plain(module) else type(module).__name__
        if getattr(module, "dtype", "int").startswith("nf"):
            return f"{module.dtype}-g{module.group_size}"
        symmetric = is_constant(module.qzeros, module.bits, module.out_features)
        return integer(module.bits, group_of(module.group_size, module.in_features), symmetric)

    return answers(job, model, read)


def quanto(job):
    model, weights = llama()
    job.run(job.export("MODEL", weights), model=model)
    computes(model)

    def read(module):
        weight = module.weight
        if is_plain(module):
            return FULL
        bits = int(weight.qtype.name.removeprefix("qint"))
        size = getattr(weight, "_group_size", None)
        return integer(bits, group_of(size, weight.shape[1]), bits == 8)

    return answers(job, model, read)


def quark(job):
    import torch

    model, weights = llama()
    loader = torch.utils.data.DataLoader(token_rows(2, 16), batch_size=1)
    model = job.run(job.export("MODEL", weights), model=model, dataloader=loader)["model"]
    computes(model)

    def read(module):
        if is_plain(module):
            return FULL
        quantizer = getattr(module, "_weight_quantizer", None) or getattr(module, "weight_quantizer", None)
        if quantizer is None:
            return FULL
        spec = getattr(quantizer, "quant_spec", None) or quantizer._quant_spec
        bits = int(spec.dtype.name.removeprefix("u").removeprefix("int"))
        size = {"per_channel": -1, "per_tensor": 0}.get(spec.qscheme.name, spec.group_size)
        return integer(bits, size, spec.symmetric)

    return answers(job, model, read)


def modelopt(job):
    from transformers import AutoModelForCausalLM

    _, weights = llama(kind="bfloat16")
    model = AutoModelForCausalLM.from_pretrained("MODEL", dtype="auto")

    def forward_loop(net):
        net(token_rows(1, 16))

    def named(module):
        quantizer = getattr(module, "weight_quantizer", None)
        if quantizer is None or not quantizer.is_enabled:
            return FULL
        blocks = quantizer.block_sizes or {}
        if quantizer.num_bits == (4, 3):
            rounded = module.input_quantizer
            whole = quantizer.axis is None and rounded.is_enabled and rounded.num_bits == (4, 3) and rounded.axis is None
            return "fp8-e4m3-tensor/fp8-e4m3-tensor" if whole else "?"
        if quantizer.num_bits == (2, 1):
            return {(16, (4, 3)): "nvfp4", (32, (8, 0)): "mxfp4"}.get((blocks.get(-1), blocks.get("scale_bits")), "?")
        return integer(quantizer.num_bits, blocks.get(-1, -1 if quantizer.axis == 0 else 0), True)

    code = job.export("MODEL", weights)
    job.run(code, model=model, forward_loop=forward_loop)
    return answers(job, model, named)


CONSUMERS = {
    "torchao": Recipe(
        "torchao",
        "int4-g64-sym int8-channel int2-g32 int3-g128-sym fp32 int5-g64 int6-g32-asym int7-channel "
        "int8-channel/int8-token",
        torchao,
        "quantized and run",
        ("transformers",),
    ),
    "compressed-tensors": Recipe(
        "compressed-tensors",
        "int4-g64-sym int8-channel int2-g32 int3-g128-sym fp32 int5-g64 int8-tensor fp8-e4m3-channel nvfp4 mxfp4 "
        "int8-channel/int8-token fp8-e4m3-channel/fp8-e4m3-token int8-channel/int8-tensor fp8-e4m3-tensor/fp8-e4m3-tensor",
        compressed_tensors,
        "schemes applied to the modules",
        ("transformers",),
    ),
    "modelopt": Recipe(
        "nvidia-modelopt",
        "int4-g128-sym int8-channel nvfp4 fp32 mxfp4 fp8-e4m3-tensor/fp8-e4m3-tensor",
        modelopt,
        "quantized, exported as a checkpoint",
        ("transformers",),
        fused=True,
    ),
    "neural-compressor": Recipe(
        "neural_compressor",
        "int4-g64 int8-g32 int3-g128-sym fp32 int2-channel int5-g64 int7-g64",
        neural_compressor,
        "quantized, packed and run",
        ("transformers",),
    ),
    "quark": Recipe(
        "amd-quark",
        "int4-g128-sym int8-g32 int4-g64 fp32 int8-channel int2-g32-sym int8-tensor int3-g64-sym",
        quark,
        "quantized, frozen and run",
        ("transformers",),
    ),
    "brevitas": Recipe(
        "brevitas",
        "int4-channel-sym int8-channel int2-channel-sym fp32 int3-channel-sym int6-tensor int5-channel-asym",
        brevitas,
        "quantized and run",
        ("transformers",),
    ),
    "hqq": Recipe(
        "hqq",
        "int4-g64 int8-g32-asym int2-g32 fp32 int3-g64 int5-g64-asym int6-g64-asym",
        hqq,
        "quantized and run, on the processor in singles instead of CUDA in halves",
        ("transformers",),
    ),
    "quanto": Recipe(
        "optimum-quanto",
        "int4-g128 int8-channel int2-g128 fp32",
        quanto,
        "quantized, frozen and run",
        ("transformers",),
    ),
}
