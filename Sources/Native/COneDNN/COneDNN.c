// oneDNN behind a few calls, loaded when it is first called: a process that times nothing does not pay
// for the library and what it depends on.
#include "COneDNN.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The prototypes are the header's; only the addresses come from the library.
#define FUNCTIONS(X)                                                                          \
  X(dnnl_version) X(dnnl_engine_create) X(dnnl_stream_create) X(dnnl_stream_wait)              \
  X(dnnl_stream_destroy)                                                                       \
  X(dnnl_memory_desc_init_by_tag) X(dnnl_memory_desc_get_size) X(dnnl_memory_create)           \
  X(dnnl_memory_destroy) X(dnnl_memory_set_data_handle) X(dnnl_primitive_attr_create)          \
  X(dnnl_primitive_attr_destroy) X(dnnl_primitive_attr_set_output_scales)                      \
  X(dnnl_primitive_attr_set_zero_points) X(dnnl_primitive_attr_set_scratchpad_mode)            \
  X(dnnl_primitive_attr_set_post_ops) X(dnnl_post_ops_create) X(dnnl_post_ops_destroy)         \
  X(dnnl_post_ops_append_eltwise) X(dnnl_dilated_convolution_forward_desc_init)                \
  X(dnnl_inner_product_forward_desc_init) X(dnnl_primitive_desc_create)                        \
  X(dnnl_primitive_desc_destroy) X(dnnl_primitive_desc_query) X(dnnl_primitive_desc_query_md)  \
  X(dnnl_primitive_create) X(dnnl_primitive_destroy) X(dnnl_primitive_execute)                 \
  X(dnnl_reorder_primitive_desc_create)

#define MEMBER(name) __typeof__(&name) name;
static struct { FUNCTIONS(MEMBER) } dnn;
static void (*set_threads)(int);
static dnnl_engine_t engine;
static char load_error[sizeof((conednn_error *)0)->text];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  // The sonames of Debian 12, and the development link.
  static const char *const files[] = {"libdnnl.so.2", "libdnnl.so"};
  void *library = NULL;
  for (size_t i = 0; i < sizeof files / sizeof *files && library == NULL; i++) {
    library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL && i == 0)
      snprintf(load_error, sizeof load_error, "the oneDNN library cannot be loaded: %s", dlerror());
  }
  if (library == NULL) return;
  load_error[0] = 0;
#define FIND(name)                                                                            \
  *(void **)&dnn.name = dlsym(library, #name);                                                 \
  if (dnn.name == NULL)                                                                        \
    snprintf(load_error, sizeof load_error, "the oneDNN library has no %s", #name);
  FUNCTIONS(FIND)
  if (load_error[0] != 0) return;
  // Of the thread library that oneDNN itself uses; where it has none, there is nothing to set.
  *(void **)&set_threads = dlsym(library, "omp_set_num_threads");
  if (dnn.dnnl_version()->major != 2)
    snprintf(
        load_error, sizeof load_error, "oneDNN %d is here, and version 2 is needed",
        dnn.dnnl_version()->major);
  else if (dnn.dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
    snprintf(load_error, sizeof load_error, "oneDNN has no engine for this processor");
}

/// 0 when the library is there.
static int start(conednn_error *error) {
  pthread_once(&once, load);
  memcpy(error->text, load_error, sizeof error->text);
  return error->text[0] != 0;
}

int32_t conednn_version(conednn_error *error) {
  if (start(error) != 0) return 0;
  const dnnl_version_t *it = dnn.dnnl_version();
  return 10000 * it->major + 100 * it->minor + it->patch;
}

struct conednn_kernel {
  int32_t threads;
  int64_t inputs, outputs;
  char name[96];
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  /// Makes the codes of the activations; NULL where they stay singles.
  dnnl_primitive_t conversion;
  float *bias_values;
  /// What the caller gives and takes, and the primitive's own input where it is another.
  dnnl_memory_t given, codes, weights, bias, scratch, result;
};

/// Fails with a sentence where a call of the library does.
#define TRY(call)                                                                             \
  do {                                                                                         \
    dnnl_status_t status = (call);                                                             \
    if (status != dnnl_success) {                                                              \
      snprintf(error->text, sizeof error->text, "%s", reason(status));                         \
      goto failed;                                                                             \
    }                                                                                          \
  } while (0)

static const char *reason(dnnl_status_t status) {
  switch (status) {
    case dnnl_unimplemented: return "oneDNN has no kernel for this shape and format";
    case dnnl_out_of_memory: return "there is not enough memory for oneDNN";
    case dnnl_invalid_arguments: return "oneDNN does not take this shape";
    default: return "oneDNN failed";
  }
}

static dnnl_format_tag_t activation_tag(int axes) {
  return axes == 0 ? dnnl_nc : axes == 1 ? dnnl_nwc : axes == 2 ? dnnl_nhwc : dnnl_ndhwc;
}

static dnnl_format_tag_t weight_tag(int axes, int grouped) {
  if (axes == 0) return dnnl_oi;
  if (axes == 1) return grouped ? dnnl_goiw : dnnl_oiw;
  if (axes == 2) return grouped ? dnnl_goihw : dnnl_oihw;
  return grouped ? dnnl_goidhw : dnnl_oidhw;
}

/// Runs one reorder and waits: how weights are packed.
static dnnl_status_t reorder(
    dnnl_stream_t stream, const dnnl_memory_desc_t *from, dnnl_memory_t source,
    const dnnl_memory_desc_t *to, dnnl_memory_t target, dnnl_primitive_attr_t attributes) {
  dnnl_primitive_desc_t descriptor = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status =
      dnn.dnnl_reorder_primitive_desc_create(&descriptor, from, engine, to, engine, attributes);
  if (status == dnnl_success) status = dnn.dnnl_primitive_create(&primitive, descriptor);
  if (status == dnnl_success) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}};
    status = dnn.dnnl_primitive_execute(primitive, stream, 2, arguments);
  }
  if (status == dnnl_success) status = dnn.dnnl_stream_wait(stream);
  if (primitive != NULL) dnn.dnnl_primitive_destroy(primitive);
  if (descriptor != NULL) dnn.dnnl_primitive_desc_destroy(descriptor);
  return status;
}

