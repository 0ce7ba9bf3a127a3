#include "sim/group_program.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "sim/random.h"

namespace sim {

namespace {

namespace client = totem::client;
using std::chrono::milliseconds;

constexpr std::size_t kNumberBytes = 16;

// The sender's own number of a message and a check of its content, at the front of its bytes.
struct Stamp {
    std::uint64_t number = 0;
    std::uint64_t hash = 0;
};

std::uint64_t content_hash(client::ByteView bytes) {
    std::uint64_t h = bytes.size();
    for (std::size_t i = kNumberBytes; i < bytes.size(); i += 64) {
        h = combine(h, std::to_integer<std::uint64_t>(bytes[i]));
    }
    return h;
}

Stamp read_stamp(client::ByteView bytes) {
    Stamp stamp;
    if (bytes.size() >= kNumberBytes) {
        std::memcpy(&stamp.number, bytes.data(), sizeof(stamp.number));
        std::memcpy(&stamp.hash, bytes.data() + sizeof(stamp.number), sizeof(stamp.hash));
    }
    return stamp;
}

std::uint64_t hash_members(const std::vector<client::Process>& members) {
    std::uint64_t h = members.size();
    for (const client::Process& member : members) {
        h = combine(combine(h, totem::raw(member.node)), member.pid);
    }
    return h;
}

std::uint64_t hash_changes(const std::vector<client::Change>& changes) {
    std::uint64_t h = changes.size();
    for (const client::Change& change : changes) {
        h = combine(combine(h, totem::raw(change.process.node)), change.process.pid);
        h = combine(h, static_cast<std::uint64_t>(change.reason));
    }
    return h;
}

std::vector<GroupMember> members_of(const std::vector<client::Process>& members) {
    std::vector<GroupMember> out;
    out.reserve(members.size());
    for (const client::Process& member : members) {
        out.push_back({member.node, member.pid});
    }
    return out;
}

}  // namespace

void GroupProgram::start(const GroupWhere& at) {
    client::GroupClientOptions options;
    options.group = group_;
    options.pid = at.pid;
    options.reconnect = milliseconds{50};
    client_ = std::make_unique<client::GroupClient>(options);
    numbers_ = 0;
    open_sends_ = 0;
    recorder_->publish(GroupStarted{at});
}

void GroupProgram::crash(const GroupWhere& at) {
    client_.reset();
    effects_.clear();
    recorder_->publish(GroupFailed{at});
}

void GroupProgram::step(const GroupWhere& at, const client::Input& input, Doors& doors) {
    effects_.clear();
    client_->step(at.where.at, input, effects_);
    for (const client::News& news : effects_.news) {
        hear(at, news);
    }
    for (const client::Action& action : effects_.actions) {
        doors.act(at.where.at, action);
    }
}

void GroupProgram::hear(const GroupWhere& at, const client::News& news) {
    if (const auto* message = std::get_if<client::Message>(&news)) {
        const Stamp stamp = read_stamp(message->bytes);
        const bool intact =
            message->bytes.size() >= kNumberBytes && stamp.hash == content_hash(message->bytes);
        open_sends_ -= message->own_tag ? 1 : 0;
        recorder_->publish(GroupHeard{at,
                                      {message->sender.node, message->sender.pid},
                                      stamp.number,
                                      intact,
                                      message->own_tag.has_value()});
    } else if (const auto* view = std::get_if<client::Membership>(&news)) {
        const std::uint64_t hash =
            combine(combine(hash_members(view->members), hash_changes(view->joined)),
                    hash_changes(view->left));
        recorder_->publish(GroupView{at, members_of(view->members), hash});
    } else if (const auto* ring = std::get_if<client::RingChanged>(&news)) {
        recorder_->publish(GroupRing{at, ring->ring, mask_of_ids(ring->members)});
    } else if (std::get_if<client::SendRefused>(&news) != nullptr ||
               std::get_if<client::Unresolved>(&news) != nullptr) {
        --open_sends_;
    } else if (std::get_if<client::Expelled>(&news) != nullptr) {
        recorder_->publish(GroupExpelled{at});
    } else if (const auto* trouble = std::get_if<client::Trouble>(&news)) {
        recorder_->publish(GroupTrouble{at, std::string(trouble->text)});
    }
}

std::optional<client::Send> GroupProgram::compose(const GroupWhere& at) {
    if (!client_->joined()) {
        return std::nullopt;
    }
    const Load& load = options_->load;
    const std::uint64_t number = ++numbers_;
    const std::uint64_t key = (std::uint64_t{at.pid} << 32U) | at.where.node;
    const std::uint64_t h = draw(options_->seed, Purpose::kLoad, key, number);
    std::uint32_t size = kNumberBytes + (load.bytes_max >> below(h, 8));
    if (chance(mix(h + 2), load.large_per_mille)) {
        size = 2000U << below(mix(h + 3), 4);  // needs several frames
    }
    composed_.assign(size, static_cast<std::byte>(h & 0xFFU));
    std::memcpy(composed_.data(), &number, sizeof(number));
    const std::uint64_t hash = content_hash(composed_);
    std::memcpy(composed_.data() + sizeof(number), &hash, sizeof(hash));
    const bool safe = chance(mix(h + 1), load.safe_per_mille);
    ++open_sends_;
    recorder_->publish(GroupSaid{at, number});
    return client::Send{number, composed_,
                        safe ? totem::Guarantee::kSafe : totem::Guarantee::kAgreed};
}

}  // namespace sim
