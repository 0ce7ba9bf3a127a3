// What services and doors of a stack are given to answer with: messages go to the packer,
// everything else into the effects of the present step.
//
// Source: the contract of service.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "totem/group/packer.h"
#include "totem/group/service.h"
#include "totem/group/stack.h"

namespace totem::group {

class StackOutbox final : public Outbox {
  public:
    // Both must outlive the outbox.
    StackOutbox(FramePool& pool, Packer& packer) : pool_(&pool), packer_(&packer) {}

    // What follows happens at `now` and goes to `effects`, until the next call.
    void begin_step(Instant now, StackEffects& effects);
    // Between these two a service has its turn in a synchronisation.
    void enter_turn() noexcept { lane_ = Lane::kTransitional; }
    void leave_turn() noexcept { lane_ = Lane::kNormal; }

    // A message of the synchronisation itself, `message` being all of it.
    void multicast_sync(std::span<const std::byte> message);
    // Our capabilities, in the synchronisation's own queue.
    void announce_capabilities();

    [[nodiscard]] Instant now() const override { return now_; }
    [[nodiscard]] FramePool& pool() override { return *pool_; }
    [[nodiscard]] bool multicast(ServiceId service, std::uint16_t function,
                                 std::span<const std::span<const std::byte>> parts,
                                 Guarantee guarantee) override;
    [[nodiscard]] bool has_room(std::size_t bytes) const override;
    void send(ClientMessage message) override;
    void notice(Notice notice) override;
    void request_host(HostRequest request) override;
    void wake_at(ServiceId service, Instant when) override;

    // The service that asked for the earliest wake and is due now; each call takes one.
    [[nodiscard]] std::optional<ServiceId> take_due();
    // The earliest wake that any service asked for.
    [[nodiscard]] std::optional<Instant> next_wake() const;

  private:
    struct ServiceWake {
        ServiceId service{};
        Instant when{};
    };

    FramePool* pool_;
    Packer* packer_;
    StackEffects* effects_ = nullptr;
    Instant now_{};
    Lane lane_ = Lane::kNormal;
    std::vector<ServiceWake> wakes_;  // one per service at most
};

}  // namespace totem::group