/// What the primitive is told beside its shape: scales, the clamp, who owns the scratchpad.
static dnnl_status_t describe(
    dnnl_primitive_attr_t attributes, const conednn_shape *shape, conednn_format format,
    const conednn_options *options, const float *scales) {
  dnnl_status_t status =
      dnn.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && format == CONEDNN_INT8)
    status = dnn.dnnl_primitive_attr_set_output_scales(attributes, shape->outputs, 1 << 1, scales);
  if (status == dnnl_success && format == CONEDNN_INT8 && options->input_zero != 0 && shape->axes > 0)
    status = dnn.dnnl_primitive_attr_set_zero_points(
        attributes, DNNL_ARG_SRC, 1, 0, &options->input_zero);
  if (status == dnnl_success && options->clamps) {
    dnnl_post_ops_t after = NULL;
    status = dnn.dnnl_post_ops_create(&after);
    if (status == dnnl_success)
      status = dnn.dnnl_post_ops_append_eltwise(
          after, 1, dnnl_eltwise_clip, options->low, options->high);
    if (status == dnnl_success) status = dnn.dnnl_primitive_attr_set_post_ops(attributes, after);
    if (after != NULL) dnn.dnnl_post_ops_destroy(after);
  }
  return status;
}

/// What is added to the accumulators: the bias in their unit, and what a matrix product's zero point
/// comes to (a convolution has its own, because of the border).
static void fill_bias(
    float *target, const conednn_shape *shape, conednn_format format, const float *weights,
    const float *bias, const conednn_options *options, const float *scales) {
  int64_t columns = shape->channels / shape->groups;
  for (int64_t o = 0; o < shape->outputs; o++) {
    target[o] = bias == NULL ? 0 : bias[o];
    if (format != CONEDNN_INT8) continue;
    target[o] /= scales[o];
    if (shape->axes > 0 || options->input_zero == 0) continue;
    double codes = 0;
    for (int64_t i = 0; i < columns; i++)
      codes += __builtin_rintf(weights[o * columns + i] / options->weight_scales[o]);
    target[o] -= (float)(codes * options->input_zero);
  }
}

