#ifndef CGGML_H
#define CGGML_H

#include <stddef.h>
#include <stdint.h>

/// Why a call failed, in one clause; empty when it did not.
typedef struct {
  char text[512];
} cggml_error;

/// A block type of ggml.
typedef struct {
  /// Its number in files.
  int32_t type;
  /// Its name in ggml's functions, such as `q4_K`.
  const char *name;
  /// Weights of a block.
  int64_t weights;
  /// Bytes of a block.
  size_t bytes;
} cggml_blocks;

/// 0 where ggml is there and has the type, of the blocks given.
int32_t cggml_has(const cggml_blocks *blocks, cggml_error *error);

/// Quantizes one row of `count` finite weights, without an importance matrix; 0 on success.
int32_t cggml_quantize(
    const cggml_blocks *blocks, const float *weights, int64_t count, void *packed,
    cggml_error *error);

/// What ggml makes of the blocks of `count` weights; 0 on success.
int32_t cggml_dequantize(
    const cggml_blocks *blocks, const void *packed, int64_t count, float *weights,
    cggml_error *error);

#endif
