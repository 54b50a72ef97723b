#include "ps/rows/row_mailboxes.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "common/error.hpp"
#include "ps/rows/row_apply.hpp"

namespace factorps::ps {

/// Workers of this node have what any of them touches: a list each. Of another node they have
/// slices of its rows, one behind the other: together a list.
RowMailboxes::RowMailboxes(const RowNode& node, std::uint64_t step, bool all)
    : node_{node}, header_{.step = step}, lists_(node.layout().tables().size()) {
  std::size_t lists = 0;
  for (int n = 0; n < node.layout().nodes(); ++n) {
    if (!all && n != node.node()) continue;
    bool fresh = true;
    for (const std::size_t worker : node.job().workers_of(n)) {
      if (fresh || n == node.node()) lists += 2;
      fresh = false;
      for (auto& of_table : lists_) of_table.resize(lists);
      take(worker, lists - 2);
    }
  }
}

void RowMailboxes::take(std::size_t worker, std::size_t first) {
  const RowHeader& pushed = node_.pushed(worker);
  FACTORPS_CHECK(pushed.step == header_.step);
  header_.examples = pushed.examples;
  header_.rate_factor = pushed.rate_factor;
  const auto bytes =
      node_.mailbox(node_.job().node_of_worker[worker]).subspan(pushed.offset, pushed.bytes);
  for (const RowSection& section : read_sections(bytes, node_.layout().tables())) {
    if (section.rows.empty()) continue;
    List& list = lists_[section.table][first + (section.kind == RowValues::wide ? 1 : 0)];
    if (!list.empty() && list.back().rows.back() >= section.rows.front()) {
      throw ProtocolError{"rows: pushed twice by a node"};
    }
    list.push_back(section);
  }
}

void RowMailboxes::merge(std::size_t table, RowRange rows, RowMerge& lists) const {
  lists.begin(node_.layout().tables()[table].width);
  for (const List& list : lists_[table]) {
    for (const RowSection& section : list) lists.add(section, rows);
  }
}

std::uint64_t RowMailboxes::count(std::size_t table, RowRange rows) const {
  std::uint64_t count = 0;
  for (const List& list : lists_[table]) {
    for (const RowSection& section : list) count += within(section.rows, rows).size();
  }
  return count;
}

void apply_mailboxes(const RowNode& node, std::uint64_t step, std::uint32_t part,
                     std::uint32_t parts, RowMerge& lists) {
  const RowMailboxes mailboxes{node, step, true};
  const RowStep how = step_of(mailboxes.header());
  for (std::size_t t = 0; t < node.layout().tables().size(); ++t) {
    mailboxes.merge(t, slice_of(node.layout().rows_of(t, node.node()), part, parts), lists);
    apply_lists(node, t, lists, From::workers, how);
  }
}

}  // namespace factorps::ps
