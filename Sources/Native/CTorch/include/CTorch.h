// libtorch behind a plain C face: any ATen operator by name through the boxed dispatcher, autograd,
// and tensors over foreign memory.
//
// Ownership: every `ct_tensor *` that a function returns or writes is owned by the caller (+1) and is
// given back with `ct_free`. Tensors that are passed in are borrowed. Errors are strings from malloc;
// the caller frees them with `ct_free_string`. No C++ exception leaves this file.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;
typedef struct ct_operator ct_operator;

typedef enum ct_tag {
  CT_NONE = 0,
  CT_TENSOR = 1,
  CT_TENSORS = 2,  // list: ct_tensor *const *, a NULL entry stands for "no tensor"
  CT_INT = 3,
  CT_INTS = 4,  // list: const int64_t *
  CT_DOUBLE = 5,
  CT_DOUBLES = 6,  // list: const double *
  CT_BOOL = 7,
  CT_STRING = 8,
} ct_tag;

// One argument of an operator. Only the field that `tag` names is read.
typedef struct ct_value {
  int32_t tag;
  int64_t integer;
  double number;
  const char *string;
  const void *list;
  int64_t count;
  ct_tensor *tensor;
} ct_value;

// The operator `name` (e.g. "aten::add") with `overload` (e.g. "Tensor", or ""). Handles live as long
// as the process. NULL and an error when there is none.
ct_operator *ct_find_operator(const char *name, const char *overload, char **error);

// Calls an operator. The first `count` schema arguments are `arguments`, others are looked up in
// `names`, the rest take the schema's defaults. A list of tensors among the results is laid out flat.
// Returns the number of results, or -1 and an error; `*results` is a malloc'd array of owned tensors.
int64_t ct_call(
    const ct_operator *op, const ct_value *arguments, int64_t count, const char *const *names,
    const ct_value *named, int64_t named_count, ct_tensor ***results, char **error);
void ct_free_results(ct_tensor **results);

ct_tensor *ct_retain(const ct_tensor *tensor);
void ct_free(ct_tensor *tensor);
void ct_free_string(char *string);

// A tensor over `data`, nothing copied; `release(context)` runs when the last tensor over it dies.
ct_tensor *ct_from_blob(
    void *data, const int64_t *shape, int64_t rank, int32_t dtype, void (*release)(void *),
    void *context, char **error);

int64_t ct_rank(const ct_tensor *tensor);
int64_t ct_size(const ct_tensor *tensor, int64_t axis);
int32_t ct_dtype(const ct_tensor *tensor);  // c10::ScalarType
int64_t ct_element_size(const ct_tensor *tensor);
int64_t ct_count(const ct_tensor *tensor);
bool ct_is_contiguous(const ct_tensor *tensor);
bool ct_is_cpu(const ct_tensor *tensor);
void *ct_data(const ct_tensor *tensor);  // of a contiguous tensor in CPU memory
bool ct_item(const ct_tensor *tensor, double *value, char **error);

bool ct_requires_grad(const ct_tensor *tensor);
// A tensor over the same data that is a leaf of a new graph and records gradients.
ct_tensor *ct_leaf(const ct_tensor *tensor, char **error);
// Sets whether this thread records gradients; returns what it was.
bool ct_set_grad_mode(bool enabled);
// d(sum of outputs · seeds)/d(inputs). `seeds` may be NULL for scalar outputs. A result is NULL where
// an input was not used. Returns false and an error on failure.
bool ct_gradients(
    ct_tensor *const *outputs, int64_t output_count, ct_tensor *const *seeds,
    ct_tensor *const *inputs, int64_t input_count, bool keep_graph, bool create_graph,
    ct_tensor **results, char **error);

// Threads inside one operator: libtorch's own pool and OpenBLAS's.
void ct_set_threads(int32_t intra_op, int32_t blas);
// Gives memory that the allocator holds back to the system.
void ct_release_free_memory(void);
const char *ct_version(void);

// The engine's functions, one pointer for each declaration above: what libTorchEngine hands out.
typedef struct ct_engine {
  ct_operator *(*find_operator)(const char *name, const char *overload, char **error);
  int64_t (*call)(const ct_operator *op, const ct_value *arguments, int64_t count, const char *const *names, const ct_value *named, int64_t named_count, ct_tensor ***results, char **error);
  void (*free_results)(ct_tensor **results);
  ct_tensor *(*retain)(const ct_tensor *tensor);
  void (*free)(ct_tensor *tensor);
  void (*free_string)(char *string);
  ct_tensor *(*from_blob)(void *data, const int64_t *shape, int64_t rank, int32_t dtype, void (*release)(void *), void *context, char **error);
  int64_t (*rank)(const ct_tensor *tensor);
  int64_t (*size)(const ct_tensor *tensor, int64_t axis);
  int32_t (*dtype)(const ct_tensor *tensor);
  int64_t (*element_size)(const ct_tensor *tensor);
  int64_t (*count)(const ct_tensor *tensor);
  bool (*is_contiguous)(const ct_tensor *tensor);
  bool (*is_cpu)(const ct_tensor *tensor);
  void *(*data)(const ct_tensor *tensor);
  bool (*item)(const ct_tensor *tensor, double *value, char **error);
  bool (*requires_grad)(const ct_tensor *tensor);
  ct_tensor *(*leaf)(const ct_tensor *tensor, char **error);
  bool (*set_grad_mode)(bool enabled);
  bool (*gradients)(ct_tensor *const *outputs, int64_t output_count, ct_tensor *const *seeds, ct_tensor *const *inputs, int64_t input_count, bool keep_graph, bool create_graph, ct_tensor **results, char **error);
  void (*set_threads)(int32_t intra_op, int32_t blas);
  void (*release_free_memory)(void);
  const char *(*version)(void);
} ct_engine;

#ifdef __cplusplus
}
#endif
