/// A job in row mode on one thread: servers and workers over a LocalHub, with made-up gradients.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/random.hpp"
#include "ps/rows/distinct_rows.hpp"
#include "ps/rows/row_client.hpp"
#include "ps/rows/row_service.hpp"

namespace factorps::ps::test {

constexpr std::uint32_t kLanes = 6;  // of a job

/// Whether lanes touch rows of the first table that others touch, or those of the block that has
/// their number.
enum class Users { of_all, own };

/// Lanes touch rows that a random stream chooses; each gradient depends on what was pulled.
class FakeLane {
 public:
  static constexpr std::uint32_t kExamples = 5;

  FakeLane(const RowLayout& layout, std::uint32_t number, Users users)
      : layout_{layout}, number_{number}, users_{users} {}

  RowRange users() const {
    const auto& begin = layout_.tables().front().begin;
    return users_ == Users::own ? RowRange{begin[number_], begin[number_ + 1]}
                                : RowRange{0, begin.back()};
  }

  TouchedTables touch(std::uint64_t step) const {
    const RandomStream random{number_, Purpose::generate};
    TouchedTables part{kExamples, {}};
    for (std::size_t t = 0; t < layout_.tables().size(); ++t) {
      TouchedRows touched;
      const RowRange all = t == 0 ? users() : RowRange{0, layout_.tables()[t].rows()};
      for (std::uint32_t n = 0; n < kExamples; ++n) {
        const auto column = static_cast<std::uint32_t>(t * kExamples + n);
        touched.rows.push_back(all.begin + random.below(all.size(), step, column));
      }
      make_distinct(touched.rows);
      part.tables.push_back(std::move(touched));
    }
    return part;
  }

  void compute(std::uint64_t step, TouchedTables& part) const {
    for (std::size_t t = 0; t < part.tables.size(); ++t) {
      TouchedRows& touched = part.tables[t];
      touched.gradients.resize(touched.values.size());
      for (std::size_t n = 0; n < touched.values.size(); ++n) {
        const float target = static_cast<float>((number_ + step + n) % 7) / 7;
        touched.gradients[n] = touched.values[n] - target;
      }
    }
  }

 private:
  const RowLayout& layout_;
  std::uint32_t number_;
  Users users_;
};

class FakeWorker {
 public:
  FakeWorker(comm::Transport& transport, const RowNode& node, RowWorker worker,
             std::vector<FakeLane> lanes)
      : client_{transport, node, std::move(worker)}, lanes_{std::move(lanes)} {}

  void begin(std::uint64_t end) {
    client_.begin(1);
    end_ = end;
    next_ = client_.step();
    stage_ = Stage::pull;
    if (next_ < end_) ask();
  }
  /// @return whether anything was done
  bool step() {
    switch (stage_) {
      case Stage::pull: {
        if (client_.step() == end_) return false;
        if (!has_current_) {
          current_ = std::move(asked_.front());
          asked_.pop_front();
          has_current_ = true;
          if (next_ < end_) ask();
        }
        if (!client_.try_pull(current_)) return false;
        for (std::size_t l = 0; l < lanes_.size(); ++l) {
          lanes_[l].compute(client_.step(), current_[l]);
        }
        client_.push(current_, FakeLane::kExamples * kLanes);
        stage_ = Stage::finish;
        return true;
      }
      case Stage::finish:
        if (!client_.try_finish()) return false;
        has_current_ = false;
        stage_ = Stage::pull;
        return true;
    }
    return false;
  }
  bool finished() const { return client_.step() == end_ && stage_ == Stage::pull; }
  const RowClient& client() const { return client_; }

 private:
  enum class Stage { pull, finish };

  void ask() {
    std::vector<TouchedTables> parts;
    for (const FakeLane& lane : lanes_) parts.push_back(lane.touch(next_));
    client_.request_together(next_, parts);
    asked_.push_back(std::move(parts));
    ++next_;
  }

  RowClient client_;
  std::vector<FakeLane> lanes_;
  std::deque<std::vector<TouchedTables>> asked_;
  std::vector<TouchedTables> current_;
  bool has_current_ = false;
  std::uint64_t next_ = 0;  // step to ask for
  std::uint64_t end_ = 0;
  Stage stage_ = Stage::pull;
};

/// Shape of a job: workers of each node.
using WorkersOfNodes = std::vector<int>;

class FakeRowJob {
 public:
  FakeRowJob(std::vector<RowTable> tables, const WorkersOfNodes& shape, RowPolicy policy,
             Users users = Users::of_all)
      : users_{users},
        layout_{std::move(tables), strips(shape)},
        hub_{static_cast<int>(1 + shape.size()) + total(shape)} {
    job_.policy = policy;
    job_.strips = layout_.tables().front().blocks();
    job_.blocks = 1;
    for (std::size_t node = 0; node < shape.size(); ++node) {
      job_.node_of_worker.insert(job_.node_of_worker.end(), static_cast<std::size_t>(shape[node]),
                                 static_cast<int>(node));
    }
    const std::uint64_t rows = kLanes * FakeLane::kExamples;
    job_.most_rows.assign(job_.workers(), std::vector(layout_.tables().size(), rows));
    job_.message_bytes = 48;  // one to four rows
    for (std::size_t node = 0; node < shape.size(); ++node) add_node(static_cast<int>(node));
    for (std::size_t w = 0; w < job_.workers(); ++w) add_worker(w);
  }

