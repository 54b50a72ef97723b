#include "ps/server.hpp"

#include <filesystem>

#include "common/error.hpp"
#include "io/checkpoint.hpp"
#include "io/shard_file.hpp"
#include "model/initial.hpp"
#include "ps/model_export.hpp"

namespace factorps::ps {
namespace {

void initialise_rows(RowsView rows, std::size_t dim, std::uint64_t first_row,
                     std::span<const std::uint32_t> counts, const ServerOptions& options,
                     Purpose table) {
  for (std::uint64_t r = 0; r < rows.rows; ++r) {
    if (counts[first_row + r] == 0) continue;  // cold: stays zero
    initial_row({rows.factors + r * rows.stride, dim}, first_row + r, options.seed, table,
                options.init_std);
  }
}

}  // namespace

Server::Server(comm::Transport& transport, int index, int servers, const Tables& tables,
               const Dataset& dataset, std::uint32_t steps_per_pass, ServerOptions options)
    : transport_{transport},
      index_{index},
      tables_{tables},
      dataset_{dataset},
      steps_per_pass_{steps_per_pass},
      options_{options},
      strips_{share_of(tables.grid().strips(), index, servers)},
      blocks_{share_of(tables.grid().blocks(), index, servers)} {}

bool Server::step() {
  if (const auto envelope = transport_.poll()) {
    handle(*envelope);
    return true;
  }
  if (!pass_ || !strips_finished()) return false;
  report();
  return true;
}

void Server::handle(const comm::Envelope& envelope) {
  switch (envelope.tag) {
    case comm::Tag::start_pass:
      pass_ = comm::decode<comm::StartPass>(envelope.body).pass;
      return;
    case comm::Tag::command: {
      const auto reply = run(comm::decode<comm::Command>(envelope.body));
      transport_.send(envelope.from, comm::Tag::command_done, comm::encode(reply));
      return;
    }
    case comm::Tag::shutdown:
      stopped_ = true;
      return;
    default:
      throw ProtocolError{"server: unexpected message"};
  }
}

/// Errors travel back to the scheduler, which knows what else hangs on the command.
comm::CommandDone Server::run(const comm::Command& command) {
  comm::CommandDone reply;
  reply.kind = command.kind;
  try {
    switch (command.kind) {
      case comm::CommandKind::initialise:
        initialise();
        break;
      case comm::CommandKind::save:
        save(command.directory, reply);
        break;
      case comm::CommandKind::load:
        load(command.directory);
        break;
      case comm::CommandKind::export_model:
        if (index_ == 0) {
          reply.digest =
              export_model(tables_, dataset_, command.directory, command.provenance,
                           options_.mean ? dataset_.train_mean() : 0.0, options_.store_seen);
        }
        break;
    }
  } catch (const Error& error) {
    reply.error = error.what();
    reply.exit_code = static_cast<int>(error.exit_code());
  }
  return reply;
}

void Server::initialise() {
  const Grid& grid = tables_.grid();
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    initialise_rows(tables_.strip(StripId{s}), tables_.dim(), grid.users_of(StripId{s}).begin,
                    dataset_.user_counts(), options_, Purpose::init_user);
  }
  for (std::uint32_t b = blocks_.begin; b < blocks_.end; ++b) {
    initialise_rows(tables_.block(BlockId{b}), tables_.dim(), grid.items_of(BlockId{b}).begin,
                    dataset_.item_counts(), options_, Purpose::init_item);
  }
}

void Server::save(const std::string& directory, comm::CommandDone& reply) {
  const auto path = std::filesystem::path{directory} / shard_name(index_);
  ShardWriter writer{path};
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    writer.write(RowsKind::strip, s, tables_.strip(StripId{s}), tables_.dim());
  }
  for (std::uint32_t b = blocks_.begin; b < blocks_.end; ++b) {
    writer.write(RowsKind::block, b, tables_.block(BlockId{b}), tables_.dim());
  }
  writer.finish();
  const CheckpointFile file = describe_file(path);
  reply.files.push_back({file.name, file.bytes, file.checksum});
}

void Server::load(const std::string& directory) {
  std::vector<std::filesystem::path> files;
  for (const CheckpointFile& file : read_manifest(directory).files) {
    files.push_back(std::filesystem::path{directory} / file.name);
  }
  const ShardReader reader{files};
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    reader.read(RowsKind::strip, s, tables_.strip(StripId{s}), tables_.dim());
  }
  for (std::uint32_t b = blocks_.begin; b < blocks_.end; ++b) {
    reader.read(RowsKind::block, b, tables_.block(BlockId{b}), tables_.dim());
  }
}

bool Server::strips_finished() const {
  const std::uint64_t target = 2 * (*pass_ + 1) * steps_per_pass_;
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    if (tables_.progress(StripId{s}).load(std::memory_order_acquire) < target) return false;
  }
  return true;
}

void Server::report() {
  comm::StripsDone done;
  done.pass = *pass_;
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    CellSums total{};
    for (std::uint32_t b = 0; b < tables_.grid().blocks(); ++b) {
      const CellSums& cell = tables_.sums(StripId{s}, BlockId{b});
      for (std::size_t k = 0; k < total.size(); ++k) total[k] += cell[k];
    }
    done.strips.push_back(s);
    done.sums.insert(done.sums.end(), total.begin(), total.end());
  }
  done.memory = memory_.use();
  pass_.reset();
  transport_.send(0, comm::Tag::strips_done, comm::encode(done));
}

}  // namespace factorps::ps
