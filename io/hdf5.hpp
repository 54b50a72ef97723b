/// The part of HDF5 that this project uses: attributes and contiguous datasets of plain numbers.
///
/// Every C call is checked here and nowhere else. Objects are named by their path in the file
/// ("/train/items"). Datasets are contiguous and unfiltered, so a reader may also map them into
/// memory (MappedFile). Timestamps are off: equal contents give equal files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace factorps::h5 {

using Shape = std::vector<std::uint64_t>;  ///< extents, slowest dimension first

/// Element types that may be stored; all little-endian on disk.
enum class Type { u8, u16, u32, u64, i64, f32, f64 };

template <class T>
[[nodiscard]] constexpr Type type_of() {
  if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::byte> ||
                std::is_same_v<T, char>)
    return Type::u8;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return Type::u16;
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return Type::u32;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return Type::u64;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return Type::i64;
  else if constexpr (std::is_same_v<T, float>)
    return Type::f32;
  else if constexpr (std::is_same_v<T, double>)
    return Type::f64;
}
[[nodiscard]] std::size_t size_of(Type type) noexcept;

/// An open HDF5 file; closed by the destructor, or by close() for callers who want the error.
/// @throws DataError if the file or an object in it is missing, malformed or of another type;
///         ResourceError if the disk is full. Not thread-safe.
class File {
 public:
  /// Creates or replaces `path`. Datasets start on cache lines.
  [[nodiscard]] static File create(const std::filesystem::path& path);
  /// Those of at least `large` bytes start at multiples of `alignment`, others anywhere.
  [[nodiscard]] static File create(const std::filesystem::path& path, std::size_t large,
                                   std::size_t alignment);
  [[nodiscard]] static File open(const std::filesystem::path& path);
  /// Opens an existing file for adding to it.
  [[nodiscard]] static File modify(const std::filesystem::path& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();
  /// Flushes and closes, then fsyncs if the file was created or modified. The object is empty
  /// afterwards.
  void close();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

  void create_group(const std::string& name);
  [[nodiscard]] bool exists(const std::string& name) const;
  /// Names of the direct members of a group, sorted.
  [[nodiscard]] std::vector<std::string> members(const std::string& group) const;

  // Attributes of the object called `object` ("/" is the file itself).
  void set(const std::string& object, const std::string& name, std::string_view value);
  void set(const std::string& object, const std::string& name, std::int64_t value);
  void set(const std::string& object, const std::string& name, std::uint64_t value);
  void set(const std::string& object, const std::string& name, double value);
  [[nodiscard]] bool has(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::int64_t integer(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::uint64_t natural(const std::string& object, const std::string& name) const;
  [[nodiscard]] double real(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::vector<std::string> attributes(const std::string& object) const;

  // Datasets.
  /// Creates a contiguous dataset without writing it; zero-sized extents are allowed.
  void create_dataset(const std::string& name, Type type, const Shape& shape);
  /// Writes `values` as whole rows (slices of the first dimension) from `first_row` on.
  template <class T>
  void write_rows(const std::string& name, std::uint64_t first_row, std::span<const T> values) {
    write_raw(name, first_row, type_of<T>(), values.data(), values.size());
  }
  /// Creates and writes a dataset in one step; `values` holds the product of `shape`.
  template <class T>
  void write(const std::string& name, const Shape& shape, std::span<const T> values) {
    create_dataset(name, type_of<T>(), shape);
    write_rows(name, 0, values);
  }
  template <class T>
  void write(const std::string& name, const std::vector<T>& values) {
    write(name, {values.size()}, std::span<const T>{values});
  }
  [[nodiscard]] Shape shape(const std::string& name) const;
  [[nodiscard]] Type type(const std::string& name) const;
  /// Bytes from the start of the file to the first element.
  /// Checked to lie inside the file; 0 for an empty dataset.
  [[nodiscard]] std::uint64_t offset(const std::string& name) const;
  /// Reads `count` whole rows from `first_row`. Sizes are checked against the file before any
  /// memory is taken.
  template <class T>
  [[nodiscard]] std::vector<T> read_rows(const std::string& name, std::uint64_t first_row,
                                         std::uint64_t count) const {
    std::vector<T> values(checked_elements(name, type_of<T>(), first_row, count));
    read_raw(name, first_row, count, type_of<T>(), values.data());
    return values;
  }
  template <class T>
  [[nodiscard]] std::vector<T> read(const std::string& name) const {
    const Shape extents = shape(name);
    return read_rows<T>(name, 0, extents.empty() ? 1 : extents.front());
  }

 private:
  File(std::filesystem::path path, std::int64_t id, bool writing);
  void write_raw(const std::string& name, std::uint64_t first_row, Type type, const void* values,
                 std::size_t count);
  void read_raw(const std::string& name, std::uint64_t first_row, std::uint64_t rows, Type type,
                void* values) const;
  [[nodiscard]] std::size_t checked_elements(const std::string& name, Type type,
                                             std::uint64_t first_row, std::uint64_t rows) const;

  std::filesystem::path path_;
  std::int64_t id_ = -1;
  std::uint64_t size_bytes_ = 0;
  bool writing_ = false;
};

/// Read-only memory map of whole datasets of a file: no copy, pages shared between processes.
/// The file must not shrink while mapped; replacing it by rename is safe.
class MappedFile {
 public:
  /// @throws DataError as File::open does
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] const File& file() const noexcept { return file_; }
  /// XXH3 of the elements of a dataset as they lie in the file.
  [[nodiscard]] std::uint64_t checksum(const std::string& name) const;
  /// All elements of a dataset, row-major. Valid while this object lives.
  template <class T>
  [[nodiscard]] std::span<const T> view(const std::string& name) const {
    const auto bytes = raw_view(name, type_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  [[nodiscard]] std::span<const std::byte> raw_view(const std::string& name, Type type) const;

  File file_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace factorps::h5
