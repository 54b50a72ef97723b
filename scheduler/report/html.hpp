/// Pieces of the pages. Titles, notes, names and values are text and are escaped; bodies are HTML.
#pragma once

#include <string>

namespace factorps::scheduler {

[[nodiscard]] std::string card(const std::string& title, const std::string& note,
                               const std::string& body);
/// A number that stands out.
[[nodiscard]] std::string tile(const std::string& name, const std::string& value);
/// Cards beside one another, where there is room.
[[nodiscard]] std::string pair(const std::string& cards);
/// A text that opens on demand.
[[nodiscard]] std::string folded(const std::string& name, const std::string& text);
/// A whole page with the style sheet.
[[nodiscard]] std::string document(const std::string& title, const std::string& body);

}  // namespace factorps::scheduler
