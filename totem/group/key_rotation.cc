#include "totem/group/key_rotation.h"

#include <algorithm>
#include <utility>

#include "totem/group/state_hash.h"

namespace totem::group {

void KeyRotation::want(KeyName key) {
    const bool takes_back = wanted_.has_value();
    wanted_.reset();
    if (stage_ == Stage::kSteady && key != sends_) {
        stage_ = Stage::kOffered;
        next_ = key;
        due_ = true;
    } else if (stage_ == Stage::kOffered) {
        // The others may act on what was said until they hear it taken back.
        wanted_ = key != next_ ? std::optional(key) : std::nullopt;
        due_ = due_ || wanted_ || takes_back;
    } else if (stage_ == Stage::kSwitched && key != sends_) {
        wanted_ = key;
    }
}

void KeyRotation::on_ring(std::span<const NodeId> members) {
    members_.assign(members.begin(), members.end());
    said_.clear();
}

void KeyRotation::on_announcement(NodeId sender, const Announcement& said) {
    if (sender == self_ && on_their_way_ > 0) {
        --on_their_way_;
    }
    said_[sender] = said;
    advance();
}

KeyRotation::Announcement KeyRotation::announcement() const {
    const bool offers = stage_ == Stage::kOffered && !wanted_;
    return {sends_, offers ? std::optional(next_) : std::nullopt};
}

std::optional<KeyRotation::Announcement> KeyRotation::to_announce() const {
    return due_ ? std::optional(announcement()) : std::nullopt;
}

void KeyRotation::announced() {
    due_ = false;
    ++on_their_way_;
}

KeyRotation::Keys KeyRotation::keys() const {
    switch (stage_) {
        case Stage::kOffered:
            return {sends_, next_};
        case Stage::kSwitched:
            return {sends_, before_};
        case Stage::kSteady:
            break;
    }
    return {sends_, std::nullopt};
}

// Whether a member has done what the next stage waits for.
bool KeyRotation::ready(const Announcement& said) const {
    return stage_ == Stage::kOffered ? said.sends == next_ || said.next == next_
                                     : said.sends == sends_;
}

std::vector<NodeId> KeyRotation::awaited() const {
    std::vector<NodeId> awaited;
    if (stage_ != Stage::kSteady) {
        std::ranges::copy_if(members_, std::back_inserter(awaited), [this](NodeId node) {
            const auto found = said_.find(node);
            return found == said_.end() || !ready(found->second);
        });
    }
    return awaited;
}

void KeyRotation::advance() {
    if (stage_ == Stage::kOffered && awaited().empty()) {
        stage_ = Stage::kSwitched;
        before_ = std::exchange(sends_, next_);
        due_ = true;
        return;
    }
    const bool over = stage_ == Stage::kSwitched && awaited().empty();
    const bool taken_back = stage_ == Stage::kOffered && wanted_ && !due_ && on_their_way_ == 0;
    if (over || taken_back) {
        stage_ = Stage::kSteady;
        if (wanted_) {
            want(*wanted_);
        }
    }
}

std::uint64_t KeyRotation::state_hash() const {
    StateHash hash;
    hash.add(static_cast<std::uint64_t>(stage_)).add(static_cast<std::uint64_t>(sends_));
    hash.add(static_cast<std::uint64_t>(next_)).add(static_cast<std::uint64_t>(before_));
    hash.add(static_cast<std::uint64_t>(wanted_.value_or(KeyName{}))).add(std::uint64_t{due_});
    hash.add(members_).add(std::uint64_t{on_their_way_});
    for (const auto& [node, said] : said_) {
        hash.add(node).add(static_cast<std::uint64_t>(said.sends));
        hash.add(static_cast<std::uint64_t>(said.next.value_or(KeyName{})));
    }
    return hash.value();
}

}  // namespace totem::group
