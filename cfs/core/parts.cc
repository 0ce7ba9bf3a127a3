#include "cfs/core/parts.h"

#include "cfs/core/operation_codec.h"

namespace cfs {

namespace {

Digest digest_of(const Part& part) {
    Hasher hasher(Hashed::kPart);
    hasher.number(totem::raw(part.id.node)).number(raw(part.id.life)).number(part.id.write);
    return hasher.number(part.sequence).bytes(*part.ranges).finish();
}

}  // namespace

Errno Parts::add(const WriteId& id, std::uint32_t sequence, const Ranges& ranges) {
    const auto found = writes_.find(id);
    const std::size_t held = found == writes_.end() ? 0 : found->second.size();
    auto bytes = std::make_shared<std::vector<std::byte>>();
    encode(ranges, *bytes);
    if (sequence != held) {
        forget(id);
        return Errno::kInvalid;
    }
    if (bytes_ + bytes->size() > kPartsBytesMax) {
        forget(id);
        return Errno::kNoSpace;
    }
    keep(id, std::move(bytes));
    return Errno::kOk;
}

void Parts::keep(const WriteId& id, PartBytes ranges) {
    std::vector<PartBytes>& parts = writes_[id];
    const Part part{id, static_cast<std::uint32_t>(parts.size()), ranges};
    bytes_ += ranges->size();
    digest_ += digest_of(part);
    parts.push_back(std::move(ranges));
    changes_.push_back(part);
}

void Parts::forget(const WriteId& id) {
    const auto found = writes_.find(id);
    if (found == writes_.end()) {
        return;
    }
    std::uint32_t sequence = 0;
    for (const PartBytes& ranges : found->second) {
        bytes_ -= ranges->size();
        digest_ -= digest_of({id, sequence, ranges});
        changes_.push_back({id, sequence, nullptr});
        ++sequence;
    }
    writes_.erase(found);
}

std::vector<PartBytes> Parts::take(const WriteId& id, std::uint32_t count) {
    const auto found = writes_.find(id);
    if (found == writes_.end()) {
        return {};
    }
    std::vector<PartBytes> parts = found->second;
    forget(id);
    return parts.size() == count ? parts : std::vector<PartBytes>{};
}

void Parts::discard(NodeId node, Life kept) {
    std::vector<WriteId> gone;
    for (const auto& [id, parts] : writes_) {
        if (id.node == node && id.life != kept) {
            gone.push_back(id);
        }
    }
    for (const WriteId& id : gone) {
        forget(id);
    }
}

std::vector<Part> Parts::all() const {
    std::vector<Part> all;
    for (const auto& [id, parts] : writes_) {
        std::uint32_t sequence = 0;
        for (const PartBytes& ranges : parts) {
            all.push_back({id, sequence++, ranges});
        }
    }
    return all;
}

bool Parts::assign(const std::vector<Part>& parts) {
    Parts fresh;
    for (const Part& part : parts) {
        const auto found = fresh.writes_.find(part.id);
        const std::size_t held = found == fresh.writes_.end() ? 0 : found->second.size();
        if (!part.ranges || part.sequence != held || !decode_ranges(*part.ranges)) {
            return false;
        }
        fresh.keep(part.id, part.ranges);
    }
    if (fresh.bytes_ > kPartsBytesMax) {
        return false;
    }
    fresh.changes_.clear();
    *this = std::move(fresh);
    return true;
}

}  // namespace cfs
