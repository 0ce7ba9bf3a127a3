// The door of closed process groups: what libcpg sends and expects, to the byte.
//
// One connection is one process in at most one group. Zero-copy buffers are answered NOT_SUPPORTED,
// which libcpg reports at allocation; no known client needs them.
//
// Source: ipc.md 4 to 7.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "totem/group/cpg_service.h"
#include "totem/ipc/doors/layout.h"

namespace totem::ipc {

class CpgDoor final : public group::Door, private group::CpgObserver {
  public:
    // Observes the service, which must outlive the door.
    explicit CpgDoor(group::CpgService& service);

    // While the host stops, closed connections are reported to the groups as having left rather
    // than as having died, so that peers see an orderly leave.
    void set_stopping(bool stopping) noexcept { stopping_ = stopping; }

    [[nodiscard]] group::ServiceId id() const override { return group::ServiceId::kCpg; }
    void on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) override;
    void on_close(ConnectionId connection, Outbox& out) override;
    [[nodiscard]] bool on_request(ConnectionId connection, std::span<const std::byte> bytes,
                                  Outbox& out) override;

  private:
    enum class State { kUnjoined, kJoinStarted, kJoinCompleted, kLeaveStarted };

    struct Iteration {
        std::vector<group::CpgTable::Entry> entries;
        std::size_t next = 0;
    };

    struct Client {
        ConnectionId connection{};
        State state = State::kUnjoined;
        group::GroupName group;
        std::uint32_t pid = 0;
        bool wants_ring = false;       // asked for the ring right after its join
        bool finalized = false;        // wants no more events
        std::uint32_t part_total = 0;  // of the message that is being sent in parts
        std::uint32_t part_sent = 0;
        std::map<std::uint64_t, Iteration> iterations;
        std::uint64_t last_iteration = 0;

        [[nodiscard]] bool may_send() const noexcept {
            return state == State::kJoinStarted || state == State::kJoinCompleted;
        }
        [[nodiscard]] bool is_listening() const noexcept {
            return !finalized && (state == State::kJoinCompleted || state == State::kLeaveStarted);
        }
    };

    // Requests; each has been checked to be as long as its fixed part.
    void join(Client& client, const StructReader& request, Outbox& out);
    [[nodiscard]] CsError try_join(Client& client, const StructReader& request, Outbox& out);
    void leave(Client& client, const StructReader& request, Outbox& out);
    [[nodiscard]] bool mcast(const Client& client, const StructReader& request, Outbox& out);
    void partial_mcast(Client& client, const StructReader& request, Outbox& out);
    [[nodiscard]] CsError try_partial_mcast(Client& client, const StructReader& request,
                                            Outbox& out);
    void membership_get(const Client& client, const StructReader& request, Outbox& out);
    void local_get(const Client& client, Outbox& out);
    void iteration_initialize(Client& client, const StructReader& request, Outbox& out);
    void iteration_next(Client& client, const StructReader& request, Outbox& out);
    void iteration_finalize(Client& client, const StructReader& request, Outbox& out);
    void answer(Client& client, std::uint32_t id, const StructReader& request, Outbox& out);

    // CpgObserver
    void on_group_change(const group::CpgChange& change, Outbox& out) override;
    void on_group_message(const group::CpgMessage& message, Outbox& out) override;
    void on_groups_settled(const RingId& ring, std::span<const NodeId> members,
                           Outbox& out) override;

    [[nodiscard]] Client* find_local(const group::GroupName& group, std::uint32_t pid);
    void send_ring(const Client& client, const RingId& ring, std::span<const NodeId> members,
                   Outbox& out);
    void forget_listener(const Client& client);

    group::CpgService& service_;
    bool stopping_ = false;
    std::map<ConnectionId, Client> clients_;
    // Connections that receive a group's events: JOIN_COMPLETED and LEAVE_STARTED, ascending.
    std::map<group::GroupName, std::vector<ConnectionId>> listeners_;
};

}  // namespace totem::ipc
