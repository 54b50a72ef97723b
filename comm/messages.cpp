#include "comm/messages.hpp"

#include <exception>
#include <streambuf>
#include <utility>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array.hpp>
#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::comm {
namespace {

constexpr unsigned kFlags = boost::archive::no_header | boost::archive::no_codecvt;

/// Appends to a vector: 20 times faster than a string stream for large messages.
class ByteSink : public std::streambuf {
 public:
  std::vector<std::byte> bytes;

 protected:
  std::streamsize xsputn(const char* data, std::streamsize n) override {
    const auto* from = reinterpret_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), from, from + n);
    return n;
  }
  int_type overflow(int_type c) override {
    bytes.push_back(static_cast<std::byte>(c));
    return c;
  }
};

/// Reads a span without copying it.
class ByteSource : public std::streambuf {
 public:
  explicit ByteSource(std::span<const std::byte> bytes) {
    char* data = reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));
    setg(data, data, data + bytes.size());
  }
};

/// What decode() reads from, for those who must know how much of it is left.
struct Origin {
  std::streambuf* stream = nullptr;
};
constexpr int kOrigin = 0;  // its address finds the Origin of an archive

/// A list or text: its size, then the elements. A size beyond the bytes that are left is refused
/// before there is memory for it.
template <class Archive, class List>
void list(Archive& archive, List& values) {
  std::uint64_t size = values.size();
  archive& size;
  if constexpr (Archive::is_loading::value) {
    // An element takes a byte at least.
    const auto& from = archive.template get_helper<Origin>(const_cast<int*>(&kOrigin));
    if (size > static_cast<std::uint64_t>(from.stream->in_avail()))
      throw ProtocolError{fmt::format("a list of {} elements", size)};
    values.resize(size);
  }
  if constexpr (std::is_class_v<typename List::value_type>) {
    for (auto& value : values) archive& value;
  } else {
    archive& boost::serialization::make_array(values.data(), size);
  }
}

/// The same of texts.
template <class Archive>
void list(Archive& archive, std::vector<std::string>& texts) {
  std::uint64_t size = texts.size();
  archive& size;
  if constexpr (Archive::is_loading::value) {
    const auto& from = archive.template get_helper<Origin>(const_cast<int*>(&kOrigin));
    if (size > static_cast<std::uint64_t>(from.stream->in_avail()))
      throw ProtocolError{fmt::format("a list of {} texts", size)};
    texts.resize(size);
  }
  for (std::string& text : texts) list(archive, text);
}

}  // namespace
}  // namespace factorps::comm

namespace boost::serialization {
namespace messages = factorps::comm;

template <class Archive>
void serialize(Archive& archive, messages::StartPass& m, unsigned) {
  archive& m.pass& m.kind& m.part& m.learning_rate_factor& m.epoch& m.cut& m.first_step;
}
template <class Archive>
void serialize(Archive& archive, messages::MemoryUse& m, unsigned) {
  archive& m.process& m.bytes& m.held;
}
template <class Archive>
void serialize(Archive& archive, messages::Progress& m, unsigned) {
  archive& m.pass& m.interactions;
}
template <class Archive>
void serialize(Archive& archive, messages::HotRow& m, unsigned) {
  archive& m.table& m.row& m.pushes;
}
template <class Archive>
void serialize(Archive& archive, messages::StripsDone& m, unsigned) {
  archive& m.pass;
  messages::list(archive, m.strips);
  messages::list(archive, m.sums);
  archive& m.block_bytes& m.blocks& m.memory;
  messages::list(archive, m.hot_rows);
}
template <class Archive>
void serialize(Archive& archive, messages::RowTraffic& m, unsigned) {
  archive& m.rows_pulled_here& m.rows_pulled_away& m.cache_hits;
  archive& m.rows_pushed_here& m.rows_pushed_away& m.gradients_combined& m.combined_on_node;
  archive& m.bytes_sent& m.bytes_received& m.staleness;
}
template <class Archive>
void serialize(Archive& archive, messages::WorkerDone& m, unsigned) {
  archive& m.pass& m.cells& m.interactions& m.compute_seconds& m.wait_turn_seconds& m
      .wait_block_seconds& m.cpu_seconds& m.rows& m.memory;
}
template <class Archive>
void serialize(Archive& archive, messages::Command& m, unsigned) {
  archive& m.kind;
  messages::list(archive, m.directory);
  messages::list(archive, m.provenance);
  messages::list(archive, m.shards);
  archive& m.cut& m.step;
}
template <class Archive>
void serialize(Archive& archive, messages::DatasetEntry& m, unsigned) {
  messages::list(archive, m.name);
  archive& m.offset& m.bytes& m.checksum;
}
template <class Archive>
void serialize(Archive& archive, messages::FileEntry& m, unsigned) {
  messages::list(archive, m.name);
  archive& m.bytes& m.checksum& m.frame;
  messages::list(archive, m.datasets);
}
template <class Archive>
void serialize(Archive& archive, messages::CommandDone& m, unsigned) {
  archive& m.kind;
  messages::list(archive, m.files);
  messages::list(archive, m.digest);
  messages::list(archive, m.error);
  archive& m.exit_code& m.step;
}

}  // namespace boost::serialization

