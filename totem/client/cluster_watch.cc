#include "totem/client/cluster_watch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace totem::client {

namespace {

constexpr std::array<std::string_view, 3> kTracked{"nodelist.", "quorum.", "totem."};
constexpr std::uint64_t kValueBytesMax = 512;
constexpr std::uint8_t kStringType = 11;

std::string node_key(std::uint32_t position, std::string_view field) {
    return "nodelist.node." + std::to_string(position) + "." + std::string(field);
}

std::string_view text_of(ByteView bytes) {
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()),  // NOLINT
                                bytes.size()};
    return text.substr(0, text.find('\0'));
}

// Integers of any width, little-endian as the machine.
std::uint64_t number_of(ByteView bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < std::min(bytes.size(), sizeof number); ++i) {
        number |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return number;
}

// The first node of "2 3" that is configured; kNoNode: none of them.
NodeId first_listed(std::string_view list, const std::vector<ConfiguredNode>& nodes) {
    while (!list.empty()) {
        std::uint32_t id = 0;
        const auto end = std::from_chars(list.data(), list.data() + list.size(), id);
        if (end.ec == std::errc{} &&
            std::ranges::any_of(nodes, [&](const auto& node) { return raw(node.node) == id; })) {
            return NodeId{id};
        }
        const std::size_t space = list.find_first_of(" ,");
        list.remove_prefix(space == std::string_view::npos ? list.size() : space + 1);
    }
    return kNoNode;
}

}  // namespace

ClusterWatch::ClusterWatch(ClusterWatchOptions options) : options_(options) {
    cmap_.door = Door::kCmap;
    votes_.door = Door::kVotequorum;
}

void ClusterWatch::step(Instant now, const Input& input, ClusterEffects& out) {
    std::visit([&](const auto& value) { on(value, now, out); }, input);
    pump(now, out);
    const bool waits = cmap_.awaits != Awaits::kNothing;
    const bool asks = votes_.awaits != Awaits::kNothing;
    for (const std::optional<Instant>& each :
         {cmap_.not_before, votes_.not_before, waits ? std::nullopt : read_at_,
          asks ? std::nullopt : ask_votes_at_}) {
        if (each && (!out.wake_at || *each < *out.wake_at)) {
            out.wake_at = each;
        }
    }
}

ClusterWatch::Link* ClusterWatch::link(Door door) {
    return door == Door::kCmap ? &cmap_ : door == Door::kVotequorum ? &votes_ : nullptr;
}

// ---- connections --------------------------------------------------------------------------------

void ClusterWatch::on(const Open& /*input*/, Instant /*now*/, ClusterEffects& /*out*/) {
    for (Link* each : {&cmap_, &votes_}) {
        each->stage = each->stage == Stage::kClosed ? Stage::kConnect : each->stage;
    }
}

void ClusterWatch::on(const Connected& input, Instant /*now*/, ClusterEffects& /*out*/) {
    Link* which = link(input.door);
    if (which != nullptr && which->awaits == Awaits::kConnection) {
        which->awaits = Awaits::kNothing;
        which->stage = Stage::kTrack;
        if (which == &cmap_) {
            tracked_ = 0;
        }
    }
}

void ClusterWatch::on(const ConnectFailed& input, Instant now, ClusterEffects& /*out*/) {
    Link* which = link(input.door);
    if (which != nullptr && which->awaits == Awaits::kConnection) {
        const bool soon = input.error == Error::kTryAgain;
        which->awaits = Awaits::kNothing;
        which->not_before = now + (soon ? options_.try_again : options_.reconnect);
    }
}

void ClusterWatch::on(const Disconnected& input, Instant now, ClusterEffects& /*out*/) {
    if (Link* which = link(input.door); which != nullptr) {
        lose(*which, now);
    }
}

void ClusterWatch::lose(Link& link, Instant now) {
    if (link.stage == Stage::kClosed) {
        return;
    }
    link.stage = Stage::kConnect;
    link.awaits = Awaits::kNothing;
    link.not_before = now + options_.reconnect;
    if (link.door == Door::kCmap) {
        read_at_.reset();
        reading_ = false;
    } else {
        ask_votes_at_.reset();
    }
}

