// One node above the wire: the ring, packing, the service multiplexer with its synchronisation, the
// services and their doors, chained as values. This is what the daemon and the simulator both run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "totem/core/effects.h"
#include "totem/core/node.h"
#include "totem/group/service.h"

namespace totem::group {

struct ClientOpened {
    ServiceId service{};
    ConnectionId connection{};
    std::uint32_t pid = 0;
};
struct ClientClosed {
    ConnectionId connection{};
};
// `bytes` must stay valid during the step only. Whether it was taken is Stack::request_taken().
struct ClientRequest {
    ConnectionId connection{};
    std::span<const std::byte> bytes;
};
// The host did (or could not do) what HostRequest asked; `error` is a cs_error_t (ipc.md 5).
struct HostReply {
    std::uint32_t token = 0;
    std::uint32_t error = 1;
};

using StackInput = std::variant<Input, ClientOpened, ClientClosed, ClientRequest, HostReply>;

// Reused from step to step. `ring` holds datagrams, persist, wake_at and traces to perform, and the
// ring's deliveries, already consumed by the services and kept for checkers.
struct StackEffects {
    totem::Effects ring;
    std::vector<ClientMessage> clients;
    std::vector<Notice> notices;
    std::vector<HostRequest> host;

    void clear() {
        ring.clear();
        clients.clear();
        notices.clear();
        host.clear();
    }
};

// How full the queue between services and the ring is (totem.md 7.2), for the doors' flow control.
enum class SendLevel : std::uint8_t { kLow, kGood, kHigh, kCritical };

class Stack {
  public:
    // `pool` must outlive the stack.
    Stack(const RingConfig& config, FramePool& pool, TraceMask mask = 0);
    ~Stack();
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;
    Stack(Stack&&) = delete;
    Stack& operator=(Stack&&) = delete;

    // Both must outlive the stack; before the first step.
    void add(Service& service);
    void add(Door& door);

    void step(Instant now, const StackInput& input, StackEffects& out);

    // Of the last ClientRequest step: false means offer it again after room_available().
    [[nodiscard]] bool request_taken() const noexcept;
    // False from a request that was not taken until the queue has moved on since.
    [[nodiscard]] bool room_available() const noexcept;
    [[nodiscard]] SendLevel send_level() const noexcept;
    // A synchronisation is running; the doors stop clients as ipc.md 4 says.
    [[nodiscard]] bool synchronising() const noexcept;
    // The first synchronisation is complete: clients may connect.
    [[nodiscard]] bool ready() const noexcept;
    [[nodiscard]] const Node& node() const noexcept;
    [[nodiscard]] std::uint64_t state_hash() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace totem::group
