#include "ps/rows/row_service.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "ps/rows/row_apply.hpp"

namespace factorps::ps {

void RowService::receive(comm::Envelope envelope) {
  Message message;
  message.worker = static_cast<std::size_t>(envelope.from - first_worker_);
  if (envelope.from < first_worker_ || message.worker >= node_.job().workers() ||
      envelope.body.size() < sizeof message.header) {
    throw ProtocolError{"server: rows asked for or pushed by nobody"};
  }
  std::memcpy(&message.header, envelope.body.data(), sizeof message.header);
  message.envelope = std::move(envelope);
  waiting_.push_back(std::move(message));
  step();
}

bool RowService::step() {
  if (waiting_.empty()) return false;
  std::vector<bool> blocked(2 * node_.job().workers());  // whose next pull or push must wait
  for (Message& message : waiting_) {
    const bool pull = message.envelope.tag == comm::Tag::pull_rows;
    const std::size_t which = 2 * message.worker + (pull ? 1 : 0);
    if (!blocked[which]) blocked[which] = pull ? !try_answer(message) : !try_take(message);
    if (blocked[which]) continue;
    message.done = true;
    spare_.give(std::move(message.envelope.body));
  }
  return std::erase_if(waiting_, [](const Message& message) { return message.done; }) > 0;
}

void RowService::check_rows(std::span<const RowSection> sections) const {
  for (const RowSection& section : sections) {
    const auto here = [&](std::uint64_t row) { return node_.has(section.table, row); };
    if (!std::ranges::all_of(section.rows, here)) {
      throw ProtocolError{"server: asked for rows of another node"};
    }
  }
}

bool RowService::try_answer(const Message& message) {
  if (!node_.open(message.header.step)) return false;
  std::span<const std::byte> rest = message.envelope.body;
  while (!rest.empty()) {
    RowHeader question;
    if (rest.size() < sizeof question) throw ProtocolError{"server: a question is cut off"};
    std::memcpy(&question, rest.data(), sizeof question);
    rest = rest.subspan(sizeof question);
    if (question.step != message.header.step || question.bytes > rest.size()) {
      throw ProtocolError{"server: a question of another step, or cut off"};
    }
    answer(message.envelope.from, question, rest.first(question.bytes));
    rest = rest.subspan(question.bytes);
  }
  return true;
}

void RowService::answer(comm::RoleId worker, const RowHeader& question,
                        std::span<const std::byte> asked) {
  const auto& tables = node_.layout().tables();
  const auto sections = read_sections(asked, tables);
  check_rows(sections);
  std::size_t bytes = sizeof question;
  for (const RowSection& section : sections) {
    bytes += section.rows.size() * tables[section.table].width * sizeof(float);
  }
  std::vector<std::byte> body = spare_.take(bytes);
  std::memcpy(body.data(), &question, sizeof question);
  std::byte* to = body.data() + sizeof question;
  for (const RowSection& section : sections) {
    node_.read(section.table, section.rows, reinterpret_cast<float*>(to));
    to += section.rows.size() * tables[section.table].width * sizeof(float);
  }
  transport_.send(worker, comm::Tag::rows, std::move(body));
}

bool RowService::try_take(const Message& message) {
  const RowHeader& header = message.header;
  if (node_.collects()) {
    if (!node_.applied_before(header.step)) return false;
    put_into_mailbox(message);
  } else {
    const auto sections = read_sections(message.sections(), node_.layout().tables());
    check_rows(sections);
    apply_sections(node_, sections, header);
  }
  if (header.last == 1) {
    node_.clock(message.worker).store(header.step + 1, std::memory_order_release);
  }
  return true;
}

void RowService::put_into_mailbox(const Message& message) {
  const auto mailbox = node_.mailbox(node_.job().node_of_worker[message.worker]);
  const auto sections = message.sections();
  std::size_t& filled = filled_[message.worker];
  const std::uint64_t begin = message.header.offset;
  if (begin % sizeof(std::uint64_t) != 0 || begin > mailbox.size() ||
      filled + sections.size() > mailbox.size() - begin) {
    throw ProtocolError{"server: more was pushed than a worker has"};
  }
  std::memcpy(mailbox.data() + begin + filled, sections.data(), sections.size());
  filled += sections.size();
  if (message.header.last == 0) return;
  RowHeader& whole = node_.pushed(message.worker);
  whole = message.header;
  whole.bytes = std::exchange(filled, 0);
}

}  // namespace factorps::ps
