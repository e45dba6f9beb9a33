#include "../CTorch/include/CTorch.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <cstdlib>
#include <cstring>

struct ct_tensor {
  at::Tensor value;
};

struct ct_operator {
  c10::OperatorHandle handle;
};

namespace {

ct_tensor *box(at::Tensor tensor) { return new ct_tensor{std::move(tensor)}; }

at::Tensor unbox(const ct_tensor *tensor) { return tensor ? tensor->value : at::Tensor(); }

// Runs `body`; a C++ exception becomes a string and `failure`.
template <typename Result, typename Body>
Result guarded(char **error, Result failure, Body body) {
  try {
    return body();
  } catch (const c10::Error &e) {
    *error = strdup(e.what_without_backtrace());
  } catch (const std::exception &e) {
    *error = strdup(e.what());
  } catch (...) {
    *error = strdup("an unknown C++ exception");
  }
  return failure;
}

c10::TypePtr without_optional(c10::TypePtr type) {
  if (auto optional = type->cast<c10::OptionalType>()) return optional->getElementType();
  return type;
}

c10::IValue tensor_list(const ct_value &v, const c10::TypePtr &type) {
  auto items = static_cast<ct_tensor *const *>(v.list);
  auto list = type->cast<c10::ListType>();
  if (list && list->getElementType()->kind() == c10::TypeKind::OptionalType) {
    c10::List<c10::optional<at::Tensor>> values;
    for (int64_t k = 0; k < v.count; ++k) {
      values.push_back(
          items[k] ? c10::optional<at::Tensor>(items[k]->value) : c10::optional<at::Tensor>());
    }
    return values;
  }
  c10::List<at::Tensor> values;
  for (int64_t k = 0; k < v.count; ++k) values.push_back(unbox(items[k]));
  return values;
}

// `type` decides between readings: an int for a float argument, a list of optional tensors.
c10::IValue to_ivalue(const ct_value &v, const c10::TypePtr &declared) {
  auto type = without_optional(declared);
  switch (v.tag) {
    case CT_TENSOR:
      return c10::IValue(v.tensor->value);
    case CT_TENSORS:
      return tensor_list(v, type);
    case CT_INT:
      if (type->kind() == c10::TypeKind::FloatType) return c10::IValue(double(v.integer));
      return c10::IValue(v.integer);
    case CT_INTS: {
      auto p = static_cast<const int64_t *>(v.list);
      return c10::IValue(std::vector<int64_t>(p, p + v.count));
    }
    case CT_DOUBLE:
      return c10::IValue(v.number);
    case CT_DOUBLES: {
      auto p = static_cast<const double *>(v.list);
      return c10::IValue(std::vector<double>(p, p + v.count));
    }
    case CT_BOOL:
      return c10::IValue(v.integer != 0);
    case CT_STRING:
      return c10::IValue(std::string(v.string));
    default:
      // A `Tensor?` that is not given is an undefined tensor in the dispatcher's calling convention.
      if (type->kind() == c10::TypeKind::TensorType &&
          declared->kind() != c10::TypeKind::OptionalType) {
        return c10::IValue(at::Tensor());
      }
      return c10::IValue();
  }
}

void append(std::vector<at::Tensor> &out, const c10::IValue &value) {
  if (value.isTensor()) {
    out.push_back(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor &t : value.toTensorVector()) out.push_back(t);
  } else if (value.isBool()) {
    out.push_back(at::scalar_tensor(value.toBool(), at::kBool));
  } else if (value.isScalar()) {
    out.push_back(at::scalar_tensor(value.toScalar()));
  } else {
    TORCH_CHECK(false, "an operator returned a ", value.tagKind(), ", which has no tensor form");
  }
}

ct_operator *engine_find_operator(const char *name, const char *overload, char **error) {
  return guarded<ct_operator *>(error, nullptr, [&] {
    return new ct_operator{c10::Dispatcher::singleton().findSchemaOrThrow(name, overload)};
  });
}

int64_t engine_call(
    const ct_operator *op, const ct_value *arguments, int64_t count, const char *const *names,
    const ct_value *named, int64_t named_count, ct_tensor ***results, char **error) {
  return guarded<int64_t>(error, -1, [&]() -> int64_t {
    const auto &schema = op->handle.schema();
    const auto &declared = schema.arguments();
    TORCH_CHECK(
        size_t(count) <= declared.size(), schema.name(), " takes ", declared.size(),
        " arguments and was given ", count);
    torch::jit::Stack stack;
    stack.reserve(declared.size());
    int64_t used = 0;
    for (size_t k = 0; k < declared.size(); ++k) {
      const auto &argument = declared[k];
      if (int64_t(k) < count) {
        stack.push_back(to_ivalue(arguments[k], argument.type()));
        continue;
      }
      int64_t found = -1;
      for (int64_t n = 0; n < named_count; ++n) {
        if (argument.name() == names[n]) found = n;
      }
      if (found >= 0) {
        ++used;
        stack.push_back(to_ivalue(named[found], argument.type()));
      } else {
        TORCH_CHECK(
            argument.default_value().has_value(), schema.name(), " needs the argument '",
            argument.name(), "'");
        stack.push_back(*argument.default_value());
      }
    }
    TORCH_CHECK(used == named_count, schema.name(), " has no argument of one of the given names");
    op->handle.callBoxed(&stack);
    std::vector<at::Tensor> tensors;
    for (const auto &value : stack) append(tensors, value);
    auto array = static_cast<ct_tensor **>(malloc(sizeof(ct_tensor *) * (tensors.size() + 1)));
    for (size_t k = 0; k < tensors.size(); ++k) array[k] = box(std::move(tensors[k]));
    *results = array;
    return int64_t(tensors.size());
  });
}

void engine_free_results(ct_tensor **results) { free(results); }
ct_tensor *engine_retain(const ct_tensor *tensor) { return box(tensor->value); }
void engine_free(ct_tensor *tensor) { delete tensor; }
void engine_free_string(char *string) { free(string); }

ct_tensor *engine_from_blob(
    void *data, const int64_t *shape, int64_t rank, int32_t dtype, void (*release)(void *),
    void *context, char **error) {
  return guarded<ct_tensor *>(error, nullptr, [&] {
    return box(at::from_blob(
        data, c10::IntArrayRef(shape, rank), [release, context](void *) { release(context); },
        at::TensorOptions().dtype(at::ScalarType(dtype))));
  });
}

int64_t engine_rank(const ct_tensor *tensor) { return tensor->value.dim(); }
int64_t engine_size(const ct_tensor *tensor, int64_t axis) { return tensor->value.size(axis); }
int32_t engine_dtype(const ct_tensor *tensor) { return int32_t(tensor->value.scalar_type()); }
int64_t engine_element_size(const ct_tensor *tensor) { return tensor->value.element_size(); }
int64_t engine_count(const ct_tensor *tensor) { return tensor->value.numel(); }
bool engine_is_contiguous(const ct_tensor *tensor) { return tensor->value.is_contiguous(); }
bool engine_is_cpu(const ct_tensor *tensor) { return tensor->value.device().is_cpu(); }
void *engine_data(const ct_tensor *tensor) { return tensor->value.data_ptr(); }

bool engine_item(const ct_tensor *tensor, double *value, char **error) {
  return guarded<bool>(error, false, [&] {
    *value = tensor->value.item().toDouble();
    return true;
  });
}

bool engine_requires_grad(const ct_tensor *tensor) { return tensor->value.requires_grad(); }

ct_tensor *engine_leaf(const ct_tensor *tensor, char **error) {
  return guarded<ct_tensor *>(
      error, nullptr, [&] { return box(tensor->value.detach().set_requires_grad(true)); });
}

bool engine_set_grad_mode(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}

bool engine_gradients(
    ct_tensor *const *outputs, int64_t output_count, ct_tensor *const *seeds,
    ct_tensor *const *inputs, int64_t input_count, bool keep_graph, bool create_graph,
    ct_tensor **results, char **error) {
  return guarded<bool>(error, false, [&] {
    torch::autograd::variable_list ys, xs, vs;
    for (int64_t k = 0; k < output_count; ++k) {
      ys.push_back(outputs[k]->value);
      if (seeds) vs.push_back(unbox(seeds[k]));
    }
    for (int64_t k = 0; k < input_count; ++k) xs.push_back(inputs[k]->value);
    auto gradients = torch::autograd::grad(ys, xs, vs, keep_graph, create_graph, true);
    for (int64_t k = 0; k < input_count; ++k) {
      results[k] = gradients[k].defined() ? box(gradients[k]) : nullptr;
    }
    return true;
  });
}

void engine_set_threads(int32_t intra_op, int32_t blas) {
  at::set_num_threads(intra_op);
  // OpenBLAS keeps its own pool; another BLAS does not have this function.
  using Setter = void (*)(int);
  if (auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
    set(blas);
  }
}

void engine_release_free_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

const char *engine_version(void) { return TORCH_VERSION; }

}  // namespace

extern "C" const ct_engine *ct_engine_table(void) {
  static const ct_engine table = {
      engine_find_operator,
      engine_call,
      engine_free_results,
      engine_retain,
      engine_free,
      engine_free_string,
      engine_from_blob,
      engine_rank,
      engine_size,
      engine_dtype,
      engine_element_size,
      engine_count,
      engine_is_contiguous,
      engine_is_cpu,
      engine_data,
      engine_item,
      engine_requires_grad,
      engine_leaf,
      engine_set_grad_mode,
      engine_gradients,
      engine_set_threads,
      engine_release_free_memory,
      engine_version,
  };
#ifdef __GLIBC__
  // Activations of some megabytes come and go with every node. Left alone, the allocator maps and
  // unmaps each of them, and the kernel clears every page: a third of a convolutional network's time.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  // One arena: what one thread frees another uses. With an arena a thread, each keeps its own peak.
  mallopt(M_ARENA_MAX, 1);
#endif
  return &table;
}
