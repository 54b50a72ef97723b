#include "io/config_schema.hpp"

namespace factorps {
namespace {

constexpr std::string_view kNames[] = {"source",  "delimiter",  "header",   "columns",
                                       "id",      "categories", "tags",     "tag_separator",
                                       "numbers", "flags",      "flags_as", "missing"};

/// [name]
std::vector<std::string> keys_of(const std::string& table) {
  std::vector<std::string> keys;
  for (const std::string_view name : kNames)
    keys.push_back("attributes." + table + '.' + std::string{name});
  return keys;
}

/// The same for users and items. @param keys in the order of kNames
std::vector<Field> fields_of(AttributeFilesConfig& c, const std::vector<std::string>& keys) {
  using enum Identity;
  const Rule any;
  const Rule header{.choices = {"auto", "yes", "no"}};
  return {
      {keys[0], &c.source, any, no,
       "Files with one line for each; ids that are not in the dataset are left out. Each may "
       "be `.gz` or `.zst`."},
      {keys[1], &c.delimiter, any, no,
       "Between fields, as `data.delimiter`. Fields between commas or semicolons may be quoted."},
      {keys[2], &c.header, header, no,
       "Whether the first line of a file names its columns; `auto`: yes, unless `columns` does."},
      {keys[3], &c.columns, any, no, "Names of all columns, where the file has none or others."},
      {keys[4], &c.id, any, no, "Column of the id; empty: the first."},
      {keys[5], &c.categories, any, no, "Columns that hold one text each."},
      {keys[6], &c.tags, any, no, "Columns that hold several texts each."},
      {keys[7], &c.tag_separator, any, no, "Between the texts of `tags`."},
      {keys[8], &c.numbers, any, no, "Columns that hold numbers."},
      {keys[9], &c.flags, any, no,
       "Columns that hold 0 or 1; those with 1 are the tags of a row, by their names."},
      {keys[10], &c.flags_as, any, no, "Name of the attribute that they make."},
      {keys[11], &c.missing, any, no,
       "Fields that mean nothing is known, as empty ones do: `[\"NA\"]`."}};
}

}  // namespace

std::vector<Field> attribute_fields(AttributesConfig& config) {
  static const std::vector<std::string> kOfItems = keys_of("items");
  static const std::vector<std::string> kOfUsers = keys_of("users");
  std::vector<Field> fields = fields_of(config.items, kOfItems);
  const std::vector<Field> more = fields_of(config.users, kOfUsers);
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

}  // namespace factorps
