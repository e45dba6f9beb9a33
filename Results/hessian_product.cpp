// One Hessian-vector product per probe, written directly against libtorch: what `bitbudget-bench bench
// --only hessian-product` compares its own with. The network, its numbers and the probe are those of
// Sources/bitbudget-bench/Bench/SyntheticEncoder.swift.
//
// Prints the processor seconds of the fastest product (others were disturbed) and the sum over layers of z · Hz of the first probe.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <limits.h>
#include <malloc.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace {

constexpr int64_t blocks = 6, width = 384, heads = 12, hidden = 1536, positions = 128;

// The same numbers as in Swift.
struct Numbers {
  uint32_t state;
  uint32_t next() { return state = state * 1664525u + 1013904223u; }
  at::Tensor uniform(std::vector<int64_t> shape, float scale) {
    auto tensor = at::empty(shape);
    auto values = tensor.data_ptr<float>();
    for (int64_t k = 0; k < tensor.numel(); ++k) {
      values[k] = (float(next() >> 8) / 16777216.0f - 0.5f) * scale;
    }
    return tensor;
  }
  at::Tensor signs(at::IntArrayRef shape) {
    auto tensor = at::empty(shape);
    auto values = tensor.data_ptr<float>();
    for (int64_t k = 0; k < tensor.numel(); ++k) values[k] = next() >> 31 ? 1.0f : -1.0f;
    return tensor;
  }
};

at::Tensor split(const at::Tensor &x) {
  return x.reshape({1, positions, heads, width / heads}).transpose(1, 2);
}

at::Tensor network(const at::Tensor &input, const std::vector<at::Tensor> &w) {
  auto scale = at::ones({width}), shift = at::zeros({width});
  auto x = input;
  for (int64_t block = 0; block < blocks; ++block) {
    auto p = w.begin() + 6 * block;
    auto q = split(at::linear(x, p[0])), k = split(at::linear(x, p[1])),
         v = split(at::linear(x, p[2]));
    auto mixed = at::matmul(
        at::softmax(at::matmul(q, k.transpose(-1, -2)) * 0.17677669, -1), v);
    auto attended = at::linear(mixed.transpose(1, 2).reshape({1, positions, width}), p[3]);
    x = at::layer_norm(x + attended, {width}, scale, shift, 1e-12);
    auto inner = at::linear(at::gelu(at::linear(x, p[4])), p[5]);
    x = at::layer_norm(x + inner, {width}, scale, shift, 1e-12);
  }
  return x;
}

}  // namespace

int main(int count, char **arguments) {
  int products = count > 1 ? std::atoi(arguments[1]) : 12;
  // As the engine sets it, so that the comparison is one of calls and not of allocators.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_ARENA_MAX, 1);
  at::set_num_threads(1);
  Numbers numbers{1};
  auto input = numbers.uniform({1, positions, width}, 2);
  std::vector<at::Tensor> weights;
  for (int64_t block = 0; block < blocks; ++block) {
    for (int k = 0; k < 4; ++k) weights.push_back(numbers.uniform({width, width}, 0.1f));
    weights.push_back(numbers.uniform({hidden, width}, 0.1f));
    weights.push_back(numbers.uniform({width, hidden}, 0.1f));
  }
  for (auto &weight : weights) weight.set_requires_grad(true);
  auto output = network(input, weights);
  auto reference = output.detach();
  auto difference = output - reference;
  auto loss = (difference * difference).sum() *
              (0.5 / std::max(reference.pow(2).sum().item<double>(), 1e-30));
  auto first = torch::autograd::grad({loss}, weights, {}, true, true, true);
  std::vector<double> times;
  double trace = 0;
  for (int product = 0; product < products; ++product) {
    std::vector<at::Tensor> z;
    for (auto &weight : weights) z.push_back(numbers.signs(weight.sizes()));
    auto began = std::clock();
    auto result = torch::autograd::grad(first, weights, z, true, false, true);
    double sum = 0;
    for (size_t k = 0; k < z.size(); ++k) {
      sum += at::dot(z[k].reshape({-1}), result[k].reshape({-1})).item<double>();
    }
    times.push_back(double(std::clock() - began) / CLOCKS_PER_SEC);
    if (product == 0) trace = sum;
  }
  std::sort(times.begin(), times.end());
  std::printf("%.9f %.9g\n", times[0], trace);
}
