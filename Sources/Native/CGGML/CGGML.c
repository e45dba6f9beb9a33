// The quantizers of llama.cpp's ggml behind three calls. The library is loaded when it is first called, from
// where BITBUDGET_GGML says or where the system keeps libraries: everything else works without it.
#include "CGGML.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ggml's own types, as they are in every version since ggml_quantize_chunk has taken rows (2024).
typedef size_t (*quantize_function)(
    int type, const float *source, void *target, int64_t start, int64_t rows, int64_t columns,
    const float *importance);
typedef void (*dequantize_function)(const void *source, float *target, int64_t count);
typedef int64_t (*block_size_function)(int type);
typedef size_t (*type_size_function)(int type);
typedef struct {
  size_t mem_size;
  void *mem_buffer;
  _Bool no_alloc;
} init_parameters;
typedef void *(*init_function)(init_parameters);
typedef void (*free_function)(void *);

static struct {
  void *library;
  quantize_function quantize;
  block_size_function block_size;
  type_size_function type_size;
} ggml;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/// A library by its name or path, or by the folder that it is in; NULL, and the reason if it is the first.
static void *opened(const char *folder, const char *name, cggml_error *error) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name) >= (int)sizeof path)
    return NULL;
  // Local, so that none of its symbols meets another library's of the same name.
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL && error->text[0] == 0) {
    const char *reason = dlerror();
    snprintf(error->text, sizeof error->text, "%s", reason ? reason : path);
  }
  return library;
}

static void *found(cggml_error *error) {
  const char *place = getenv("BITBUDGET_GGML");
  if (place == NULL) place = "";
  void *library = *place ? opened("", place, error) : NULL;
  // The library of quantizers since 2024, and the one that had everything before.
  static const char *const files[] = {
      "libggml-base.so.0", "libggml-base.so", "libggml-base.dylib", "libggml.so", "libggml.dylib"};
  for (size_t i = 0; i < sizeof files / sizeof *files && library == NULL; i++) {
    cggml_error unsaid = {"-"};
    library = opened(place, files[i], *place ? &unsaid : error);
  }
  return library;
}

/// 0 when the library is there. A failure is not remembered: the variable may be set later.
static int start(cggml_error *error) {
  error->text[0] = 0;
  pthread_mutex_lock(&mutex);
  void *library = ggml.library ? NULL : found(error);
  if (library != NULL) {
    *(void **)&ggml.quantize = dlsym(library, "ggml_quantize_chunk");
    *(void **)&ggml.block_size = dlsym(library, "ggml_blck_size");
    *(void **)&ggml.type_size = dlsym(library, "ggml_type_size");
    if (ggml.quantize && ggml.block_size && ggml.type_size) {
      // Older versions look halves up in a table that the first context fills.
      init_function init;
      free_function release;
      *(void **)&init = dlsym(library, "ggml_init");
      *(void **)&release = dlsym(library, "ggml_free");
      void *context = init ? init((init_parameters){1024, NULL, 1}) : NULL;
      if (context && release) release(context);
      error->text[0] = 0;
      ggml.library = library;
    } else {
      snprintf(error->text, sizeof error->text, "it has no ggml_quantize_chunk");
      dlclose(library);
    }
  }
  int is_there = ggml.library != NULL;
  pthread_mutex_unlock(&mutex);
  return is_there ? 0 : -1;
}

int32_t cggml_has(const cggml_blocks *blocks, cggml_error *error) {
  if (start(error) != 0) return -1;
  if (ggml.block_size(blocks->type) == blocks->weights &&
      ggml.type_size(blocks->type) == blocks->bytes)
    return 0;
  snprintf(error->text, sizeof error->text, "its %s has other blocks", blocks->name);
  return -1;
}

int32_t cggml_quantize(
    const cggml_blocks *blocks, const float *weights, int64_t count, void *packed,
    cggml_error *error) {
  if (cggml_has(blocks, error) != 0) return -1;
  size_t size = ggml.quantize(blocks->type, weights, packed, 0, 1, count, NULL);
  if (size == (size_t)(count / blocks->weights) * blocks->bytes) return 0;
  snprintf(error->text, sizeof error->text, "its %s has other blocks", blocks->name);
  return -1;
}

int32_t cggml_dequantize(
    const cggml_blocks *blocks, const void *packed, int64_t count, float *weights,
    cggml_error *error) {
  if (start(error) != 0) return -1;
  char name[64];
  snprintf(name, sizeof name, "dequantize_row_%s", blocks->name);
  dequantize_function dequantize;
  *(void **)&dequantize = dlsym(ggml.library, name);
  if (dequantize == NULL) {
    snprintf(error->text, sizeof error->text, "it has no %s", name);
    return -1;
  }
  dequantize(packed, weights, count);
  return 0;
}
