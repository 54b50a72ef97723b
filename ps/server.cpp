#include "ps/server.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace factorps::ps {

bool Server::step() {
  if (auto envelope = transport_.poll()) {
    handle(std::move(*envelope));
    return true;
  }
  if (!pass_) return false;
  const bool moved = store_->step();
  if (!store_->finished()) return moved;
  report();
  return true;
}

void Server::handle(comm::Envelope envelope) {
  switch (envelope.tag) {
    case comm::Tag::start_pass:
      pass_ = comm::decode<comm::StartPass>(envelope.body);
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
  try {
    switch (command.kind) {
      case comm::CommandKind::initialise:
        store_->initialise();
        break;
      case comm::CommandKind::save:
        save(command.directory, reply);
        break;
      case comm::CommandKind::load:
        load(command.directory);
        break;
      case comm::CommandKind::export_model:
        if (index_ == 0) reply.digest = store_->write_model(command);
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

void Server::save(const std::string& directory, comm::CommandDone& reply) const {
  const auto path = std::filesystem::path{directory} / shard_name(index_);
  ShardWriter writer{path};
  store_->save(writer);
  writer.finish();
  const CheckpointFile file = describe_file(path);
  reply.files.push_back({file.name, file.bytes, file.checksum});
}

void Server::load(const std::string& directory) {
  std::vector<std::filesystem::path> files;
  for (const CheckpointFile& file : read_manifest(directory).files) {
    files.push_back(std::filesystem::path{directory} / file.name);
  }
  store_->load(ShardReader{files});
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
  pass_.reset();
  transport_.send(0, comm::Tag::strips_done, comm::encode(done));
}

}  // namespace factorps::ps
