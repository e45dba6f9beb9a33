#ifndef CONEDNN_H
#define CONEDNN_H

#include <stdint.h>

/// A layer's primitive with its weights packed for it.
typedef struct conednn_kernel conednn_kernel;

/// What is multiplied with what; results are singles in every case.
typedef enum { CONEDNN_FP32 = 0, CONEDNN_BF16 = 1, CONEDNN_INT8 = 2 } conednn_format;

/// A convolution over `axes` axes, or with `axes` 0 a matrix product of `batch` rows.
typedef struct {
  int32_t axes;
  int64_t batch, channels, outputs, groups;
  int64_t size[3], kernel[3], stride[3], dilation[3], before[3], after[3];
} conednn_shape;

/// How numbers become codes, and what is done with the results.
typedef struct {
  /// Of int8: one scale per output channel; a weight is `code · scale`, code -128 ... 127.
  const float *weight_scales;
  /// Of int8: an activation is `(code - zero) · scale`.
  float input_scale;
  int32_t input_zero;
  /// Of int8: codes -128 ... 127 in place of 0 ... 255.
  int32_t input_is_signed;
  /// Results are held in `low ... high` where `clamps` is not 0.
  int32_t clamps;
  float low, high;
} conednn_options;

/// Why a call failed, in one sentence without its end.
typedef struct {
  char text[256];
} conednn_error;

/// The library's version as 10000 · major + 100 · minor + patch; 0 and `error` where it is not there.
int32_t conednn_version(conednn_error *error);

/// Packs the weights `[outputs][channels / groups][kernel...]` and the bias (or NULL) for a primitive.
///
/// NULL and `error` on failure. A kernel is to be run by one thread at a time.
conednn_kernel *conednn_make(
    const conednn_shape *shape, conednn_format format, const float *weights, const float *bias,
    const conednn_options *options, int32_t threads, conednn_error *error);

/// The number of singles that the kernel reads.
int64_t conednn_inputs(const conednn_kernel *kernel);

/// The number of singles that the kernel writes.
int64_t conednn_outputs(const conednn_kernel *kernel);

/// The library's own name of the implementation.
const char *conednn_name(const conednn_kernel *kernel);

/// Computes `[batch][size...][channels]` singles to `[batch][size...][outputs]` singles; 0 on success.
int32_t conednn_run(
    conednn_kernel *kernel, const float *input, float *output, conednn_error *error);

/// Gives the kernel back.
void conednn_free(conednn_kernel *kernel);

#endif
