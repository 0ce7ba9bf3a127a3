#include "sim/stack_machine.h"

#include <string>

#include "sim/record.h"

namespace sim {

namespace {

totem::group::ClusterFacts facts_of(totem::NodeId self, const Options& options) {
    totem::group::ClusterFacts facts;
    facts.self = self;
    facts.cluster_name = "simulated";
    for (std::uint32_t node = 0; node < options.nodes; ++node) {
        totem::group::NodeAddress address;
        address.text = "10.0.0." + std::to_string(node + 1);
        facts.nodes.push_back({id_of(node), "node" + std::to_string(node + 1), {address}});
    }
    return facts;
}

votequorum::Options votes_of(totem::NodeId self, const Options& options) {
    votequorum::Options votes;
    votes.self = self;
    votes.expected_votes = options.nodes;
    votes.two_node = options.two_node;
    if (options.wait_for_all) {
        votes.wait_for_all = true;
    }
    for (std::uint32_t node = 0; node < options.nodes; ++node) {
        votes.listed.push_back(id_of(node));
    }
    return votes;
}

}  // namespace

StackMachine::StackMachine(const totem::RingConfig& config, const Options& options,
                           totem::FramePool& pool, totem::TraceMask mask)
    : stack_(config, pool, mask),
      cmap_(store_, facts_of(config.self, options)),
      cfg_(facts_of(config.self, options)),
      cpg_(config.self),
      quorum_(votequorum::QuorumService::Model::kSet),
      votes_(votes_of(config.self, options), quorum_),
      cmap_door_(store_),
      cfg_door_(cfg_, store_),
      cpg_door_(cpg_),
      quorum_door_(quorum_),
      votequorum_door_(votes_) {
    stack_.add(cmap_);
    stack_.add(cfg_);
    stack_.add(cpg_);
    stack_.add(quorum_);
    stack_.add(votes_);
    stack_.add(cmap_door_);
    stack_.add(cfg_door_);
    stack_.add(cpg_door_);
    stack_.add(quorum_door_);
    stack_.add(votequorum_door_);
}

}  // namespace sim
