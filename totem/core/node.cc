#include "totem/core/node.h"

#include "totem/core/machine.h"

namespace totem {

struct Node::Protocol {
    Machine machine;
};

Node::Node(const RingConfig& config, FramePool& pool, MessageSource& source, TraceMask mask)
    : protocol_(new Protocol{Machine(config, pool, source, mask)}) {}

Node::~Node() = default;

void Node::step(Instant now, const Input& input, Effects& out) {
    protocol_->machine.step(now, input, out);
}

State Node::state() const noexcept { return protocol_->machine.state(); }

RingId Node::ring() const noexcept { return protocol_->machine.ring(); }

std::uint64_t Node::ring_number_used() const noexcept {
    return protocol_->machine.ring_number_used();
}

const NodeStats& Node::stats() const noexcept { return protocol_->machine.stats(); }

std::uint64_t Node::state_hash() const { return protocol_->machine.state_hash(); }

Snapshot Node::snapshot() const { return protocol_->machine.snapshot(); }

}  // namespace totem