conednn_kernel *conednn_make(
    const conednn_shape *shape, conednn_format format, const float *weights, const float *bias,
    const conednn_options *options, int32_t threads, conednn_error *error) {
  if (start(error) != 0) return NULL;
  if (set_threads != NULL) set_threads(threads);
  int axes = shape->axes;
  int grouped = shape->groups > 1;
  dnnl_data_type_t type = format == CONEDNN_FP32   ? dnnl_f32
                          : format == CONEDNN_BF16 ? dnnl_bf16
                          : options->input_is_signed ? dnnl_s8
                                                     : dnnl_u8;
  dnnl_primitive_attr_t attributes = NULL, packing = NULL, coding = NULL;
  dnnl_primitive_desc_t descriptor = NULL, conversion = NULL;
  dnnl_memory_t plain = NULL;
  float *scales = NULL, *inverse = NULL;
  conednn_kernel *kernel = calloc(1, sizeof *kernel);
  if (kernel == NULL) return NULL;
  kernel->threads = threads;

  dnnl_dims_t in = {shape->batch, shape->channels}, out = {shape->batch, shape->outputs};
  dnnl_dims_t filter = {0}, stride = {0}, dilation = {0}, before = {0}, after = {0};
  dnnl_dims_t outputs = {shape->outputs};
  int k = 0;
  if (grouped) filter[k++] = shape->groups;
  filter[k++] = shape->outputs / shape->groups;
  filter[k++] = shape->channels / shape->groups;
  kernel->inputs = shape->batch * shape->channels;
  kernel->outputs = shape->batch * shape->outputs;
  for (int i = 0; i < axes; i++) {
    int64_t span = (shape->kernel[i] - 1) * shape->dilation[i] + 1;
    in[2 + i] = shape->size[i];
    out[2 + i] =
        (shape->size[i] + shape->before[i] + shape->after[i] - span) / shape->stride[i] + 1;
    filter[k++] = shape->kernel[i];
    stride[i] = shape->stride[i];
    dilation[i] = shape->dilation[i] - 1;
    before[i] = shape->before[i];
    after[i] = shape->after[i];
    kernel->inputs *= in[2 + i];
    kernel->outputs *= out[2 + i];
  }

  scales = malloc((size_t)shape->outputs * sizeof *scales);
  inverse = malloc((size_t)shape->outputs * sizeof *inverse);
  if (scales == NULL || inverse == NULL) TRY(dnnl_out_of_memory);
  for (int64_t o = 0; o < shape->outputs; o++) {
    scales[o] = format == CONEDNN_INT8 ? options->weight_scales[o] * options->input_scale : 1;
    inverse[o] = format == CONEDNN_INT8 ? 1 / options->weight_scales[o] : 1;
  }

  dnnl_memory_desc_t singles, input, result, packed, given, biases, scratch;
  TRY(dnn.dnnl_stream_create(&kernel->stream, engine, dnnl_stream_default_flags));
  TRY(dnn.dnnl_memory_desc_init_by_tag(&given, axes + 2, in, dnnl_f32, activation_tag(axes)));
  TRY(dnn.dnnl_memory_desc_init_by_tag(&input, axes + 2, in, type, activation_tag(axes)));
  TRY(dnn.dnnl_memory_desc_init_by_tag(&result, axes + 2, out, dnnl_f32, activation_tag(axes)));
  TRY(dnn.dnnl_memory_desc_init_by_tag(
      &packed, k, filter, format == CONEDNN_INT8 ? dnnl_s8 : type, dnnl_format_tag_any));
  TRY(dnn.dnnl_memory_desc_init_by_tag(
      &singles, k, filter, dnnl_f32, weight_tag(axes, grouped)));
  TRY(dnn.dnnl_memory_desc_init_by_tag(&biases, 1, outputs, dnnl_f32, dnnl_x));
  TRY(dnn.dnnl_primitive_attr_create(&attributes));
  TRY(describe(attributes, shape, format, options, scales));
  if (axes == 0) {
    dnnl_inner_product_desc_t operation;
    TRY(dnn.dnnl_inner_product_forward_desc_init(
        &operation, dnnl_forward_inference, &input, &packed, &biases, &result));
    TRY(dnn.dnnl_primitive_desc_create(&descriptor, &operation, attributes, engine, NULL));
  } else {
    dnnl_convolution_desc_t operation;
    TRY(dnn.dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_convolution_direct, &input, &packed, &biases,
        &result, stride, dilation, before, after));
    TRY(dnn.dnnl_primitive_desc_create(&descriptor, &operation, attributes, engine, NULL));
  }
  TRY(dnn.dnnl_primitive_create(&kernel->primitive, descriptor));
  const char *name = NULL;
  TRY(dnn.dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, (void *)&name));
  snprintf(kernel->name, sizeof kernel->name, "%s", name);
  packed = *dnn.dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 0);
  scratch = *dnn.dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);

  TRY(dnn.dnnl_memory_create(&kernel->given, &given, engine, DNNL_MEMORY_NONE));
  TRY(dnn.dnnl_memory_create(&kernel->result, &result, engine, DNNL_MEMORY_NONE));
  TRY(dnn.dnnl_memory_create(&kernel->scratch, &scratch, engine, DNNL_MEMORY_ALLOCATE));
  TRY(dnn.dnnl_memory_create(&kernel->weights, &packed, engine, DNNL_MEMORY_ALLOCATE));
  TRY(dnn.dnnl_memory_create(&plain, &singles, engine, (void *)weights));
  TRY(dnn.dnnl_primitive_attr_create(&packing));
  if (format == CONEDNN_INT8)
    TRY(dnn.dnnl_primitive_attr_set_output_scales(
        packing, shape->outputs, grouped ? 3 : 1, inverse));
  TRY(reorder(kernel->stream, &singles, plain, &packed, kernel->weights, packing));

  kernel->bias_values = malloc((size_t)shape->outputs * sizeof *scales);
  if (kernel->bias_values == NULL) TRY(dnnl_out_of_memory);
  fill_bias(kernel->bias_values, shape, format, weights, bias, options, scales);
  TRY(dnn.dnnl_memory_create(&kernel->bias, &biases, engine, kernel->bias_values));
  if (format != CONEDNN_FP32) {
    TRY(dnn.dnnl_memory_create(&kernel->codes, &input, engine, DNNL_MEMORY_ALLOCATE));
    TRY(dnn.dnnl_primitive_attr_create(&coding));
    if (format == CONEDNN_INT8) {
      float factor = 1 / options->input_scale;
      TRY(dnn.dnnl_primitive_attr_set_output_scales(coding, 1, 0, &factor));
      if (options->input_zero != 0)
        TRY(dnn.dnnl_primitive_attr_set_zero_points(
            coding, DNNL_ARG_DST, 1, 0, &options->input_zero));
    }
    TRY(dnn.dnnl_reorder_primitive_desc_create(
        &conversion, &given, engine, &input, engine, coding));
    TRY(dnn.dnnl_primitive_create(&kernel->conversion, conversion));
  }
  goto done;

