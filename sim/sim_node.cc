#include "sim/sim_node.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "sim/random.h"
#include "totem/core/codec.h"

namespace sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What a socket holds before it drops (net.core.rmem_default), with the kernel's cost per packet.
constexpr std::size_t kSocketBytes = 212992;
constexpr std::size_t kPacketCost = 768;

constexpr std::size_t kWakeInput = 7;

constexpr totem::TraceMask kTraces = totem::trace_bit(totem::TraceKind::kState) |
                                     totem::trace_bit(totem::TraceKind::kReleased) |
                                     totem::trace_bit(totem::TraceKind::kOriginated) |
                                     totem::trace_bit(totem::TraceKind::kTokenReceived);

}  // namespace

SimNode::SimNode(const Surroundings& world, std::uint32_t index)
    : world_(world),
      index_(index),
      clock_(world.options.clock_ppm.at(index)),
      service_(world.options.service) {
    disk_latency_ = milliseconds{1};
    if (world_.options.layer == Layer::kStack) {
        make_clients();
    }
}

SimNode::~SimNode() = default;

std::uint64_t SimNode::ring_seq_to_start_with(Instant now) const {
    if (!disk_.missing()) {
        return memo_.of_last_life(disk_.stored()).value_or(disk_.stored());
    }
    if (life_ <= 1) {
        return 0;
    }
    // No file, but earlier lives: the wall clock names a number that none of them can have reached.
    constexpr std::uint64_t kWallClock = 1ULL << 40U;
    return kWallClock + static_cast<std::uint64_t>(now.time_since_epoch() / microseconds{1});
}

void SimNode::make_machine() {
    totem::RingConfig config = world_.options.ring;
    config.self = id_of(index_);
    config.seed = draw(world_.options.seed, Purpose::kBoot, index_, life_);
    if (world_.options.sealed) {
        config.frame_data_max -= SealedPort::overhead();
        port_ =
            std::make_unique<SealedPort>(world_.options, SealedPort::Process{index_, life_}, pool_);
    }
    if (world_.options.layer == Layer::kRing) {
        auto ring = make_ring_machine(config, pool_, kTraces);
        ring_machine_ = ring.get();
        machine_ = std::move(ring);
        return;
    }
    auto stack = std::make_unique<StackMachine>(config, world_.options, pool_, kTraces);
    stack_machine_ = stack.get();
    machine_ = std::move(stack);
}

void SimNode::boot(Instant now) {
    if (alive()) {
        return;
    }
    now_ = now;
    if (pool_.live() != 0) {
        world_.recorder.report({"frames", "R13",
                                "frames that nobody refers to: " + std::to_string(pool_.live()),
                                where()});
    }
    ++life_;
    make_machine();
    configuration_.reset();
    const std::uint64_t stored = ring_seq_to_start_with(now);
    world_.recorder.publish(Started{where(), stored, DiskFate::kKept});
    busy_until_ = now;
    start_clients(now);
    step(now, totem::Input{totem::Start{stored}});
}

void SimNode::stop(Instant now) {
    now_ = now;
    machine_.reset();
    port_.reset();
    ring_machine_ = nullptr;
    stack_machine_ = nullptr;
    snapshot_.reset();
    originated_ = {};
    idle_ = {};
    quorum_view_.reset();
    inbox_.clear();
    inbox_bytes_ = 0;
    effects_.clear();
    deadline_.reset();
    armed_.reset();
    run_scheduled_ = false;
    cancel_crash();
    dying_ = false;
    write_free_at_ = now;
    writing_.clear();
    world_.recorder.publish(Failed{where()});
    disconnect_clients(now);
}

// A write that was under way is done or not; nobody heard of it.
void SimNode::fall(Instant now, DiskFate fate, const SimNode& other) {
    const std::uint64_t h = draw(world_.options.seed, Purpose::kDisk, index_, life_);
    if (!writing_.empty() && chance(mix(h), 500)) {
        disk_.write(writing_.front());
    }
    stop(now);
    disk_.crash(fate, other.disk_, h);
    if (fate != DiskFate::kKept && fate != DiskFate::kRestored) {
        memo_ = {};
        if (files_ != nullptr) {
            crash_client(now, kCfsd, fate, other);
        }
    }
}

void SimNode::crash(Instant now, DiskFate fate, const SimNode& other) {
    if (alive()) {
        fall(now, fate, other);
    }
}

void SimNode::crash_during(std::uint32_t effects, DiskFate fate) {
    if (alive()) {
        effects_left_ = effects;
        dying_fate_ = fate;
    }
}

void SimNode::leave(Instant now) {
    if (alive() && !paused()) {
        step(now, totem::Input{totem::Leave{}});
        if (alive()) {
            // What was asked for is still written.
            std::ranges::for_each(writing_, [this](std::uint64_t seq) { disk_.write(seq); });
            stop(now);
        }
    }
}

void SimNode::pause(Instant now) {
    now_ = now;
    ++pauses_;
}

void SimNode::resume(Instant now) {
    pauses_ -= pauses_ > 0 ? 1 : 0;
    if (alive() && !paused()) {
        schedule_run(std::max(now, busy_until_));
        for (const auto& client : clients_) {
            client->resume(now);
        }
    }
}

