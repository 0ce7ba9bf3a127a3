// The clients of a node, and what happens to its cfsd.
#include <string>
#include <utility>

#include "sim/group_program.h"
#include "sim/sim_node.h"

namespace sim {

namespace {

namespace client = totem::client;

constexpr std::chrono::milliseconds kDiskLatency{1};

}  // namespace

void SimNode::make_clients() {
    for (std::uint32_t index = 0; index < world_.options.clients; ++index) {
        std::unique_ptr<Program> program;
        if (world_.options.files.on && index == kCfsd) {
            auto files = std::make_unique<CfsProgram>(world_.options, world_.recorder, index_);
            files_ = files.get();
            program = std::move(files);
        } else {
            const bool foreign = world_.options.files.on && index == kForeigner;
            program = std::make_unique<GroupProgram>(world_.options, world_.recorder,
                                                     foreign ? std::string(cfs::kForeignGroupName)
                                                     : index % 2 == 0 ? "alpha"
                                                                      : "beta");
        }
        clients_.push_back(std::make_unique<ClientProcess>(
            world_.options, world_.queue, ClientProcess::Place{index_, index}, std::move(program)));
    }
}

void SimNode::start_clients(Instant now) {
    for (std::uint32_t index = 0; index < clients_.size(); ++index) {
        if (starts_itself(index)) {
            clients_[index]->start(now);
        }
    }
}

void SimNode::start_client(Instant now, std::uint32_t index) {
    if (index < clients_.size()) {
        clients_[index]->start(now);
    }
}

void SimNode::crash_client(Instant now, std::uint32_t index, DiskFate fate, const SimNode& other) {
    if (index >= clients_.size()) {
        return;
    }
    if (files_ != nullptr && index == kCfsd) {
        files_->prepare_crash(fate, other.files_->disk());
    }
    clients_[index]->crash(now);
}

void SimNode::set_client_paused(Instant now, std::uint32_t index, bool paused) {
    if (index < clients_.size()) {
        paused ? clients_[index]->pause() : clients_[index]->resume(now);
    }
}

void SimNode::set_disk_latency(Duration latency) {
    disk_latency_ = latency;
    if (files_ != nullptr) {
        files_->set_disk_latency(latency);
    }
}

// Disks have room and are fast again; whoever ran other daemons stops them, and an administrator
// restarts a cfsd that has given up its disk.
void SimNode::heal_files(Instant now) {
    set_disk_latency(kDiskLatency);
    if (files_ == nullptr) {
        return;
    }
    files_->disk().heal(now);
    files_->set_disk_latency(world_.options.files.disk_latency);
    clients_[kForeigner]->crash(now);
    const cfs::Replica* replica = files_->replica();
    if (replica != nullptr && replica->status().obstacle == cfs::Obstacle::kStoreFailed) {
        clients_[kCfsd]->crash(now);
    }
}

void SimNode::expect_votes(Instant now, std::uint32_t votes) {
    if (!alive() || paused() || stack_machine_ == nullptr ||
        stack_machine_->stack().synchronising()) {
        return;
    }
    world_.recorder.publish(FileVotes{{now, index_, life_}, votes, world_.options.nodes});
    operator_ = totem::group::ConnectionId{++last_connection_};
    step(now, totem::group::ClientOpened{totem::group::ServiceId::kVotequorum, operator_, 1});
    const client::Bytes request = client::votequorum_set_expected(votes);
    if (alive()) {
        step(now, totem::group::ClientRequest{operator_, request});
    }
    if (alive()) {
        step(now, totem::group::ClientClosed{operator_});
    }
}

}  // namespace sim
