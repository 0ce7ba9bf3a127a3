// Frames in and out of a simulated node, and what of them the checkers hear.
#include <utility>

#include "sim/frame_rules.h"
#include "sim/random.h"
#include "sim/sim_node.h"
#include "totem/core/codec.h"
#include "totem/core/receive_window.h"
#include "totem/core/stats.h"

namespace sim {

namespace {

constexpr std::size_t kDamagedInput = 6;

}  // namespace

totem::FrameRef SimNode::open(Instant now, const Packet& packet) {
    totem::FrameRef frame = pool_.copy(packet.frame.bytes());
    if (port_ == nullptr || packet.from == index_) {
        return frame;
    }
    SealedPort::Opened opened = port_->open(clock_.local(now), std::move(frame));
    world_.recorder.publish(FrameOpened{where(), packet.ignorable, opened.accepted, opened.name});
    if (!opened.reply.empty()) {
        // The handshake of two seals; the network treats it like the ring's smallest frame.
        world_.wire.transmit(now, index_, totem::FrameType::kHoldCancel,
                             {.to = opened.sender, .body = std::move(opened.reply)});
    }
    return std::move(opened.frame);
}

void SimNode::put_on_wire(totem::FrameType kind, const totem::Datagram& datagram) {
    if (datagram.to == id_of(index_)) {
        world_.wire.loop_back(now_, index_, datagram);
    } else if (port_ != nullptr) {
        const auto head = totem::Bytes(datagram.head).first(datagram.head_size);
        world_.wire.transmit(
            now_, index_, kind,
            {.to = datagram.to, .body = port_->seal(datagram.to, head, datagram.body.bytes())});
    } else {
        world_.wire.transmit(now_, index_, kind, datagram);
    }
}

void SimNode::publish_recovered(const totem::DataHeader& outer, totem::Bytes frame) {
    if (!outer.encapsulated) {
        return;
    }
    if (const auto inner = totem::decode_data_header(frame.subspan(totem::kDataHeaderBytes))) {
        world_.recorder.publish(Held{where(), inner->ring, inner->seq});
    }
}

void SimNode::publish_held(totem::Bytes frame) {
    const totem::Node& node = machine_->node();
    const auto header = totem::decode_data_header(frame);
    // In GATHER a node still takes what belongs to the ring that it has left.
    const bool old_ring = node.state() == totem::State::kGather && configuration_ && header &&
                          header->ring == configuration_->ring;
    if (header && (header->ring == node.ring() || old_ring)) {
        world_.recorder.publish(Held{where(), header->ring, header->seq});
        publish_recovered(*header, frame);
    }
}

// A node that runs late notices its pause with whatever its ring is told first, and that it is over
// likewise. An empty datagram lets it do that, so that nothing of it is blamed on the frame behind.
bool SimNode::settle_pause(Instant now) {
    if (late_until_ || deadline_passed(now)) {
        step(now, totem::Input{totem::Received{totem::LinkId{0}, pool_.allocate(0)}});
        const bool over = late_until_ && *late_until_ <= clock_.local(now);
        late_until_ = over ? std::nullopt : late_until_;
    }
    return alive();
}

// The frames that make up nearly all traffic, which a node cannot refuse without losing order: not
// worth a hash of everything.
bool SimNode::ordinary(const FrameRule& rule, totem::Bytes frame) const {
    const auto type = totem::peek_type(frame);
    if (type && *type == totem::FrameType::kMergeDetect) {
        return rule.reach != Reach::kNothing;
    }
    if (rule.reach != Reach::kAnything || !type) {
        return false;
    }
    if (*type == totem::FrameType::kData) {
        const auto header = totem::decode_data_header(frame);
        std::uint32_t from = 0;
        return header && configuration_ && header->ring == configuration_->ring &&
               header->seq - snapshot_->released < totem::ReceiveWindow::kCapacity &&
               index_of(header->system_from, world_.options.nodes, from) &&
               (configuration_->members & mask_of(from)) != 0;
    }
    return *type == totem::FrameType::kOrfToken || *type == totem::FrameType::kHoldCancel;
}

void SimNode::publish_input(std::optional<totem::FrameType> type, totem::Bytes frame) {
    const totem::Node& node = machine_->node();
    world_.recorder.input(node.state(), type ? static_cast<std::size_t>(*type) : kDamagedInput);
    if (type == totem::FrameType::kData) {
        publish_held(frame);
    }
    if (type == totem::FrameType::kHoldCancel) {
        world_.recorder.publish(TokenWanted{where(), node.ring()});
    }
}

void SimNode::receive(Instant now, const Packet& packet) {
    now_ = now;
    totem::FrameRef frame = open(now, packet);
    if ((port_ != nullptr && frame.empty()) || !settle_pause(now)) {
        return;
    }
    const auto bytes = frame.bytes();
    const totem::Node& node = machine_->node();
    // Nothing when what comes is not to be taken for a frame.
    std::optional<totem::FrameType> type;
    if (const auto seen = totem::peek_type(bytes); seen && !packet.ignorable) {
        type = *seen;
    }
    publish_input(type, bytes);
    FrameRule rule{Reach::kNothing, "M15", "damaged frame"};
    if (!packet.ignorable) {
        const Receiver self{id_of(index_), &*snapshot_,
                            configuration_ ? configuration_->members : mask_of(index_),
                            originated_ == node.ring()};
        rule = rule_for(self, bytes);
    }
    const bool frequent = ordinary(rule, bytes);
    const std::uint64_t whole = frequent ? 0 : machine_->state_hash();
    const std::uint64_t part = protected_hash(rule.reach, *snapshot_);
    const std::uint64_t moves = moves_;
    const totem::State state = node.state();
    const std::uint64_t refused = node.stats().rx_msg_dropped;
    step(now, totem::Input{totem::Received{totem::LinkId{0}, std::move(frame)}});
    if (!alive()) {
        return;
    }
    const bool must_ignore = rule.reach == Reach::kNothing;
    const bool turned_away = node.stats().rx_msg_dropped != refused;
    if (type) {
        const bool taken = rule.reach == Reach::kAnything && !turned_away;
        const Fate stayed = taken ? Fate::kTaken : Fate::kIgnored;
        world_.recorder.fate(state, static_cast<std::size_t>(*type),
                             moves_ != moves ? Fate::kMoved : stayed);
    }
    if (must_ignore || (!frequent && turned_away)) {
        world_.recorder.publish(Ignorable{where(), must_ignore ? rule.property : "M15",
                                          must_ignore ? rule.why : "refused frame", whole,
                                          machine_->state_hash()});
    } else if (rule.reach != Reach::kAnything) {
        world_.recorder.publish(Ignorable{where(), rule.property, rule.why, part,
                                          protected_hash(rule.reach, *snapshot_)});
    }
}

void SimNode::publish_data(const totem::Datagram& datagram) {
    const auto bytes = datagram.head_size > 0
                           ? totem::Bytes(datagram.head).first(datagram.head_size)
                           : datagram.body.bytes();
    const auto header = totem::decode_data_header(bytes);
    if (!header) {
        return;
    }
    world_.recorder.publish(Spoke{where(), static_cast<std::uint8_t>(totem::FrameType::kData),
                                  header->ring, header->seq});
    const auto* known = world_.recorder.ledger().find(header->ring, header->seq);
    if (header->system_from != id_of(index_) || (known != nullptr && known->bytes_known)) {
        return;
    }
    Originated event{
        where(), header->ring, header->seq, header->guarantee, header->encapsulated, true, 0, 0};
    const auto payload =
        datagram.head_size > 0 ? datagram.body.bytes() : bytes.subspan(totem::kDataHeaderBytes);
    event.hash = hash_bytes(payload);
    event.size = static_cast<std::uint32_t>(payload.size());
    world_.recorder.publish(event);
}

void SimNode::send(const totem::Datagram& datagram) {
    if (!effect_happens()) {
        return;
    }
    const auto start = datagram.head_size > 0 ? totem::Bytes(datagram.head) : datagram.body.bytes();
    const auto type = totem::peek_type(start);
    if (!type) {
        world_.recorder.report({"frames", "X1", "a frame without a valid header left", where()});
        return;
    }
    if (*type == totem::FrameType::kData) {
        publish_data(datagram);
    } else if (*type == totem::FrameType::kOrfToken) {
        if (const auto token = totem::decode_orf_token(start)) {
            originated_ = token->ring;
            world_.recorder.publish(
                TokenSent{where(), &*token, machine_->node().snapshot().backlog});
            world_.recorder.publish(
                Spoke{where(), static_cast<std::uint8_t>(*type), token->ring, token->seq});
        }
    } else if (*type == totem::FrameType::kCommitToken) {
        if (const auto token = totem::decode_commit_token(start)) {
            world_.recorder.publish(
                Spoke{where(), static_cast<std::uint8_t>(*type), token->ring, {}});
        }
    } else if (*type == totem::FrameType::kJoin) {
        if (const auto join = totem::decode_join(start)) {
            world_.recorder.publish(Spoke{where(),
                                          static_cast<std::uint8_t>(*type),
                                          RingId{id_of(index_), join->ring_seq},
                                          {}});
        }
    } else if (*type == totem::FrameType::kHoldCancel) {
        if (const auto message = totem::decode_hold_cancel(start)) {
            world_.recorder.publish(
                Spoke{where(), static_cast<std::uint8_t>(*type), message->ring, {}});
        }
    }
    put_on_wire(*type, datagram);
}

}  // namespace sim
