#include "scheduler/machine_room.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include <sys/statvfs.h>

namespace factorps::scheduler {
namespace {

namespace fs = std::filesystem;

/// The names that a version of control groups has for the same things (man 7 cgroups).
struct GroupFiles {
  const char* limit;
  const char* used;
  const char* file_pages[2];  // in memory.stat
};
constexpr GroupFiles kVersion1{
    "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", {"inactive_file", "active_file"}};

/// Version 1 says "no limit" by the largest multiple of a page.
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;

/// A hierarchy that may limit memory, and where this process is in it.
struct Hierarchy {
  fs::path mount;  // of the hierarchy, below the root that is looked at
  fs::path group;  // of this process, absolute; like `top`
  fs::path top;    // of the part that is mounted
  const GroupFiles* files = nullptr;
};

std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in{file};
  std::uint64_t value = 0;
  if (!(in >> value)) return std::nullopt;  // not there, or "max"
  return value;
}

/// Lines of "name number", with or without a unit behind.
std::map<std::string, std::uint64_t> table_in(const fs::path& file) {
  std::map<std::string, std::uint64_t> table;
  std::ifstream in{file};
  std::uint64_t value = 0;
  std::string name;
  for (std::string rest; in >> name >> value; std::getline(in, rest)) table[name] = value;
  return table;
}

/// Whether `word` is one of a list with commas.
bool lists(const std::string& list, const std::string& word) {
  return (',' + list + ',').find(',' + word + ',') != std::string::npos;
}

/// This process's group in a hierarchy (/proc/self/cgroup); empty: it is in none.
/// @param controller "memory", or empty for version 2
std::string group_of(const fs::path& root, const std::string& controller) {
  std::ifstream in{root / "proc/self/cgroup"};
  for (std::string line; std::getline(in, line);) {  // number:controllers:group
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool found = controller.empty() ? controllers.empty() : lists(controllers, controller);
    if (found) return line.substr(second + 1);
  }
  return {};
}

/// A line of /proc/self/mountinfo: "id parent device top mount options ... - type source options".
std::optional<Hierarchy> hierarchy_of(const std::string& line, const fs::path& root) {
  const auto dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  std::istringstream before{line.substr(0, dash)};
  std::istringstream after{line.substr(dash + 3)};
  std::string skipped;
  std::string top;
  std::string mount;
  std::string type;
  std::string options;
  before >> skipped >> skipped >> skipped >> top >> mount;
  after >> type >> skipped >> options;
  const bool first = type == "cgroup" && lists(options, "memory");
  if ((!first && type != "cgroup2") || !mount.starts_with('/')) return std::nullopt;
  const std::string group = group_of(root, first ? "memory" : "");
  if (group.empty()) return std::nullopt;
  return Hierarchy{root / mount.substr(1), group, top, first ? &kVersion1 : &kVersion2};
}

/// What one group leaves, whatever those above it do.
MemoryRoom room_of(const fs::path& directory, const GroupFiles& files, const std::string& name) {
  const auto limit = number_in(directory / files.limit);
  if (!limit || *limit >= kUnlimited) return {};
  std::uint64_t used = number_in(directory / files.used).value_or(0);
  const auto statistics = table_in(directory / "memory.stat");
  for (const char* pages : files.file_pages) {
    const auto found = statistics.find(pages);
    if (found != statistics.end()) used -= std::min(used, found->second);
  }
  return {*limit - std::min(*limit, used), *limit, "control group " + name};
}

MemoryRoom tighter(const MemoryRoom& a, const MemoryRoom& b) { return b.free < a.free ? b : a; }

/// The group of this process and all above it that can be seen.
MemoryRoom room_of(const Hierarchy& hierarchy) {
  fs::path below = hierarchy.group.lexically_relative(hierarchy.top);
  if (below.empty() || *below.begin() == "..") below = ".";  // not mounted here: only what is
  MemoryRoom room;
  fs::path directory = hierarchy.mount;
  fs::path name = hierarchy.top;
  room = tighter(room, room_of(directory, *hierarchy.files, name.string()));
  for (const auto& step : below) {
    if (step == ".") continue;
    directory /= step;
    name /= step;
    room = tighter(room, room_of(directory, *hierarchy.files, name.string()));
  }
  return room;
}

}  // namespace

MemoryRoom machine_memory(const fs::path& root) {
  const auto table = table_in(root / "proc/meminfo");
  const auto available = table.find("MemAvailable:");
  if (available == table.end()) return {kNoLimit, kNoLimit, "the machine"};  // not Linux: unknown
  const auto total = table.find("MemTotal:");
  return {available->second * 1024, total == table.end() ? kNoLimit : total->second * 1024,
          "the machine"};
}

MemoryRoom control_group_memory(const fs::path& root) {
  MemoryRoom room;
  std::ifstream in{root / "proc/self/mountinfo"};
  for (std::string line; std::getline(in, line);) {
    const auto hierarchy = hierarchy_of(line, root);
    if (hierarchy) room = tighter(room, room_of(*hierarchy));
  }
  return room;
}

MemoryRoom free_memory(const fs::path& root) {
  return tighter(machine_memory(root), control_group_memory(root));
}

std::uint64_t free_disk(fs::path path) {
  path = fs::absolute(path);
  while (!fs::exists(path) && path.has_relative_path()) path = path.parent_path();
  struct statvfs info {};
  return ::statvfs(path.c_str(), &info) == 0 ? std::uint64_t{info.f_bavail} * info.f_frsize
                                             : kNoLimit;
}

std::uint64_t bytes_below(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at{directory, error}, end; at != end; at.increment(error)) {
    if (error) break;
    std::error_code gone;  // another process may have removed it meanwhile
    const std::uintmax_t size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace factorps::scheduler
