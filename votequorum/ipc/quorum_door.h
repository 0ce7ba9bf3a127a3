// The quorum door: what libquorum's clients ask, to the byte, and the notifications that they
// track.
//
// Source: ipc.md 9. A connection speaks model 0 (one kind of notification) unless it asked for
// model 1 (a nodelist notification and a quorum notification).
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "totem/group/service.h"
#include "votequorum/core/quorum_service.h"

namespace votequorum {

class QuorumDoor final : public totem::group::Door, private QuorumListener {
  public:
    // Listens to `service` while it lives.
    explicit QuorumDoor(QuorumService& service);
    QuorumDoor(const QuorumDoor&) = delete;
    QuorumDoor& operator=(const QuorumDoor&) = delete;
    QuorumDoor(QuorumDoor&&) = delete;
    QuorumDoor& operator=(QuorumDoor&&) = delete;
    ~QuorumDoor() override;

    [[nodiscard]] totem::group::ServiceId id() const override {
        return totem::group::ServiceId::kQuorum;
    }
    void on_open(totem::group::ConnectionId connection, std::uint32_t pid,
                 totem::group::Outbox& out) override;
    void on_close(totem::group::ConnectionId connection, totem::group::Outbox& out) override;
    [[nodiscard]] bool on_request(totem::group::ConnectionId connection,
                                  std::span<const std::byte> request,
                                  totem::group::Outbox& out) override;

  private:
    struct Client {
        std::uint32_t model = 0;
        bool tracks = false;
    };

    void on_membership(const MembershipChange& change, totem::group::Outbox& out) override;
    void on_quorum(const QuorumView& view, totem::group::Outbox& out) override;

    void answer_number(totem::group::ConnectionId connection, std::uint32_t id,
                       std::uint32_t number, totem::group::Outbox& out) const;
    void track_start(totem::group::ConnectionId connection, std::uint32_t flags,
                     totem::group::Outbox& out);
    void choose_model(totem::group::ConnectionId connection, std::uint32_t model,
                      totem::group::Outbox& out);
    void send_quorum(totem::group::ConnectionId connection, const Client& client,
                     const QuorumView& view, totem::group::Outbox& out) const;

    QuorumService& service_;
    std::map<totem::group::ConnectionId, Client> clients_;
};

}  // namespace votequorum