namespace factorps::comm {

RowTraffic& RowTraffic::operator+=(const RowTraffic& other) noexcept {
  rows_pulled_here += other.rows_pulled_here;
  rows_pulled_away += other.rows_pulled_away;
  cache_hits += other.cache_hits;
  rows_pushed_here += other.rows_pushed_here;
  rows_pushed_away += other.rows_pushed_away;
  gradients_combined += other.gradients_combined;
  combined_on_node += other.combined_on_node;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  for (std::size_t s = 0; s < staleness.size(); ++s) staleness[s] += other.staleness[s];
  return *this;
}

namespace {

constexpr std::array<std::pair<Tag, std::string_view>, 13> kTagNames{
    {{Tag::start_pass, "start_pass"},
     {Tag::strips_done, "strips_done"},
     {Tag::worker_done, "worker_done"},
     {Tag::command, "command"},
     {Tag::command_done, "command_done"},
     {Tag::shutdown, "shutdown"},
     {Tag::progress, "progress"},
     {Tag::credit, "credit"},
     {Tag::pull_rows, "pull_rows"},
     {Tag::rows, "rows"},
     {Tag::push_rows, "push_rows"},
     {Tag::cut_saved, "cut_saved"},
     {Tag::lower_halves, "lower_halves"}}};

}  // namespace

std::string_view name_of(Tag tag) {
  for (const auto& [value, name] : kTagNames) {
    if (value == tag) return name;
  }
  throw ProtocolError{"unknown message"};
}

std::optional<Tag> tag_named(std::string_view name) {
  for (const auto& [value, known] : kTagNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> names_of_tags() {
  std::vector<std::string_view> names;
  for (const auto& [value, name] : kTagNames) names.push_back(name);
  return names;
}

TraceKind trace_kind(CommandKind kind) {
  switch (kind) {
    case CommandKind::initialise:
      return TraceKind::initialise;
    case CommandKind::save:
    case CommandKind::cut:
    case CommandKind::copy_rest:
      return TraceKind::save;
    case CommandKind::hold:
    case CommandKind::pause:
      return TraceKind::pause;
    case CommandKind::load:
      return TraceKind::load;
    case CommandKind::export_model:
      return TraceKind::export_model;
  }
  throw ProtocolError{"unknown command"};
}

template <class Message>
std::vector<std::byte> encode(const Message& message) {
  ByteSink sink;
  boost::archive::binary_oarchive archive{sink, kFlags};
  archive << message;
  return std::move(sink.bytes);
}

template <class Message>
Message decode(std::span<const std::byte> bytes) {
  ByteSource source{bytes};
  Message message;
  try {
    boost::archive::binary_iarchive archive{source, kFlags};
    archive.template get_helper<Origin>(const_cast<int*>(&kOrigin)).stream = &source;
    archive >> message;
  } catch (const std::exception& error) {
    throw ProtocolError{fmt::format("malformed message: {}", error.what())};
  }
  if (source.in_avail() > 0) throw ProtocolError{"trailing bytes after a message"};
  return message;
}

template std::vector<std::byte> encode(const StartPass&);
template std::vector<std::byte> encode(const StripsDone&);
template std::vector<std::byte> encode(const WorkerDone&);
template std::vector<std::byte> encode(const Progress&);
template std::vector<std::byte> encode(const Command&);
template std::vector<std::byte> encode(const CommandDone&);
template StartPass decode(std::span<const std::byte>);
template StripsDone decode(std::span<const std::byte>);
template WorkerDone decode(std::span<const std::byte>);
template Progress decode(std::span<const std::byte>);
template Command decode(std::span<const std::byte>);
template CommandDone decode(std::span<const std::byte>);

}  // namespace factorps::comm
