#include "totem/group/reassembly.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "totem/group/messages.h"

namespace totem::group {
namespace {

// Senders come from members only; this bounds what a ring without authentication can make us hold.
constexpr std::size_t kSendersMax = 2 * kProcessorsMax;
constexpr std::size_t kFirstBufferBytes = 16'384;

}  // namespace

void Reassembly::Assembly::reset() noexcept {
    buffer = {};
    used = 0;
    fragment = 0;
}

void Reassembly::forget(std::span<const NodeId> nodes) {
    std::erase_if(senders_, [nodes](const Sender& sender) {
        return std::ranges::find(nodes, sender.node) != nodes.end();
    });
}

Reassembly::Outcome Reassembly::accept(NodeId sender, const FrameRef& frame,
                                       std::vector<FrameRef>& messages) {
    const auto head = decode_packed_head(frame.bytes());
    Assembly* assembly = head ? find(sender) : nullptr;
    if (assembly == nullptr) {
        return Outcome::kMalformed;
    }
    if (assembly->throw_away) {
        assembly->throw_away = head->fragmented > 1;
        return Outcome::kOutOfChain;
    }
    if (head->continuation != assembly->fragment) {
        assembly->reset();
        assembly->throw_away = head->fragmented != 0;
        return Outcome::kOutOfChain;
    }
    return take_parts(*assembly, *head, frame, messages);
}

void Reassembly::hash(StateHash& into) const {
    into.add(std::uint64_t{static_cast<std::uint8_t>(active_)});
    for (const Sender& sender : senders_) {
        into.add(sender.node);
        for (const Assembly& assembly : sender.sets) {
            into.add(std::uint64_t{assembly.used}).add(std::uint64_t{assembly.fragment});
            into.add(std::uint64_t{assembly.throw_away});
        }
    }
}

Reassembly::Assembly* Reassembly::find(NodeId node) {
    auto sender = std::ranges::lower_bound(senders_, node, {}, &Sender::node);
    if (sender == senders_.end() || sender->node != node) {
        if (senders_.size() == kSendersMax) {
            return nullptr;
        }
        sender = senders_.insert(sender, Sender{node, {}});
    }
    return active_ == Lane::kNormal ? &sender->sets.front() : &sender->sets.back();
}

bool Reassembly::append(Assembly& assembly, std::span<const std::byte> part) {
    const std::size_t needed = assembly.used + part.size();
    if (needed > kReassemblyBytesMax) {
        return false;
    }
    if (needed > assembly.buffer.size()) {
        // The first part mostly says how long the message will be; then nothing is moved later.
        const std::size_t announced = assembly.used == 0 ? announced_bytes(part) : 0;
        const std::size_t room = std::max({needed, 2 * assembly.buffer.size(), kFirstBufferBytes,
                                           std::min(announced, kReassemblyBytesMax)});
        FrameRef larger = pool_->allocate(std::min(room, kReassemblyBytesMax));
        std::ranges::copy(assembly.buffer.bytes().first(assembly.used), larger.writable().begin());
        assembly.buffer = std::move(larger);
    }
    if (!part.empty()) {
        std::memcpy(assembly.buffer.writable().subspan(assembly.used, part.size()).data(),
                    part.data(), part.size());
    }
    assembly.used = needed;
    return true;
}

Reassembly::Outcome Reassembly::take_parts(Assembly& assembly, const PackedHead& head,
                                           const FrameRef& frame, std::vector<FrameRef>& messages) {
    const auto bytes = frame.bytes();
    std::size_t offset = kPackedHeadBytes + kPackedLengthBytes * head.count;
    for (std::size_t i = 0; i < head.count; ++i) {
        const std::size_t length = packed_length(bytes, i);
        const bool begun = i == 0 && head.continuation != 0;
        const bool goes_on = i + 1 == head.count && head.fragmented != 0;
        if (!begun && !goes_on) {
            messages.push_back(frame.slice(offset, length));
        } else if (!append(assembly, bytes.subspan(offset, length))) {
            assembly.reset();
            assembly.throw_away = head.fragmented != 0;
            return Outcome::kMalformed;
        } else if (!goes_on) {
            assembly.buffer.truncate(assembly.used);
            messages.push_back(std::exchange(assembly.buffer, {}));
            assembly.used = 0;
        }
        offset += length;
    }
    assembly.fragment = head.fragmented;
    return Outcome::kTaken;
}

}  // namespace totem::group
