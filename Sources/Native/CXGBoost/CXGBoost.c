// XGBoost behind three calls, loaded when it is first called: a process that boosts nothing does not
// pay for the library and what it depends on.
#include "CXGBoost.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xgboost/c_api.h>

// The prototypes are the header's; only the addresses come from the library.
#define FUNCTIONS(X)                                                                          \
  X(XGBGetLastError) X(XGDMatrixCreateFromMat) X(XGDMatrixSetFloatInfo) X(XGDMatrixFree)       \
  X(XGBoosterCreate) X(XGBoosterSetParam) X(XGBoosterUpdateOneIter) X(XGBoosterFree)           \
  X(XGBoosterPredictFromDMatrix)

#define MEMBER(name) __typeof__(&name) name;
static struct { FUNCTIONS(MEMBER) } xgb;
static char load_error[sizeof((cxgboost_error *)0)->text];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  // The sonames of Debian 12 and later, the development link, macOS.
  static const char *const files[] = {"libxgboost.so.0", "libxgboost.so", "libxgboost.dylib"};
  void *library = NULL;
  for (size_t i = 0; i < sizeof files / sizeof *files && library == NULL; i++) {
    // Local, so that none of its symbols meets another library's of the same name.
    library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL && i == 0)
      snprintf(load_error, sizeof load_error, "the XGBoost library cannot be loaded: %s", dlerror());
  }
  if (library == NULL) return;
  load_error[0] = 0;
#define FIND(name)                                                                            \
  *(void **)&xgb.name = dlsym(library, #name);                                                 \
  if (xgb.name == NULL)                                                                        \
    snprintf(load_error, sizeof load_error, "the XGBoost library has no %s", #name);
  FUNCTIONS(FIND)
}

/// 0 when the library is there.
static int start(cxgboost_error *error) {
  pthread_once(&once, load);
  memcpy(error->text, load_error, sizeof error->text);
  return error->text[0] != 0;
}

/// Keeps the sentence of XGBoost's message: without the clock, the file and the stack trace.
static void keep_reason(cxgboost_error *error) {
  const char *message = xgb.XGBGetLastError();
  // "[12:00:00] ./src/learner.cc:42: Check failed: ...\nStack trace:\n ..."
  if (message[0] == '[') {
    const char *file = strchr(message, ' ');
    const char *reason = file ? strstr(file + 1, ": ") : NULL;
    const char *line = strchr(message, '\n');
    if (reason != NULL && (line == NULL || reason < line)) message = reason + 2;
  }
  const char *stack = strstr(message, "Stack trace");
  size_t length = stack ? (size_t)(stack - message) : strlen(message);
  if (length >= sizeof error->text) length = sizeof error->text - 1;
  memcpy(error->text, message, length);
  error->text[length] = 0;
  for (char *c = error->text; *c != 0; c++)
    if (*c == '\n') *c = ' ';
  while (length > 0 && error->text[length - 1] == ' ') error->text[--length] = 0;
  if (length == 0) strcpy(error->text, "XGBoost gave no reason");
}

/// 0 on success; the matrix is to be freed either way unless it is NULL.
static int matrix(
    DMatrixHandle *made, const float *features, int64_t rows, int64_t columns, const float *targets,
    const float *margin) {
  *made = NULL;
  if (xgb.XGDMatrixCreateFromMat(features, (bst_ulong)rows, (bst_ulong)columns, NAN, made) != 0)
    return -1;
  if (targets && xgb.XGDMatrixSetFloatInfo(*made, "label", targets, (bst_ulong)rows) != 0)
    return -1;
  if (margin && xgb.XGDMatrixSetFloatInfo(*made, "base_margin", margin, (bst_ulong)rows) != 0)
    return -1;
  return 0;
}

cxgboost_model *cxgboost_fit(
    const float *features, int64_t rows, int64_t columns, const float *targets, const float *margin,
    const cxgboost_parameter *parameters, int32_t count, int32_t rounds, cxgboost_error *error) {
  if (start(error) != 0) return NULL;
  DMatrixHandle data = NULL;
  BoosterHandle booster = NULL;
  int failed = matrix(&data, features, rows, columns, targets, margin) != 0 ||
               xgb.XGBoosterCreate(&data, 1, &booster) != 0;
  for (int32_t i = 0; !failed && i < count; i++)
    failed = xgb.XGBoosterSetParam(booster, parameters[i].name, parameters[i].value) != 0;
  for (int32_t round = 0; !failed && round < rounds; round++)
    failed = xgb.XGBoosterUpdateOneIter(booster, round, data) != 0;
  if (failed) {
    keep_reason(error);
    if (booster != NULL) xgb.XGBoosterFree(booster);
    booster = NULL;
  }
  if (data != NULL) xgb.XGDMatrixFree(data);
  return booster;
}

int32_t cxgboost_predict(
    const cxgboost_model *model, const float *features, int64_t rows, int64_t columns,
    const float *margin, float *predictions, cxgboost_error *error) {
  if (start(error) != 0) return -1;
  DMatrixHandle data = NULL;
  const bst_ulong *shape = NULL;
  bst_ulong rank = 0;
  const float *values = NULL;
  static const char plain[] =
      "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
      "\"strict_shape\":false}";
  int failed = matrix(&data, features, rows, columns, NULL, margin) != 0 ||
               xgb.XGBoosterPredictFromDMatrix(
                   (BoosterHandle)model, data, plain, &shape, &rank, &values) != 0;
  if (failed)
    keep_reason(error);
  else
    // The values live in the booster until its next prediction.
    memcpy(predictions, values, (size_t)rows * sizeof *predictions);
  if (data != NULL) xgb.XGDMatrixFree(data);
  return failed ? -1 : 0;
}

void cxgboost_free(cxgboost_model *model) {
  if (model != NULL) xgb.XGBoosterFree(model);
}