void SimNode::heal(Instant now) {
    pauses_ = 0;
    service_ = world_.options.service;
    disk_latency_ = milliseconds{1};
    cancel_crash();
    write_free_at_ = now;
    for (const std::uint64_t ring_seq : writing_) {
        plan_persisted(now + milliseconds{1}, ring_seq);
    }
    busy_until_ = std::min(busy_until_, now + service_);
    heal_files(now);
    for (std::uint32_t index = 0; index < clients_.size(); ++index) {
        if (starts_itself(index)) {
            clients_[index]->start(now);
        }
        clients_[index]->resume(now);
    }
    if (alive()) {
        schedule_run(std::max(now, busy_until_));
    }
}

void SimNode::jump_clock(Instant now, Duration ahead) {
    clock_.jump(now, ahead);
    armed_.reset();
    arm();
}

void SimNode::force_gather(Instant now) {
    if (alive() && !paused()) {
        step(now, totem::Input{totem::ForceGather{}});
    }
}

void SimNode::schedule_run(Instant at) {
    if (!run_scheduled_) {
        run_scheduled_ = true;
        world_.queue.push({.at = at,
                           .kind = EventKind::kRun,
                           .node = static_cast<std::uint8_t>(index_),
                           .life = life_});
    }
}

void SimNode::arrive(Instant now, Packet packet) {
    const std::size_t cost = packet.frame.size() + kPacketCost;
    if (!alive() || inbox_bytes_ + cost > kSocketBytes) {
        return;
    }
    inbox_bytes_ += cost;
    inbox_.push_back(std::move(packet));
    if (!paused() && !run_scheduled_) {
        if (now >= busy_until_) {
            run_one(now);
        } else {
            schedule_run(busy_until_);
        }
    }
}

void SimNode::on_run(Instant now, std::uint32_t life) {
    if (life != life_ || !alive()) {
        return;
    }
    run_scheduled_ = false;
    if (!paused()) {
        run_one(now);
    }
}

void SimNode::on_wake(Instant now, std::uint32_t life) {
    if (life != life_ || !alive() || armed_ != now) {
        return;
    }
    armed_.reset();
    if (!deadline_passed(now)) {
        arm();
    } else if (!paused()) {
        if (now >= busy_until_) {
            run_one(now);
        } else {
            schedule_run(busy_until_);
        }
    }
}

bool SimNode::deadline_passed(Instant now) const {
    return deadline_.has_value() && *deadline_ <= clock_.local(now);
}

Packet SimNode::next_packet() {
    auto next = inbox_.begin();
    if (world_.options.data_before_token && next->token) {
        const auto other = std::ranges::find(inbox_, false, &Packet::token);
        next = other == inbox_.end() ? next : other;
    }
    Packet packet = std::move(*next);
    inbox_.erase(next);
    inbox_bytes_ -= packet.frame.size() + kPacketCost;
    return packet;
}

void SimNode::run_one(Instant now) {
    const bool wake_first = !world_.options.input_before_wake && deadline_passed(now);
    if (!inbox_.empty() && !wake_first) {
        receive(now, next_packet());
    } else if (deadline_passed(now)) {
        world_.recorder.input(state(), kWakeInput);
        step(now, totem::Input{totem::Wake{}});
    } else {
        return;
    }
    busy_until_ = now + service_;
    if (alive() && (!inbox_.empty() || deadline_passed(busy_until_))) {
        schedule_run(busy_until_);
    }
}

void SimNode::on_persisted(Instant now, std::uint32_t life, std::uint64_t ring_seq) {
    const auto written = std::ranges::find(writing_, ring_seq);
    if (life != life_ || !alive() || written == writing_.end()) {
        return;
    }
    now_ = now;
    if (paused()) {
        // The answer waits for the process like everything else.
        plan_persisted(now + milliseconds{10}, ring_seq);
        return;
    }
    writing_.erase(written);
    disk_.write(ring_seq);
    memo_.durable = ring_seq;
    world_.recorder.publish(Durable{where(), ring_seq});
    step(now, totem::Input{totem::Persisted{ring_seq}});
}

void SimNode::submit(Instant now, std::uint32_t count) {
    for (const auto& client : clients_) {
        client->submit(now, count, daemon_state());
    }
    if (!alive() || paused() || ring_machine_ == nullptr) {
        return;
    }
    const Load& load = world_.options.load;
    bool news = false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t number = ++messages_;
        const std::uint64_t h = draw(world_.options.seed, Purpose::kLoad, index_, number);
        std::array<std::byte, 1400> payload{};
        const std::uint64_t id = mix(h);
        std::memcpy(payload.data(), &id, sizeof(id));
        std::memcpy(payload.data() + sizeof(id), &number, sizeof(number));
        const std::uint32_t size = 16 + (load.bytes_max >> below(h, 8));
        const bool safe = chance(mix(h + 1), load.safe_per_mille);
        news = ring_machine_->submit(std::span(payload).first(size),
                                     safe ? totem::Guarantee::kSafe : totem::Guarantee::kAgreed) ||
               news;
    }
    if (news) {
        step(now, totem::Input{totem::Submitted{}});
    }
}

}  // namespace sim
