"""llama.cpp's library as the wheel of xllamacpp holds it: ggml's quantizers, a model's logits, its tokenizer.

The wheel's own Python names are those of a server. Its library keeps llama.cpp's C functions, which are called
here; the structures are those of the pinned version, and what they hold by default is checked before they are used.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_float, c_int8, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from pathlib import Path

import numpy as np
import xllamacpp

SINGLE = 0  # GGML_TYPE_F32
ERROR = 4  # GGML_LOG_LEVEL_ERROR


class ModelSettings(ctypes.Structure):
    """llama_model_params, of which nothing is changed: room enough for it."""

    _fields_ = [("words", c_uint32 * 128)]


class ContextSettings(ctypes.Structure):
    """llama_context_params: its first fields, and room for the others."""

    _fields_ = [
        *[(name, c_uint32) for name in ("n_ctx", "n_batch", "n_ubatch", "n_seq_max", "n_rs_seq")],
        *[(name, c_uint32) for name in ("n_outputs_max", "n_outputs_max_per_seq")],
        *[(name, c_int32) for name in ("n_threads", "n_threads_batch", "ctx_type", "rope_scaling", "pooling")],
        *[(name, c_int32) for name in ("attention", "flash_attention")],
        ("rope_and_yarn", c_float * 7),
        ("defrag", c_float),
        ("callback", c_void_p * 2),
        ("type_k", c_int32),
        ("type_v", c_int32),
        ("others", c_uint32 * 64),
    ]


class Batch(ctypes.Structure):
    """llama_batch."""

    _fields_ = [
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", POINTER(c_float)),
        ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)),
        ("seq_id", POINTER(POINTER(c_int32))),
        ("logits", POINTER(c_int8)),
    ]


LOG = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
log = LOG(lambda level, text, _: print(text.decode(errors="replace"), end="") if level == ERROR else None)


def function(name, result, *arguments):
    """A function of the library."""
    found = getattr(LIBRARY, name)
    found.restype, found.argtypes = result, arguments
    return found


LIBRARY = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))))
quantize_chunk = function(
    "ggml_quantize_chunk", c_size_t, c_int32, c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p
)
row_size = function("ggml_row_size", c_size_t, c_int32, c_int64)
model_settings = function("llama_model_default_params", ModelSettings)
context_settings = function("llama_context_default_params", ContextSettings)
load = function("llama_model_load_from_file", c_void_p, c_char_p, ModelSettings)
start = function("llama_init_from_model", c_void_p, c_void_p, ContextSettings)
batch_of = function("llama_batch_init", Batch, c_int32, c_int32, c_int32)
free_batch = function("llama_batch_free", None, Batch)
decode = function("llama_decode", c_int32, c_void_p, Batch)
logits_of = function("llama_get_logits_ith", POINTER(c_float), c_void_p, c_int32)
vocabulary_of = function("llama_model_get_vocab", c_void_p, c_void_p)
vocabulary_size = function("llama_vocab_n_tokens", c_int32, c_void_p)
tokenize = function(
    "llama_tokenize", c_int32, c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, ctypes.c_bool, ctypes.c_bool
)
free_context = function("llama_free", None, c_void_p)
free_model = function("llama_model_free", None, c_void_p)
function("llama_log_set", None, LOG, c_void_p)(log, None)
function("llama_backend_init", None)()


def quantized(weights, kind):
    """The bytes that ggml's own quantizer makes of a matrix [rows, columns] of singles."""
    weights = np.ascontiguousarray(weights, np.float32)
    rows, columns = weights.shape
    target = np.empty(rows * row_size(kind, columns), np.uint8)
    size = quantize_chunk(kind, weights.ctypes.data, target.ctypes.data, 0, rows, columns, None)
    if size != target.nbytes:
        raise RuntimeError(f"ggml writes {size} bytes of type {kind} and says {target.nbytes}")
    return target.tobytes()


class Model:
    """A GGUF file as llama.cpp has it."""

    def __init__(self, path):
        self.model = load(str(path).encode(), model_settings())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not load {path}")
        self.vocabulary = vocabulary_of(self.model)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        free_model(self.model)

    def tokens(self, text):
        """The ids of a text, in which special tokens are read as such."""
        data = text.encode()
        ids = (c_int32 * len(data))()
        count = tokenize(self.vocabulary, data, len(data), ids, len(data), False, True)
        return list(ids[:count])

    def logits(self, ids):
        """The logits after each token [tokens, words], with attention in singles."""
        settings = context_settings()
        # What these fields hold by default says that the structure is the one of the pinned version.
        if (settings.n_ctx, settings.n_batch, settings.type_k, settings.type_v) != (512, 2048, 1, 1):
            raise RuntimeError("llama_context_params has another layout than that of the pinned xllamacpp")
        settings.n_ctx = settings.n_batch = settings.n_ubatch = max(len(ids), 32)
        settings.n_outputs_max_per_seq = settings.n_ctx
        settings.n_threads = settings.n_threads_batch = 1
        settings.flash_attention = 0
        settings.type_k = settings.type_v = SINGLE
        context = start(self.model, settings)
        if not context:
            raise RuntimeError("llama.cpp makes no context")
        batch = batch_of(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for place, token in enumerate(ids):
            batch.token[place], batch.pos[place] = int(token), place
            batch.n_seq_id[place], batch.seq_id[place][0], batch.logits[place] = 1, 0, 1
        code = decode(context, batch)
        if code != 0:
            raise RuntimeError(f"llama_decode ends with {code}")
        width = vocabulary_size(self.vocabulary)
        rows = [np.ctypeslib.as_array(logits_of(context, place), (width,)).copy() for place in range(len(ids))]
        free_batch(batch)
        free_context(context)
        return np.stack(rows)
