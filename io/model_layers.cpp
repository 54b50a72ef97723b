#include "io/model_layers.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps {
namespace {

constexpr std::uint64_t kWidest = 8192;
constexpr std::uint64_t kMostLayers = 64;

std::string name_of(const DenseTensor& tensor) { return "/layers/" + tensor.name; }

h5::Shape shape_of(const DenseTensor& tensor) { return {tensor.rows, tensor.columns}; }

[[noreturn]] void fail(const h5::File& file, const std::string& what) {
  throw DataError{fmt::format("{}: {}", file.path().string(), what)};
}

void check_widths(const h5::File& file, const ModelLayers& layers, std::uint64_t dim) {
  const auto fits = [](std::uint64_t width) { return width >= 1 && width <= kWidest; };
  const auto& tower = layers.tower;
  if (tower.empty() || tower.front() % 2 != 0 || !std::ranges::all_of(tower, fits)) {
    fail(file, fmt::format("/layers/tower is [{}], expected widths from 1 to {}, the first even",
                           fmt::join(tower, ", "), kWidest));
  }
  if (layers.products > kWidest || layers.products + tower.front() / 2 != dim) {
    fail(file, fmt::format("rows have {} columns, expected {} products and half of the tower's {}",
                           dim, layers.products, tower.front()));
  }
}

}  // namespace

bool has_layers(const std::string& kind) { return kind == "mlp" || kind == "neumf"; }

std::unique_ptr<Head> head_of(const std::string& kind, const ModelLayers& layers) {
  HeadOptions options;
  options.kind = kind == "mlp" ? HeadKind::mlp : HeadKind::neumf;
  options.dim = layers.products;
  options.tower.assign(layers.tower.begin(), layers.tower.end());
  return make_head(options);
}

void write_layers(h5::File& file, const std::string& kind, const ModelLayers& layers) {
  const auto head = head_of(kind, layers);
  FACTORPS_CHECK(layers.dense.size() == head->shape().dense_size);
  file.write("/layers/tower", layers.tower);
  file.set("/layers", "products", layers.products);
  for (const DenseTensor& tensor : head->shape().dense) {
    file.write(name_of(tensor), shape_of(tensor),
               std::span{layers.dense}.subspan(tensor.offset, tensor.size()));
  }
}

ModelLayers read_layers(const h5::File& file, const std::string& kind, std::uint64_t dim) {
  ModelLayers layers;
  if (const h5::Shape shape = file.shape("/layers/tower");
      shape.size() != 1 || shape[0] > kMostLayers) {
    fail(file, fmt::format("/layers/tower has shape [{}], expected [at most {}]",
                           fmt::join(shape, ", "), kMostLayers));
  }
  layers.tower = file.read<std::uint64_t>("/layers/tower");
  layers.products = file.natural("/layers", "products");
  check_widths(file, layers, dim);
  const auto head = head_of(kind, layers);
  for (const DenseTensor& tensor : head->shape().dense) {
    if (const h5::Shape shape = file.shape(name_of(tensor)); shape != shape_of(tensor)) {
      fail(file, fmt::format("{} has shape [{}], expected [{}, {}]", name_of(tensor),
                             fmt::join(shape, ", "), tensor.rows, tensor.columns));
    }
    const auto values = file.read<float>(name_of(tensor));
    layers.dense.insert(layers.dense.end(), values.begin(), values.end());
  }
  return layers;
}

void digest(const ModelLayers& layers, Sha256& sha) {
  sha.update(std::as_bytes(std::span{&layers.products, 1}));
  sha.update(std::as_bytes(std::span{layers.tower}));
  sha.update(std::as_bytes(std::span{layers.dense}));
}

}  // namespace factorps
