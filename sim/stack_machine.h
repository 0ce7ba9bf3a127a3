// Everything that totemd runs, without its sockets, files and threads: the stack with its services
// and their doors.
#pragma once

#include <cstdint>

#include "sim/machine.h"
#include "totem/group/cfg_service.h"
#include "totem/group/cmap_service.h"
#include "totem/group/cmap_store.h"
#include "totem/group/cpg_service.h"
#include "totem/group/stack.h"
#include "totem/ipc/doors/cfg_door.h"
#include "totem/ipc/doors/cmap_door.h"
#include "totem/ipc/doors/cpg_door.h"
#include "votequorum/core/quorum_service.h"
#include "votequorum/core/service.h"
#include "votequorum/ipc/quorum_door.h"
#include "votequorum/ipc/votequorum_door.h"

namespace sim {

class StackMachine : public Machine {
  public:
    StackMachine(const totem::RingConfig& config, const Options& options, totem::FramePool& pool,
                 totem::TraceMask mask);

    void step(totem::Instant now, const totem::group::StackInput& input,
              totem::group::StackEffects& out) override {
        stack_.step(now, input, out);
    }
    [[nodiscard]] const totem::Node& node() const override { return stack_.node(); }
    [[nodiscard]] std::uint64_t state_hash() const override { return stack_.state_hash(); }

    [[nodiscard]] const totem::group::Stack& stack() const noexcept { return stack_; }
    [[nodiscard]] const votequorum::VoteQuorum& votes() const noexcept { return votes_; }

  private:
    totem::group::Stack stack_;
    totem::group::CmapStore store_;
    totem::group::CmapService cmap_;
    totem::group::CfgService cfg_;
    totem::group::CpgService cpg_;
    votequorum::QuorumService quorum_;
    votequorum::VoteQuorum votes_;
    totem::ipc::CmapDoor cmap_door_;
    totem::ipc::CfgDoor cfg_door_;
    totem::ipc::CpgDoor cpg_door_;
    votequorum::QuorumDoor quorum_door_;
    votequorum::VotequorumDoor votequorum_door_;
};

}  // namespace sim