failed:
  if (error->text[0] == 0) snprintf(error->text, sizeof error->text, "oneDNN failed");
  conednn_free(kernel);
  kernel = NULL;
done:
  if (plain != NULL) dnn.dnnl_memory_destroy(plain);
  if (attributes != NULL) dnn.dnnl_primitive_attr_destroy(attributes);
  if (packing != NULL) dnn.dnnl_primitive_attr_destroy(packing);
  if (coding != NULL) dnn.dnnl_primitive_attr_destroy(coding);
  if (descriptor != NULL) dnn.dnnl_primitive_desc_destroy(descriptor);
  if (conversion != NULL) dnn.dnnl_primitive_desc_destroy(conversion);
  free(scales);
  free(inverse);
  return kernel;
}

int64_t conednn_inputs(const conednn_kernel *kernel) { return kernel->inputs; }
int64_t conednn_outputs(const conednn_kernel *kernel) { return kernel->outputs; }
const char *conednn_name(const conednn_kernel *kernel) { return kernel->name; }

int32_t conednn_run(
    conednn_kernel *kernel, const float *input, float *output, conednn_error *error) {
  error->text[0] = 0;
  if (set_threads != NULL) set_threads(kernel->threads);
  TRY(dnn.dnnl_memory_set_data_handle(kernel->given, (void *)input));
  TRY(dnn.dnnl_memory_set_data_handle(kernel->result, output));
  dnnl_memory_t source = kernel->given;
  if (kernel->conversion != NULL) {
    dnnl_exec_arg_t coding[] = {{DNNL_ARG_FROM, kernel->given}, {DNNL_ARG_TO, kernel->codes}};
    TRY(dnn.dnnl_primitive_execute(kernel->conversion, kernel->stream, 2, coding));
    source = kernel->codes;
  }
  dnnl_exec_arg_t arguments[] = {
      {DNNL_ARG_SRC, source},
      {DNNL_ARG_WEIGHTS, kernel->weights},
      {DNNL_ARG_BIAS, kernel->bias},
      {DNNL_ARG_SCRATCHPAD, kernel->scratch},
      {DNNL_ARG_DST, kernel->result}};
  TRY(dnn.dnnl_primitive_execute(kernel->primitive, kernel->stream, 5, arguments));
  TRY(dnn.dnnl_stream_wait(kernel->stream));
  return 0;
failed:
  return -1;
}

void conednn_free(conednn_kernel *kernel) {
  if (kernel == NULL) return;
  dnnl_memory_t memories[] = {kernel->given,   kernel->codes,   kernel->weights,
                              kernel->bias,    kernel->scratch, kernel->result};
  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
    if (memories[i] != NULL) dnn.dnnl_memory_destroy(memories[i]);
  if (kernel->conversion != NULL) dnn.dnnl_primitive_destroy(kernel->conversion);
  if (kernel->primitive != NULL) dnn.dnnl_primitive_destroy(kernel->primitive);
  if (kernel->stream != NULL) dnn.dnnl_stream_destroy(kernel->stream);
  free(kernel->bias_values);
  free(kernel);
}
