// Worlds with files: the power cut of all nodes, probes, and what must hold after each heal.
#include <algorithm>
#include <bit>
#include <chrono>
#include <string>

#include "sim/world.h"

namespace sim {

namespace {

using std::chrono::seconds;

// A replica gives an answer within its own limit for uncertainty, whatever happens to the ring.
constexpr seconds kAnswerMax{12};

}  // namespace

void FilesDone::add(const FilesDone& other) {
    acknowledged += other.acknowledged;
    crashes += other.crashes;
    power_cuts += other.power_cuts;
    epochs += other.epochs;
    adoptions += other.adoptions;
    asides += other.asides;
    trusted = trusted && other.trusted;
}

FilesDone World::told_of_files() const {
    FilesDone done = recorder_.files_done();
    done.power_cuts = power_cuts_;
    return done;
}

// Every node is off at once, in the middle of whatever its disk was doing. The one that answered
// the last caller may be lost for good, when the others suffice without it.
void World::cut_power_of_all() {
    ++power_cuts_;
    for (const auto& node : nodes_) {
        node->files()->callers().stop();
        node->crash(now_, DiskFate::kPowerCut, *node);
    }
    const NodeMask last = mask_of(recorder_.files().last_acknowledger());
    if (options_.files.acknowledger_stays_down &&
        recorder_.files().sufficient(all_nodes(options_.nodes) & ~last)) {
        dead_ = last;
    }
}

bool World::should_write(const SimNode& node, NodeMask members) const {
    return node.stack() != nullptr && node.stack()->votes().ballot().quorate() &&
           recorder_.files().sufficient(members);
}

void World::probe_files() {
    for (std::uint32_t node = 0; node < options_.nodes; ++node) {
        SimNode& found = *nodes_[node];
        const NodeMask members = (core_ & mask_of(node)) != 0 ? core_ : mask_of(node);
        if ((dead_ & mask_of(node)) == 0 && should_write(found, members)) {
            found.files()->callers().probe(now_);
            found.client(kCfsd).poke(now_);
        }
    }
}

// Writable, all the same, every wish answered; who is waited for is named (L8).
void World::check_files(std::uint32_t node, NodeMask members, bool quiet) {
    SimNode& found = *nodes_[node];
    if (found.files() == nullptr) {
        return;
    }
    const Where where{now_, node, found.life()};
    const auto oldest = found.files()->waiting_since();
    if (oldest && now_ - *oldest > kAnswerMax) {
        recorder_.report(
            {"file-liveness", "S5",
             "a wish without an answer for " + std::to_string((now_ - *oldest) / seconds{1}) + " s",
             where});
    }
    if (found.files()->replica() == nullptr) {
        recorder_.report({"file-liveness", "L9", "no cfsd long after the heal", where});
        return;
    }
    if (should_write(found, members) && recorder_.files().trusted()) {
        check_writable(found, where, members);
        recorder_.publish(FilesSettled{where, members, found.files()->place(), quiet});
    }
}

void World::check_writable(const SimNode& node, const Where& where, NodeMask members) {
    const cfs::Status& status = node.files()->replica()->status();
    if (status.obstacle != cfs::Obstacle::kNone) {
        std::string waited;
        for (const NodeId id : status.waiting_for) {
            waited += " " + std::to_string(totem::raw(id));
        }
        recorder_.report(
            {"file-liveness", waited.empty() ? "L8" : "L9",
             "not writable long after the heal: " + std::string(cfs::to_string(status.obstacle)) +
                 ", waiting for" + (waited.empty() ? " nobody" : waited),
             where});
    } else if (status.synced.size() != static_cast<std::size_t>(std::popcount(members))) {
        recorder_.report({"file-liveness", "L9",
                          std::to_string(status.synced.size()) + " synced of " +
                              members_text(members) + " long after the heal",
                          where});
    } else if (!node.files()->callers().probes_done()) {
        recorder_.report({"file-liveness", "L9", "a probe was not acknowledged", where});
    }
}

}  // namespace sim
