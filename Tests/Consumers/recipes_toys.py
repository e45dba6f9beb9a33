"""Small models with random weights, made from a seed."""

WIDTH, INNER, BLOCKS, VOCABULARY = 256, 512, 2, 256


def llama(folder="MODEL", kind="float32"):
    """Write a Llama of two blocks with a tokenizer of its own; the model and its file of weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    settings = LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=BLOCKS,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=VOCABULARY,
        max_position_embeddings=512,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(settings).to(getattr(torch, kind)).eval()
    model.save_pretrained(folder)
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"w{index}": index for index in range(3, VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    return model, f"{folder}/model.safetensors"


def token_rows(count, length):
    """Token ids: [count, length]."""
    import torch

    return torch.randint(3, VOCABULARY, (count, length), generator=torch.Generator().manual_seed(1))


def plain(model):
    """The same modules under the same names without what exporters of graphs stumble over (masks, caches)."""
    import torch

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.lm_head = model.model, model.lm_head

        def forward(self, ids):
            x = self.model.embed_tokens(ids)
            for block in self.model.layers:
                attention, inner = block.self_attn, block.mlp
                keys = torch.cat([attention.k_proj(x), attention.v_proj(x)], -1)
                x = x + attention.o_proj(attention.q_proj(x) * keys)
                x = x + inner.down_proj(inner.gate_proj(x) * inner.up_proj(x))
            return self.lm_head(x)

    return Plain().eval()


def graph(path="MODEL.onnx", convolution=False):
    """Write an ONNX graph of eight matrix products, every other one a Gemm; or of four, a Gemm and a convolution."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    nodes, weights = [], []

    def weight(name, *shape):
        values = random.standard_normal(shape).astype(np.float32) / 16
        weights.append(numpy_helper.from_array(values, name))
        return name

    x = "x"
    for index in range(4 if convolution else 8):
        w = weight(f"w{index}", WIDTH, WIDTH)
        if index % 2 and not convolution:
            gemm = [x, w, weight(f"b{index}", WIDTH)] if index % 4 == 1 else [x, w]
            nodes.append(helper.make_node("Gemm", gemm, [f"m{index}"], name=f"/block.{index}/Gemm", transB=index // 4))
        else:
            nodes.append(helper.make_node("MatMul", [x, w], [f"m{index}"], name=f"/block.{index}/MatMul"))
        x = f"m{index}"
    if convolution:
        gemm = [x, weight("head", 64, WIDTH)]
        nodes.append(helper.make_node("Gemm", gemm, ["gemm"], name="/head/Gemm", transB=1))
        weights.append(numpy_helper.from_array(np.array([-1, 4, 4, 4], np.int64), "square"))
        nodes.append(helper.make_node("Reshape", ["gemm", "square"], ["image"], name="/Reshape"))
        kernel = ["image", weight("kernel", 8, 4, 3, 3)]
        nodes.append(helper.make_node("Conv", kernel, ["conv"], name="/conv/Conv", pads=[1, 1, 1, 1]))
        x = "conv"
    shape = ["n", 8, 4, 4] if convolution else ["n", WIDTH]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "toy",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH])],
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)],
            weights,
        ),
        # Integers of four bits need 21.
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
