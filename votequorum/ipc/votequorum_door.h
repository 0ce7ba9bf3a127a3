// The votequorum door: what libvotequorum's clients ask, to the byte, and the notifications that
// they track.
//
// Source: ipc.md 10. There is no quorum device yet: its requests are answered as by a daemon that
// has none configured.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "totem/group/service.h"
#include "votequorum/core/service.h"

namespace votequorum {

class VotequorumDoor final : public totem::group::Door, private VoteListener {
  public:
    // Listens to `service` while it lives.
    explicit VotequorumDoor(VoteQuorum& service);
    VotequorumDoor(const VotequorumDoor&) = delete;
    VotequorumDoor& operator=(const VotequorumDoor&) = delete;
    VotequorumDoor(VotequorumDoor&&) = delete;
    VotequorumDoor& operator=(VotequorumDoor&&) = delete;
    ~VotequorumDoor() override;

    [[nodiscard]] totem::group::ServiceId id() const override {
        return totem::group::ServiceId::kVotequorum;
    }
    void on_open(totem::group::ConnectionId connection, std::uint32_t pid,
                 totem::group::Outbox& out) override;
    void on_close(totem::group::ConnectionId connection, totem::group::Outbox& out) override;
    [[nodiscard]] bool on_request(totem::group::ConnectionId connection,
                                  std::span<const std::byte> request,
                                  totem::group::Outbox& out) override;

  private:
    struct Client {
        std::uint64_t context = 0;  // the client's own, returned in events
        bool tracks = false;
    };

    void on_nodelist(const totem::RingId& ring, std::span<const totem::NodeId> nodes,
                     totem::group::Outbox& out) override;
    void on_votes(totem::group::Outbox& out) override;
    void on_expected(std::uint32_t expected, totem::group::Outbox& out) override;

    void get_info(totem::group::ConnectionId connection, totem::NodeId node,
                  totem::group::Outbox& out) const;
    void track_start(totem::group::ConnectionId connection, std::span<const std::byte> request,
                     totem::group::Outbox& out);
    void track_stop(totem::group::ConnectionId connection, totem::group::Outbox& out);
    // False: there is no room for the command; the request is to be offered again.
    [[nodiscard]] bool answer(totem::group::ConnectionId connection, Outcome outcome,
                              totem::group::Outbox& out) const;
    void send_nodelist(totem::group::ConnectionId connection, const Client& client,
                       const totem::RingId& ring, std::span<const totem::NodeId> nodes,
                       totem::group::Outbox& out) const;
    void send_quorum(totem::group::ConnectionId connection, const Client& client,
                     totem::group::Outbox& out) const;

    VoteQuorum& service_;
    std::map<totem::group::ConnectionId, Client> clients_;
};

}  // namespace votequorum