void ClusterWatch::fail(Link& link, Trouble trouble, Instant now, ClusterEffects& out) {
    out.troubles.push_back(trouble);
    out.actions.emplace_back(Disconnect{link.door});
    lose(link, now);
}

// ---- requests -----------------------------------------------------------------------------------

void ClusterWatch::on(const NotTaken& input, Instant now, ClusterEffects& /*out*/) {
    Link* which = link(input.door);
    if (which != nullptr && which->awaits == Awaits::kReply) {
        which->awaits = Awaits::kNothing;
        which->not_before = now + options_.try_again;
        if (which == &votes_ && which->stage == Stage::kFollow) {
            ask_votes_at_ = now;
        }
    }
}

void ClusterWatch::request(Link& link, Bytes bytes, ClusterEffects& out) {
    link.request = std::move(bytes);
    link.awaits = Awaits::kReply;
    out.actions.emplace_back(Request{link.door, link.request});
}

void ClusterWatch::connect(Link& link, ClusterEffects& out) {
    link.awaits = Awaits::kConnection;
    out.actions.emplace_back(Connect{link.door});
}

void ClusterWatch::pump(Instant now, ClusterEffects& out) {
    for (Link* each : {&cmap_, &votes_}) {
        if (each->awaits != Awaits::kNothing || (each->not_before && now < *each->not_before)) {
            continue;
        }
        each->not_before.reset();
        if (each->stage == Stage::kConnect) {
            connect(*each, out);
        } else if (each->stage == Stage::kTrack && each == &cmap_) {
            constexpr std::uint32_t kAll = kTrackDelete | kTrackModify | kTrackAdd | kTrackPrefix;
            request(cmap_, cmap_track_add({kTracked.at(tracked_), kAll, tracked_}), out);
        } else if (each->stage == Stage::kTrack) {
            request(votes_, votequorum_track_start(kTrackChanges), out);
        } else if (each == &votes_ && ask_votes_at_ && now >= *ask_votes_at_) {
            ask_votes_at_ = now + options_.ask_votes;
            request(votes_, votequorum_get_info(kNoNode), out);
        } else if (each == &cmap_ && read_at_ && now >= *read_at_) {
            begin_reading();
            request(cmap_, cmap_get(keys_.front(), kValueBytesMax), out);
        } else if (each == &cmap_ && reading_) {
            request(cmap_, cmap_get(keys_.front(), kValueBytesMax), out);
        }
    }
}

// ---- what comes ---------------------------------------------------------------------------------

void ClusterWatch::on(const Event& input, Instant now, ClusterEffects& /*out*/) {
    if (input.door == Door::kVotequorum && votes_.stage == Stage::kFollow) {
        ask_votes_at_ = now;  // what it says of one ring may be old when it is read
    } else if (input.door == Door::kCmap && cmap_.stage != Stage::kConnect) {
        changed_meanwhile_ = reading_;
        read_at_ = reading_ ? read_at_ : now + options_.settle;
    }
}

void ClusterWatch::on(const Reply& input, Instant now, ClusterEffects& out) {
    Link* which = link(input.door);
    if (which == nullptr || which->awaits != Awaits::kReply) {
        return;
    }
    which->awaits = Awaits::kNothing;
    const auto header = decode_header(input.bytes);
    if (!header) {
        fail(*which, {input.door, Error::kLibrary, header.error()}, now, out);
        return;
    }
    if (header->error == Error::kTryAgain || header->error == Error::kBusy) {
        which->not_before = now + options_.try_again;
        if (which == &votes_ && which->stage == Stage::kFollow) {
            ask_votes_at_ = now;
        }
        return;
    }
    const bool missing_key = which == &cmap_ && reading_ && header->error == Error::kNotExist;
    if (header->error != Error::kOk && !missing_key) {
        fail(*which, {input.door, header->error, "request refused"}, now, out);
    } else if (which->stage == Stage::kTrack) {
        on_tracked(*which, now);
    } else if (which == &cmap_) {
        on_key(*header, input, now, out);
    } else {
        on_votes(input, now, out);
    }
}

void ClusterWatch::on_tracked(Link& which, Instant now) {
    const bool votes = &which == &votes_;
    if (votes || ++tracked_ == kTracked.size()) {
        which.stage = Stage::kFollow;
        (votes ? ask_votes_at_ : read_at_) = now;
    }
}