  /// @param choose which role tries next, of so many
  template <class Choose>
  void run(std::uint64_t steps, Choose&& choose) {
    const std::uint64_t end = workers_.front().client().step() + steps;
    for (auto& worker : workers_) worker.begin(end);
    const auto done = [&] {
      return std::ranges::all_of(workers_, [](auto& w) { return w.finished(); });
    };
    for (std::uint64_t tries = 0; !done(); ++tries) {
      if (tries > 2'000'000) throw std::runtime_error{"the job hangs"};
      step(choose(services_.size() + workers_.size()));
    }
    for (std::size_t n = 0; n < services_.size(); ++n) {
      while (receive_one(n)) {
      }
    }
  }
  void run(std::uint64_t steps) {
    run(steps, [this](std::size_t roles) { return next_role_++ % roles; });
  }

  void step(std::size_t role) {
    if (role >= services_.size()) {
      workers_[role - services_.size()].step();
      return;
    }
    receive_one(role);
    services_[role].step();
  }

  /// All records of all tables.
  std::vector<float> everything() const {
    std::vector<float> all;
    for (std::size_t t = 0; t < layout_.tables().size(); ++t) {
      for (std::uint64_t row = 0; row < layout_.tables()[t].rows(); ++row) {
        const auto node = static_cast<std::size_t>(layout_.node_of(t, row));
        const float* record = nodes_[node].record(t, row);
        all.insert(all.end(), record, record + layout_.tables()[t].record());
      }
    }
    return all;
  }
  const RowNode& node(std::size_t n) const { return nodes_[n]; }
  FakeWorker& worker(std::size_t w) { return workers_[w]; }

 private:
  static int total(const WorkersOfNodes& shape) {
    int sum = 0;
    for (const int workers : shape) sum += workers;
    return sum;
  }
  static std::vector<Share> strips(const WorkersOfNodes& shape) {
    std::vector<Share> strips;
    const auto nodes = static_cast<int>(shape.size());
    for (int n = 0; n < nodes; ++n) strips.push_back(share_of(kLanes, n, nodes));
    return strips;
  }
  bool receive_one(std::size_t service) {
    auto envelope = links_[service]->poll();
    if (envelope) services_[service].receive(std::move(*envelope));
    return envelope.has_value();
  }
  comm::RoleId worker_role(std::size_t w) const {
    return static_cast<int>(1 + layout_.nodes()) + static_cast<int>(w);
  }

  void add_node(int node) {
    memory_.emplace_back(RowNode::bytes_needed(layout_, job_, node));
    nodes_.emplace_back(memory_.back().span(), layout_, job_, node);
    links_.push_back(hub_.link(1 + node));
    services_.emplace_back(*links_.back(), nodes_.back(), worker_role(0));
  }
  void add_worker(std::size_t w) {
    RowWorker worker{w, {}};
    for (int node = 0; node < layout_.nodes(); ++node) worker.server_of_node.push_back(1 + node);
    const Share lanes = share_of(kLanes, static_cast<int>(w), static_cast<int>(job_.workers()));
    std::vector<FakeLane> mine;
    for (std::uint32_t l = lanes.begin; l < lanes.end; ++l) mine.emplace_back(layout_, l, users_);
    if (users_ == Users::own && !mine.empty()) {
      worker.own = {mine.front().users().begin, mine.back().users().end};
    }
    worker_links_.push_back(hub_.link(worker_role(w)));
    workers_.emplace_back(*worker_links_.back(),
                          nodes_[static_cast<std::size_t>(job_.node_of_worker[w])],
                          std::move(worker), std::move(mine));
  }

  Users users_;
  RowLayout layout_;
  RowJob job_;
  comm::LocalHub hub_;
  std::deque<AlignedBuffer<std::byte>> memory_;
  std::deque<RowNode> nodes_;
  std::vector<std::unique_ptr<comm::Transport>> links_;
  std::deque<RowService> services_;
  std::vector<std::unique_ptr<comm::Transport>> worker_links_;
  std::deque<FakeWorker> workers_;
  std::uint64_t next_role_ = 0;
};

}  // namespace factorps::ps::test
