"""Reference outputs, computed by other programs than ours: ONNX Runtime, numpy, gguf, tokenizers, Pillow."""

import json

import numpy as np
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bert import BertEncoder, sentence_embedding
from llama import LlamaFile, bpe_tokenizer
from roundtrips import round_trips
from tokenization import write_cases
from workspace import FixtureError, say

SEED = 0
PHOTOS = 8
RESIZED, CROPPED, MEAN, DEVIATION = 256, 224, 127, 128
LONG_SENTENCE = 100
WIKI_TOKENS = 128
SMALL_TOKENS = 24
DEQUANTIZED = ("token_embd.weight", "blk.0.attn_q.weight", "blk.29.ffn_down.weight")
DEQUANTIZED_ROWS = 4
QUANTIZED = "encoder.layer.0.attention.self.query.weight"
QUANTIZED_ROWS = 64
AGREEMENT = 1e-4


def preprocess(path):
    """A photo as the network sees it, as photos/preprocess.yaml declares: float32 [3, size, size]."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    factor = RESIZED / min(image.size)
    image = image.resize([round(side * factor) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - CROPPED) // 2 for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + CROPPED, top + CROPPED)), np.float32)
    return ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)


def run_onnx(path, inputs):
    """The first output of an ONNX model in ONNX Runtime without graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (output, *_) = session.run(None, inputs)
    return output


def check_agreement(what, values, others):
    """Fail unless two computations agree and are finite."""
    difference = np.abs(values - others).max() / np.abs(others).max()
    if not difference <= AGREEMENT:
        raise FixtureError(f"{what} differ by {difference:.1e} of the largest value.")
    say(f"references: {what} agree to {difference:.1e} of the largest value")


def write_efficientnet(folder, workspace):
    """Logits of real photos for both models, and the names of the photos."""
    model = workspace.finished("efficientnet-lite0")
    paths = sorted(workspace.finished("photos").glob("*.png"))
    paths = paths[:: len(paths) // PHOTOS][:PHOTOS]
    images = np.stack([preprocess(path) for path in paths])
    logits, logits_bn = (run_onnx(model / name, {"input": images}) for name in ("model.onnx", "model-bn.onnx"))
    check_agreement("the logits with batch normalisation folded and kept", logits, logits_bn)
    np.savez(folder / "efficientnet-lite0.npz", input=images, logits=logits, logits_bn=logits_bn)
    write_json(folder / "efficientnet-lite0-photos.json", [path.name for path in paths])


def sample_sentences(text_folder, tokenizer):
    """Eight texts of different lengths, the last with more than a hundred tokens."""
    sentences = (text_folder / "sentences.txt").read_text(encoding="utf-8").splitlines()
    lee = (text_folder / "lee.txt").read_text(encoding="utf-8").splitlines()
    by_length = sorted(sentences, key=len)
    chosen = [by_length[len(by_length) * part // 6] for part in range(6)]
    long = next(text for text in lee if len(tokenizer.encode(text).ids) > LONG_SENTENCE)
    return ["Hello", *chosen, long]


def write_minilm(folder, workspace):
    """Embeddings and hidden states in numpy float64; embeddings of a padded batch in ONNX Runtime."""
    source = workspace.finished("minilm")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    tensors = load_file(source / "model.safetensors")
    encoder = BertEncoder(tensors, config)

    sentences = sample_sentences(workspace.finished("text"), tokenizer)
    sequences = [tokenizer.encode(sentence).ids for sentence in sentences]
    states = [encoder.hidden_states(ids) for ids in sequences]
    embeddings = [sentence_embedding(state) for state in states]
    arrays = {}
    for index, (ids, embedding, state) in enumerate(zip(sequences, embeddings, states, strict=True)):
        arrays[f"ids_{index}"] = np.array(ids, np.int64)
        arrays[f"embedding_{index}"] = embedding.astype(np.float32)
        arrays[f"hidden_{index}"] = state.astype(np.float32)
    np.savez(folder / "minilm.npz", **arrays)
    write_json(folder / "minilm-sentences.json", sentences)

    ids = np.zeros((len(sequences), max(map(len, sequences))), np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    embedding = run_onnx(workspace.finished("minilm-onnx") / "model.onnx", inputs)
    check_agreement("MiniLM's embeddings in ONNX Runtime and in numpy", embedding, np.stack(embeddings))
    np.savez(folder / "minilm-onnx.npz", **inputs, embedding=embedding)

    np.savez(folder / "quantization.npz", **round_trips(tensors[QUANTIZED][:QUANTIZED_ROWS]))


def write_smollm2(folder, workspace, original):
    """Logits of the language models, and rows of shipped tensors after dequantization."""
    source = workspace.finished("smollm2")
    text = (workspace.finished("text") / "wiki.txt").read_text(encoding="utf-8")
    ids = np.array(bpe_tokenizer(original).encode(text[: 10 * WIKI_TOKENS]).ids[:WIKI_TOKENS], np.int64)
    logits, permuted = (model.logits(ids) for model in (original, LlamaFile(source / "permuted.gguf")))
    check_agreement("SmolLM2's logits as shipped and permuted", permuted, logits)
    arrays = {"logits": logits, "logits_permuted": permuted}
    np.savez(folder / "smollm2.npz", ids=ids, **{name: array.astype(np.float32) for name, array in arrays.items()})

    for name in ("small-f16", "small-untied"):
        small = LlamaFile(source / f"{name}.gguf")
        ids = np.random.default_rng(SEED).integers(0, small.field("llama.vocab_size"), SMALL_TOKENS)
        np.savez(folder / f"{name}.npz", ids=ids, logits=small.logits(ids).astype(np.float32))

    rows = {name: original.tensors[name][:DEQUANTIZED_ROWS] for name in DEQUANTIZED}
    np.savez(folder / "dequantize.npz", **rows)


def write_small_compressed(folder):
    """Three small arrays of different types in a compressed archive, one of them in Fortran order."""
    generator = np.random.default_rng(SEED)
    np.savez_compressed(
        folder / "small-compressed.npz",
        single=generator.standard_normal((3, 5), np.float32),
        integers=generator.integers(-(2**40), 2**40, (2, 3, 4)),
        fortran=np.asfortranarray(generator.standard_normal((4, 6))),
    )


def write_json(path, value):
    """Write a JSON file."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="ascii")


def build(workspace):
    """Make references/."""
    folder = workspace.new_folder("references")
    original = LlamaFile(workspace.finished("smollm2") / "original.gguf")
    write_efficientnet(folder, workspace)
    write_minilm(folder, workspace)
    write_smollm2(folder, workspace, original)
    write_cases(folder, workspace.finished("text"), workspace.finished("minilm") / "tokenizer.json", original)
    write_small_compressed(folder)
    say(f"references: wrote {sum(1 for _ in folder.iterdir())} files")
