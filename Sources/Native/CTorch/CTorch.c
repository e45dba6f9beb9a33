// The face of the engine: every call goes through a table that libTorchEngine hands out.
//
// libtorch takes half a second and 150 MB to load, which commands that never touch a tensor (`plan`,
// `inspect`, `list`) should not pay. So it is loaded when it is first called, from beside the executable.
#define _GNU_SOURCE
#include "CTorch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const ct_engine *loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *open_beside(const char *file) {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0) return NULL;
  path[length] = 0;
  char *slash = strrchr(path, '/');
  if (!slash || (size_t)(slash - path) + strlen(file) + 2 > sizeof path) return NULL;
  strcpy(slash + 1, file);
  return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

static void load(void) {
  const char *file = "libTorchEngine.so";
  const char *chosen = getenv("BITBUDGET_ENGINE");
  void *library = chosen ? dlopen(chosen, RTLD_NOW | RTLD_GLOBAL) : open_beside(file);
  if (!library && !chosen) library = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
  const ct_engine *(*table)(void) = NULL;
  if (library) *(void **)&table = dlsym(library, "ct_engine_table");
  if (!table) {
    // Nothing that needs a tensor can go on, and no caller could do anything else about it.
    fprintf(
        stderr, "bitbudget: the tensor engine %s cannot be loaded from beside the executable: %s\n",
        file, dlerror());
    exit(1);
  }
  loaded = table();
  // One thread inside an operator: parallelism is over samples, layers and candidates, one worker a
  // core. Measured on two cores with a 6-layer transformer: one thread 0.35 s forward, two 0.52 s,
  // since OpenMP and OpenBLAS fight over the cores.
  loaded->set_threads(1, 1);
}

static const ct_engine *engine(void) {
  pthread_once(&once, load);
  return loaded;
}

ct_operator *ct_find_operator(
    const char *name, const char *overload, char **error) {
  return engine()->find_operator(name, overload, error);
}
int64_t ct_call(
    const ct_operator *op, const ct_value *arguments, int64_t count, const char *const *names, const ct_value *named, int64_t named_count, ct_tensor ***results, char **error) {
  return engine()->call(op, arguments, count, names, named, named_count, results, error);
}
void ct_free_results(ct_tensor **results) { engine()->free_results(results); }
ct_tensor *ct_retain(const ct_tensor *tensor) { return engine()->retain(tensor); }
void ct_free(ct_tensor *tensor) { engine()->free(tensor); }
void ct_free_string(char *string) { engine()->free_string(string); }
ct_tensor *ct_from_blob(
    void *data, const int64_t *shape, int64_t rank, int32_t dtype, void (*release)(void *), void *context, char **error) {
  return engine()->from_blob(data, shape, rank, dtype, release, context, error);
}
int64_t ct_rank(const ct_tensor *tensor) { return engine()->rank(tensor); }
int64_t ct_size(const ct_tensor *tensor, int64_t axis) { return engine()->size(tensor, axis); }
int32_t ct_dtype(const ct_tensor *tensor) { return engine()->dtype(tensor); }
int64_t ct_element_size(const ct_tensor *tensor) { return engine()->element_size(tensor); }
int64_t ct_count(const ct_tensor *tensor) { return engine()->count(tensor); }
bool ct_is_contiguous(const ct_tensor *tensor) { return engine()->is_contiguous(tensor); }
bool ct_is_cpu(const ct_tensor *tensor) { return engine()->is_cpu(tensor); }
void *ct_data(const ct_tensor *tensor) { return engine()->data(tensor); }
bool ct_item(
    const ct_tensor *tensor, double *value, char **error) {
  return engine()->item(tensor, value, error);
}
bool ct_requires_grad(const ct_tensor *tensor) { return engine()->requires_grad(tensor); }
ct_tensor *ct_leaf(const ct_tensor *tensor, char **error) { return engine()->leaf(tensor, error); }
bool ct_set_grad_mode(bool enabled) { return engine()->set_grad_mode(enabled); }
bool ct_gradients(
    ct_tensor *const *outputs, int64_t output_count, ct_tensor *const *seeds, ct_tensor *const *inputs, int64_t input_count, bool keep_graph, bool create_graph, ct_tensor **results, char **error) {
  return engine()->gradients(outputs, output_count, seeds, inputs, input_count, keep_graph, create_graph, results, error);
}
void ct_set_threads(int32_t intra_op, int32_t blas) { engine()->set_threads(intra_op, blas); }
void ct_release_free_memory(void) { engine()->release_free_memory(); }
const char *ct_version(void) { return engine()->version(); }
