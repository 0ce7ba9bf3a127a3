#include <algorithm>
#include <deque>
#include <utility>
#include <variant>

#include "sim/machine.h"
#include "totem/core/codec.h"

namespace sim {

namespace {

class Queue : public totem::MessageSource {
  public:
    [[nodiscard]] std::size_t backlog() const override { return waiting_.size(); }
    [[nodiscard]] Outgoing take() override {
        Outgoing next = std::move(waiting_.front());
        waiting_.pop_front();
        return next;
    }
    void push(Outgoing message) { waiting_.push_back(std::move(message)); }

  private:
    std::deque<Outgoing> waiting_;
};

class Ring : public RingMachine {
  public:
    Ring(const totem::RingConfig& config, totem::FramePool& pool, totem::TraceMask mask)
        : pool_(&pool), node_(config, pool, queue_, mask) {}

    void step(totem::Instant now, const totem::group::StackInput& input,
              totem::group::StackEffects& out) override {
        if (const auto* ring_input = std::get_if<totem::Input>(&input)) {
            node_.step(now, *ring_input, out.ring);
        }
    }
    [[nodiscard]] const totem::Node& node() const override { return node_; }
    [[nodiscard]] std::uint64_t state_hash() const override { return node_.state_hash(); }

    bool submit(std::span<const std::byte> payload, totem::Guarantee guarantee) override {
        const bool first = queue_.backlog() == 0;
        totem::FrameRef frame = pool_->allocate(totem::kDataHeaderBytes + payload.size());
        std::ranges::copy(payload, frame.writable().begin() + totem::kDataHeaderBytes);
        queue_.push({std::move(frame), guarantee});
        return first;
    }

  private:
    totem::FramePool* pool_;
    Queue queue_;
    totem::Node node_;
};

}  // namespace

std::unique_ptr<RingMachine> make_ring_machine(const totem::RingConfig& config,
                                               totem::FramePool& pool, totem::TraceMask mask) {
    return std::make_unique<Ring>(config, pool, mask);
}

}  // namespace sim
