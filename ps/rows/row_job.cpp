#include "ps/rows/row_job.hpp"

#include "ps/rows/row_sections.hpp"

namespace factorps::ps {

std::vector<std::size_t> RowJob::workers_of(int node) const {
  std::vector<std::size_t> workers;
  for (std::size_t w = 0; w < node_of_worker.size(); ++w) {
    if (node_of_worker[w] == node) workers.push_back(w);
  }
  return workers;
}

std::size_t room_for_pushes(const RowLayout& layout, const RowJob& job,
                            const std::vector<std::uint64_t>& rows, std::size_t workers) {
  std::size_t bytes = 0;
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    const std::size_t width = layout.tables()[t].width;
    bytes += workers * section_bytes(RowValues::narrow, width, 0) +
             (workers - 1) * section_bytes(RowValues::wide, width, 0) +
             section_bytes(RowValues::wide, width, rows[t]);
  }
  return room_for_pieces(bytes, workers, job.message_bytes);
}

}  // namespace factorps::ps