void ClusterWatch::on_votes(const Reply& input, Instant now, ClusterEffects& out) {
    auto info = decode_vote_info(input.bytes);
    if (!info) {
        fail(votes_, {Door::kVotequorum, Error::kLibrary, info.error()}, now, out);
        return;
    }
    votes_info_ = std::move(*info);
    tell(out);
}

void ClusterWatch::on_key(const Header& header, const Reply& input, Instant now,
                          ClusterEffects& out) {
    Value value;
    const bool there = header.error == Error::kOk;
    if (there) {
        const auto decoded = decode_cmap_get(input.bytes);
        if (!decoded) {
            fail(cmap_, {Door::kCmap, Error::kLibrary, decoded.error()}, now, out);
            return;
        }
        if (decoded->type == kStringType) {
            value.text = text_of(decoded->bytes);
        } else {
            value.number = number_of(decoded->bytes);
        }
    }
    keep(std::move(value), there, now);
    if (!reading_ && !read_at_) {
        read_ = build();
        tell(out);
    }
}

void ClusterWatch::begin_reading() {
    read_at_.reset();
    reading_ = true;
    changed_meanwhile_ = false;
    position_ = 0;
    values_.clear();
    keys_ = {"totem.cluster_name", "totem.config_version", "quorum.auto_tie_breaker",
             "quorum.auto_tie_breaker_node", node_key(0, "nodeid")};
}

void ClusterWatch::keep(Value value, bool there, Instant now) {
    const std::string key = keys_.front();
    keys_.erase(keys_.begin());
    if (there) {
        values_[key] = std::move(value);
        if (key == node_key(position_, "nodeid")) {
            keys_.push_back(node_key(position_, "quorum_votes"));
            keys_.push_back(node_key(position_, "name"));
            keys_.push_back(node_key(position_, "ring0_addr"));
            keys_.push_back(node_key(++position_, "nodeid"));
        }
    }
    if (keys_.empty()) {
        reading_ = false;
        if (std::exchange(changed_meanwhile_, false)) {
            read_at_ = now + options_.settle;
        }
    }
}

const ClusterWatch::Value* ClusterWatch::value(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
}

Cluster ClusterWatch::build() const {
    const auto text = [this](const std::string& key) {
        const Value* found = value(key);
        return found != nullptr ? found->text : std::string();
    };
    const auto number = [this](const std::string& key, std::uint64_t otherwise) {
        const Value* found = value(key);
        return found != nullptr ? found->number : otherwise;
    };
    Cluster cluster;
    cluster.name = text("totem.cluster_name");
    cluster.config_version = number("totem.config_version", 0);
    for (std::uint32_t i = 0; i < position_; ++i) {
        ConfiguredNode node;
        node.node = NodeId{static_cast<std::uint32_t>(number(node_key(i, "nodeid"), 0))};
        node.votes = static_cast<std::uint32_t>(number(node_key(i, "quorum_votes"), 1));
        node.address = text(node_key(i, "ring0_addr"));
        node.name = text(node_key(i, "name"));
        node.name = node.name.empty() ? node.address : node.name;
        cluster.nodes.push_back(std::move(node));
    }
    std::ranges::sort(cluster.nodes, {}, &ConfiguredNode::node);
    if (cluster.nodes.empty()) {
        return cluster;
    }
    cluster.tie_break = cluster.nodes.front().node;
    if (number("quorum.auto_tie_breaker", 0) != 0) {
        const std::string which = text("quorum.auto_tie_breaker_node");
        const NodeId listed = first_listed(which, cluster.nodes);
        cluster.tie_break = which == "highest"  ? cluster.nodes.back().node
                            : listed != kNoNode ? listed
                                                : cluster.tie_break;
    }
    return cluster;
}

// A device's votes are nobody's here: they are in force, but no node has them.
void ClusterWatch::tell(ClusterEffects& out) {
    if (!read_ || !votes_info_) {
        return;
    }
    Cluster cluster = *read_;
    std::uint32_t total = 0;
    for (const ConfiguredNode& node : cluster.nodes) {
        total += node.votes;
    }
    cluster.self = votes_info_->node;
    cluster.expected_votes = std::min(votes_info_->highest_expected, total);
    if (told_ != cluster) {
        told_ = cluster;
        out.cluster = std::move(cluster);
    }
}

}  // namespace totem::client
