// The highest ring number that this node has used, in memory that outlives the process but not the
// boot of the machine.
//
// The ring id file holds a bound far above it (ring_id_store.h). A life that began above that bound
// would make every other member raise its own before the ring can form, and then a member whose
// disk hangs holds up all. With this number a life of the same boot begins right above the last
// one.
//
// Writing it never waits: it is used only on a tmpfs. Where it cannot be used, everything works as
// without it.
//
// Source: properties.md M1, M2, E2.7; docs/protocol.md, "Ring numbers".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace totem::daemon {

class RingNumberMemo {
  public:
    // `path` need not exist. Never fails: without a usable file it remembers nothing.
    explicit RingNumberMemo(const std::string& path);
    ~RingNumberMemo();
    RingNumberMemo(const RingNumberMemo&) = delete;
    RingNumberMemo& operator=(const RingNumberMemo&) = delete;
    RingNumberMemo(RingNumberMemo&&) = delete;
    RingNumberMemo& operator=(RingNumberMemo&&) = delete;

    // UsedNumbers::of_last_life() of what the last life of this boot noted.
    [[nodiscard]] std::optional<std::uint64_t> used(std::uint64_t stored) const;

    // Before a frame with this number leaves. Numbers grow.
    void use(std::uint64_t number) noexcept;
    // Before the ring id file is given this bound, and when it is durable.
    void bound_asked(std::uint64_t bound) noexcept;
    void bound_durable(std::uint64_t bound) noexcept;

  private:
    static constexpr std::size_t kBootIdBytes = 40;
    // As it lies in the file.
    struct Content {
        std::array<char, kBootIdBytes> boot_id;
        std::atomic<std::uint64_t> used;
        std::atomic<std::uint64_t> asked;
        std::atomic<std::uint64_t> durable;
    };

    Content* content_ = nullptr;
};

}  // namespace totem::daemon
