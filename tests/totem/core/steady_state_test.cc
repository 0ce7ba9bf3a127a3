// The steady state allocates nothing: after a warm-up, a million messages pass three nodes and the
// global allocator is not called once (architecture.md 1).
#include <array>
#include <cstdlib>
#include <new>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "totem/core/codec.h"
#include "totem/core/node.h"

namespace {

std::size_t g_allocations = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc,misc-new-delete-overloads)
void* operator new(std::size_t size) {
    ++g_allocations;
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,misc-new-delete-overloads)

namespace {

using totem::Datagram;
using totem::Effects;
using totem::FramePool;
using totem::FrameRef;
using totem::Guarantee;
using totem::Input;
using totem::Instant;
using totem::kDataHeaderBytes;
using totem::kNoNode;
using totem::MessageSource;
using totem::Node;
using totem::NodeId;
using totem::Persisted;
using totem::Received;
using totem::RingConfig;
using totem::Start;
using totem::Wake;

// Always has the next message: a pooled frame of a typical size.
class EndlessSource : public MessageSource {
  public:
    explicit EndlessSource(FramePool& pool) : pool_(&pool) {}
    [[nodiscard]] std::size_t backlog() const override { return 20; }
    [[nodiscard]] Outgoing take() override {
        return {.frame = pool_->allocate(kDataHeaderBytes + 1300),
                .guarantee = ++taken_ % 10 == 0 ? Guarantee::kSafe : Guarantee::kAgreed};
    }

  private:
    FramePool* pool_;
    std::uint64_t taken_ = 0;
};

// Three nodes, a shared pool, and one queue of frames in the order in which they were sent. Frames
// are passed by reference, so only the protocol's own allocations are counted.
class Trio {
  public:
    Trio() {
        queue_.reserve(4096);
        for (std::uint32_t id = 1; id <= 3; ++id) {
            RingConfig config;
            config.self = NodeId{id};
            nodes_.emplace_back(std::make_unique<Node>(config, pool_, source_));
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            step(i, Start{});
        }
    }
    // Runs until `messages` more were delivered to the first node.
    void run(std::uint64_t messages) {
        const std::uint64_t goal = delivered_ + messages;
        while (delivered_ < goal) {
            if (head_ == queue_.size()) {
                queue_.clear();
                head_ = 0;
                wake();
                continue;
            }
            Flight flight = std::move(queue_[head_++]);
            now_ += std::chrono::microseconds(1);
            step(flight.to, Received{.link = {}, .frame = std::move(flight.frame)});
            compact();
        }
    }
    [[nodiscard]] bool one_ring() const {
        return nodes_[0]->ring() == nodes_[1]->ring() && nodes_[0]->ring() == nodes_[2]->ring();
    }

  private:
    struct Flight {
        std::size_t to = 0;
        FrameRef frame;
    };
    void compact() {
        if (head_ > 1024) {
            queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
    }
    void wake() {
        std::size_t first = 0;
        for (std::size_t i = 1; i < nodes_.size(); ++i) {
            first = wake_at_[i] < wake_at_[first] ? i : first;
        }
        now_ = std::max(now_, wake_at_[first]);
        step(first, Wake{});
    }
    void step(std::size_t index, const Input& input) {
        effects_.clear();
        nodes_[index]->step(now_, input, effects_);
        wake_at_[index] = effects_.wake_at.value_or(Instant::max());
        for (Datagram& datagram : effects_.datagrams) {
            for (std::size_t to = 0; to < nodes_.size(); ++to) {
                if (datagram.to == kNoNode ? to != index : raw(datagram.to) == to + 1) {
                    queue_.push_back({.to = to, .frame = datagram.body});
                }
            }
        }
        delivered_ += index == 0 ? effects_.deliveries.size() : 0;
        if (effects_.persist) {
            const std::uint64_t bound = *effects_.persist;
            step(index, Persisted{.ring_seq = bound});
        }
    }

    FramePool pool_;
    EndlessSource source_{pool_};
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Flight> queue_;
    std::size_t head_ = 0;
    Effects effects_;
    std::array<Instant, 3> wake_at_{};
    Instant now_{};
    std::uint64_t delivered_ = 0;
};

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kMessages = 50'000;  // the same proof, at a sanitizer's pace
#else
constexpr std::uint64_t kMessages = 1'000'000;
#endif

TEST(SteadyState, AMillionMessagesAllocateNothing) {
    Trio trio;
    trio.run(20'000);
    ASSERT_TRUE(trio.one_ring());
    const std::size_t before = g_allocations;
    trio.run(kMessages);
    EXPECT_EQ(g_allocations, before);
    EXPECT_TRUE(trio.one_ring());
}

}  // namespace
