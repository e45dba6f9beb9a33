"""Llama models to export: a small random one, and SmolLM2 as a Hugging Face directory."""

import json

import numpy as np
from safetensors.numpy import save_file

SEED = 0
HUGGING_FACE = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
SMALL = {"blocks": 4, "width": 256, "inner": 512, "heads": 4, "kv": 2, "vocabulary": 256, "base": 10000.0}


def small_tensors():
    """Random weights under GGUF's names, wide enough for blocks of 256."""
    generator = np.random.default_rng(SEED)
    width, inner, kv = SMALL["width"], SMALL["inner"], SMALL["width"] // SMALL["heads"] * SMALL["kv"]

    def matrix(rows, columns):
        return (generator.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    tensors = {"token_embd.weight": matrix(SMALL["vocabulary"], width), "output_norm.weight": np.ones(width, np.float32)}
    tensors["output.weight"] = matrix(SMALL["vocabulary"], width)
    for index in range(SMALL["blocks"]):
        shapes = {
            "attn_q": (width, width),
            "attn_k": (kv, width),
            "attn_v": (kv, width),
            "attn_output": (width, width),
            "ffn_gate": (inner, width),
            "ffn_up": (inner, width),
            "ffn_down": (width, inner),
        }
        for name, shape in shapes.items():
            tensors[f"blk.{index}.{name}.weight"] = matrix(*shape)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{index}.{name}.weight"] = np.ones(width, np.float32)
    return tensors


def write_small_gguf(path):
    """The small model as GGUF."""
    import gguf  # the quantizers' own environment has no such package

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(SMALL["blocks"])
    writer.add_embedding_length(SMALL["width"])
    writer.add_feed_forward_length(SMALL["inner"])
    writer.add_head_count(SMALL["heads"])
    writer.add_head_count_kv(SMALL["kv"])
    writer.add_context_length(512)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(SMALL["base"])
    writer.add_vocab_size(SMALL["vocabulary"])
    writer.add_tokenizer_model("no_vocab")  # without it llama.cpp does not load the file
    for name, tensor in small_tensors().items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_hugging_face(folder, tensors, settings):
    """A Hugging Face directory out of GGUF's tensors, and their names by its own names.

    Queries and keys go back to halves that turn together.
    """

    def place(name):
        parts = name.removesuffix(".weight").split(".")
        own = HUGGING_FACE[parts[-1]]
        return f"model.layers.{parts[1]}.{own}.weight" if parts[0] == "blk" else f"{own}.weight"

    def unpaired(tensor, heads):
        rows, columns = tensor.shape
        pairs = tensor.reshape(heads, rows // heads // 2, 2, columns)
        return np.ascontiguousarray(pairs.transpose(0, 2, 1, 3).reshape(rows, columns))

    heads = {"attn_q": settings["heads"], "attn_k": settings["kv"]}
    renamed, names = {}, {}
    for name, tensor in tensors.items():
        part = name.split(".")[-2]
        names[place(name)] = name
        renamed[place(name)] = unpaired(tensor, heads[part]) if part in heads else np.array(tensor)
    folder.mkdir(parents=True)
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    configuration = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": settings["width"],
        "intermediate_size": settings["inner"],
        "num_hidden_layers": settings["blocks"],
        "num_attention_heads": settings["heads"],
        "num_key_value_heads": settings["kv"],
        "vocab_size": settings["vocabulary"],
        "hidden_act": "silu",
        "rms_norm_eps": settings.get("epsilon", 1e-5),
        "rope_theta": settings["base"],
        "max_position_embeddings": 512,
        "tie_word_embeddings": "output.weight" not in tensors,
    }
    (folder / "config.json").write_text(json.dumps(configuration, indent=1))
    return names


def settings_of(file):
    """The numbers of a `LlamaFile`."""
    return {
        "blocks": file.config.blocks,
        "width": file.field("llama.embedding_length"),
        "inner": file.field("llama.feed_forward_length"),
        "heads": file.config.heads,
        "kv": file.config.kv_heads,
        "vocabulary": file.tensors["token_embd.weight"].shape[0],
        "base": file.config.rope_base,
        "epsilon": file.config.epsilon,
    }
