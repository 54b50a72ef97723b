#include "ps/server.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/activity.hpp"
#include "common/error.hpp"
#include "common/faults.hpp"

namespace factorps::ps {
namespace {

comm::FileEntry to_message(const CheckpointFile& file) {
  comm::FileEntry entry{file.name, file.bytes, file.checksum, file.frame};
  for (const CheckpointDataset& data : file.datasets) {
    entry.datasets.push_back({data.name, data.offset, data.bytes, data.checksum});
  }
  return entry;
}

std::string doing_of(const comm::Command& command) {
  switch (command.kind) {
    case comm::CommandKind::initialise:
      return "fills its rows with first values";
    case comm::CommandKind::save:
      return "saves its rows to " + command.directory;
    case comm::CommandKind::load:
      return "loads its rows from " + command.directory;
    case comm::CommandKind::export_model:
      return "writes the model to " + command.directory;
    case comm::CommandKind::cut:
    case comm::CommandKind::copy_rest:
      return "copies its rows for a checkpoint";
    case comm::CommandKind::hold:
    case comm::CommandKind::pause:
      return "pauses a pass";
  }
  return {};
}

}  // namespace

bool Server::step() {
  if (auto envelope = transport_.poll()) {
    handle(std::move(*envelope));
    return true;
  }
  if (writer_) {
    if (std::exchange(written_, writer_->written()) != written_) note_progress();
    if (writer_->done()) {
      report_cut();
      return true;
    }
  }
  if (!pass_) return false;
  const bool moved = store_->step();
  if (!store_->finished()) return moved;
  report();
  return true;
}

std::string Server::waits_for() const {
  return pass_ ? fmt::format("{} (pass {})", store_->waits_for(), pass_->pass) : "the scheduler";
}

void Server::handle(comm::Envelope envelope) {
  switch (envelope.tag) {
    case comm::Tag::start_pass:
      pass_ = comm::decode<comm::StartPass>(envelope.body);
      pass_epoch(pass_->epoch);
      store_->begin(*pass_);
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
      store_->receive(std::move(envelope));
  }
}

/// Errors travel back to the scheduler, which knows what else hangs on the command.
comm::CommandDone Server::run(const comm::Command& command) {
  comm::CommandDone reply;
  reply.kind = command.kind;
  const auto start = Clock::now();
  const Doing doing{doing_of(command)};
  try {
    switch (command.kind) {
      case comm::CommandKind::initialise:
        store_->initialise();
        break;
      case comm::CommandKind::save:
        save(command, reply);
        break;
      case comm::CommandKind::load:
        load(command.directory);
        break;
      case comm::CommandKind::cut:
        begin_cut(command);
        break;
      case comm::CommandKind::copy_rest:
        store_->copy_rest(command.cut);
        break;
      case comm::CommandKind::hold:
        reply.step = store_->hold();
        break;
      case comm::CommandKind::pause:
        store_->pause(command.step);
        break;
      case comm::CommandKind::export_model:
        if (index_ == 0) write_model(command, reply);
        break;
    }
  } catch (const Error& error) {
    reply.error = error.what();
    reply.exit_code = static_cast<int>(error.exit_code());
  }
  if (trace_ != nullptr) {
    trace_->add({start, Clock::now(), comm::trace_kind(command.kind)});
  }
  return reply;
}

void Server::save(const comm::Command& command, comm::CommandDone& reply) const {
  const auto path = std::filesystem::path{command.directory} / shard_name(index_);
  const std::vector<ShardPart> parts = store_->parts(command.step);
  ShardWriter writer{path, parts};
  for (std::size_t n = 0; n < parts.size(); ++n) writer.write(n);
  pass_checkpoint_phase(CheckpointPhase::writing);
  reply.files.push_back(to_message(writer.finish()));
  pass_checkpoint_phase(CheckpointPhase::written);
}

void Server::begin_cut(const comm::Command& command) {
  if (writer_) throw ProtocolError{"server: a cut before the last one is on disk"};
  writer_ = std::make_unique<CutWriter>(
      std::filesystem::path{command.directory} / shard_name(index_),
      store_->cut(command.cut, command.step, std::exchange(spare_, {})));
}

void Server::report_cut() {
  comm::CommandDone done;
  done.kind = comm::CommandKind::cut;
  try {
    done.files.push_back(to_message(writer_->result()));
  } catch (const Error& error) {
    done.error = error.what();
    done.exit_code = static_cast<int>(error.exit_code());
  }
  spare_ = writer_->take_memory();
  writer_.reset();
  transport_.send(0, comm::Tag::cut_saved, comm::encode(done));
}

void Server::write_model(const comm::Command& command, comm::CommandDone& reply) {
  pass_checkpoint_phase(CheckpointPhase::model);
  reply.digest = store_->write_model(command);
}

void Server::load(const std::string& directory) {
  pass_checkpoint_phase(CheckpointPhase::load);
  const CheckpointManifest manifest = read_manifest(directory);
  ShardReader reader{directory, manifest};
  store_->load(reader, manifest.step);
}

void Server::report() {
  comm::StripsDone done;
  done.pass = pass_->pass;
  const Share strips = store_->strips();
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    const CellSums total = store_->sums_of(StripId{s});
    done.strips.push_back(s);
    done.sums.insert(done.sums.end(), total.begin(), total.end());
  }
  const Traffic traffic = store_->traffic();
  done.block_bytes = traffic.bytes;
  done.blocks = traffic.blocks;
  done.memory = memory_.use();
  done.hot_rows = store_->hot_rows();
  pass_.reset();
  transport_.send(0, comm::Tag::strips_done, comm::encode(done));
}

}  // namespace factorps::ps
