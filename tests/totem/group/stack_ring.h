// A few whole stacks in memory: virtual time, a network with one short delay, perform() as in a
// daemon. For tests of Stack itself; faults beyond cuts and crashes are the simulator's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/totem/group/layer_bus.h"
#include "totem/group/perform.h"
#include "totem/group/stack.h"

namespace group_test {

using totem::Duration;
using totem::Input;
using totem::group::Stack;
using totem::group::StackInput;

class StackRing {
  public:
    struct Member {
        explicit Member(const RingConfig& config) : id(config.self), stack(config, pool) {}

        NodeId id;
        FramePool pool;
        Stack stack;
        StackEffects effects;
        std::optional<Instant> wake_at;
        std::vector<Notice> notices;
        std::vector<totem::group::ClientMessage> clients;
        std::vector<totem::group::HostRequest> requests;
        int side = 0;  // members hear those of their own side
        bool alive = false;
    };

    explicit StackRing(std::uint32_t nodes) {
        for (std::uint32_t i = 1; i <= nodes; ++i) {
            members_.push_back(std::make_unique<Member>(ring_config(i)));
        }
    }
    ~StackRing() {
        for (auto& each : members_) {
            each->effects.clear();
        }
    }
    StackRing(const StackRing&) = delete;
    StackRing& operator=(const StackRing&) = delete;
    StackRing(StackRing&&) = delete;
    StackRing& operator=(StackRing&&) = delete;

    Member& member(std::uint32_t number) { return *members_.at(number - 1); }
    [[nodiscard]] Instant now() const { return now_; }

    void start(std::uint32_t number) {
        member(number).alive = true;
        step(number, Input(totem::Start{0}));
    }
    void kill(std::uint32_t number) { member(number).alive = false; }

    void step(std::uint32_t number, const StackInput& input) {
        Member& at = member(number);
        at.effects.clear();
        at.stack.step(now_, input, at.effects);
        MemberHost host{*this, at};
        totem::group::perform(at.effects, host);
        if (after_step) {
            after_step(at);
        }
    }
    // False: `reached` did not come true within `limit`.
    bool run_until(const std::function<bool()>& reached, Duration limit) {
        const Instant end = now_ + limit;
        while (!reached()) {
            if (!advance(end)) {
                return false;
            }
        }
        return true;
    }
    void run_for(Duration time) {
        const Instant end = now_ + time;
        while (advance(end)) {
        }
        now_ = end;
    }

    std::function<void(Member&)> after_step;

  private:
    struct Arrival {
        std::uint32_t to = 0;
        Input input;
    };
    struct MemberHost {
        StackRing& ring;
        Member& member;

        void persist(std::uint64_t bound) {
            ring.push(raw(member.id), Input(totem::Persisted{bound}));
        }
        void send(const totem::Datagram& datagram) { ring.send(member, datagram); }
        void deliver(const totem::Delivery& delivery) { static_cast<void>(delivery); }
        void trace(const totem::Trace& trace) { static_cast<void>(trace); }
        void wake_at(std::optional<Instant> when) { member.wake_at = when; }
        void flush() {}
        void publish() {}
        void deliver_client(totem::group::ClientMessage message) {
            member.clients.push_back(std::move(message));
        }
        void notice(const Notice& notice) { member.notices.push_back(notice); }
        void request_host(const totem::group::HostRequest& request) {
            member.requests.push_back(request);
        }
    };

    void push(std::uint32_t to, Input input) {
        queue_.emplace(std::pair(now_ + std::chrono::microseconds(100), ++pushed_),
                       Arrival{to, std::move(input)});
    }
    void send(const Member& from, const totem::Datagram& datagram) {
        std::vector<std::byte> bytes(datagram.head.begin(),
                                     datagram.head.begin() + datagram.head_size);
        const auto body = datagram.body.bytes();
        bytes.insert(bytes.end(), body.begin(), body.end());
        for (auto& to : members_) {
            const bool meant =
                datagram.to == totem::kNoNode ? to->id != from.id : to->id == datagram.to;
            if (meant && to->alive && to->side == from.side) {
                push(raw(to->id), Input(totem::Received{{}, to->pool.copy(bytes)}));
            }
        }
    }
    // The next arrival or deadline not after `end`; false when there is none.
    bool advance(Instant end) {
        Member* due = nullptr;
        for (auto& each : members_) {
            if (each->alive && each->wake_at && (due == nullptr || each->wake_at < due->wake_at)) {
                due = each.get();
            }
        }
        const bool arrival =
            !queue_.empty() && (due == nullptr || queue_.begin()->first.first <= *due->wake_at);
        if (!arrival && due == nullptr) {
            return false;
        }
        const Instant next = arrival ? queue_.begin()->first.first : *due->wake_at;
        if (next > end) {
            return false;
        }
        now_ = std::max(now_, next);
        if (!arrival) {
            step(raw(due->id), Input(totem::Wake{}));
            return true;
        }
        const Arrival first = std::move(queue_.extract(queue_.begin()).mapped());
        if (member(first.to).alive) {
            step(first.to, first.input);
        }
        return true;
    }

    std::vector<std::unique_ptr<Member>> members_;
    std::map<std::pair<Instant, std::uint64_t>, Arrival> queue_;
    std::uint64_t pushed_ = 0;
    Instant now_{};
};

}  // namespace group_test
