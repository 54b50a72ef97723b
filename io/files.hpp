/// Small steps on the file system that nothing may get half done.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace factorps {

/// Makes a directory and its parents, unless they are there. @throws ResourceError
void make_directories(const std::filesystem::path& path);
/// Forces a file's (or directory's) contents to disk. @throws ResourceError
void sync_file(const std::filesystem::path& path);
/// Renames and forces the directory entry to disk: `to` is either the old or the new file.
/// @throws ResourceError
void commit_rename(const std::filesystem::path& from, const std::filesystem::path& to);
/// Replaces `path` with `text` by way of a temporary file beside it. @throws ResourceError
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
/// Adds to the end of a file and forces it to disk; a failure may leave a part of `text` there.
/// @throws ResourceError
void append_to_file(const std::filesystem::path& path, std::string_view text);
/// The whole file. @throws DataError if it cannot be read
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
/// A name for what is to be renamed to `path`: beside it, hidden, and one that nobody can guess.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& path);
/// An empty file of such a name. It is new: whoever may write to the directory cannot have put a
/// link to another file in its place. @throws ResourceError
[[nodiscard]] std::filesystem::path create_temporary(const std::filesystem::path& path);

}  // namespace factorps
