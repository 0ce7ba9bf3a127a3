// The door of administration: what libcfg sends and expects, to the byte.
//
// Most of it answers from the facts. A shutdown is different: everybody who tracks shutdowns is
// asked first, and the asker waits for the outcome.
//
// Source: ipc.md 8; what the page leaves open as corosync 3.1.7 with transport udpu answers it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "totem/group/cfg_service.h"
#include "totem/group/cmap_store.h"
#include "totem/ipc/doors/layout.h"

namespace totem::ipc {

class CfgDoor final : public group::Door, private group::CfgObserver {
  public:
    // Observes the service. Reads cfg.shutdown_timeout from the store, and lets its trackers act
    // when the host has answered. Both must outlive the door.
    CfgDoor(group::CfgService& service, group::CmapStore& store);

    [[nodiscard]] group::ServiceId id() const override { return group::ServiceId::kCfg; }
    void on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) override;
    void on_close(ConnectionId connection, Outbox& out) override;
    [[nodiscard]] bool on_request(ConnectionId connection, std::span<const std::byte> bytes,
                                  Outbox& out) override;
    void on_host_reply(std::uint32_t token, std::uint32_t error, Outbox& out) override;

  private:
    struct Client {
        bool tracks_shutdown = false;
    };
    enum class Answer { kNone, kNo, kYes };
    // A shutdown that somebody asked for and others must agree to.
    struct Question {
        ConnectionId asker{};
        std::uint32_t flags = 0;
        std::map<ConnectionId, Answer> answers;
    };
    // A request that the host answers.
    struct Pending {
        ConnectionId connection{};
        std::uint32_t reply_id = 0;
    };

    // Requests; each has been checked to be as long as its fixed part.
    void answer(ConnectionId connection, std::uint32_t id, const StructReader& request,
                Outbox& out);
    void ringstatus(ConnectionId connection, Outbox& out);
    void kill_node(ConnectionId connection, const StructReader& request, Outbox& out);
    void try_shutdown(ConnectionId connection, std::uint32_t flags, Outbox& out);
    void reply_to_shutdown(ConnectionId connection, std::uint32_t response, Outbox& out);
    void get_node_addrs(ConnectionId connection, NodeId node, Outbox& out);
    void local_get(ConnectionId connection, Outbox& out);
    void node_status(ConnectionId connection, const StructReader& request, Outbox& out);
    void track_start(ConnectionId connection, Outbox& out);
    void track_stop(ConnectionId connection, Outbox& out);
    void reload(ConnectionId connection, Outbox& out);
    void reopen_logs(ConnectionId connection, Outbox& out);

    void ask(ConnectionId connection, Outbox& out);
    // Takes the question's answers together once they are all there, or `late`: missing ones are
    // no.
    void decide(bool late, Outbox& out);
    void forget_tracker(ConnectionId connection, Outbox& out);

    // CfgObserver
    void on_deadline(Outbox& out) override;
    void on_own_reload(std::uint64_t asker, std::uint32_t token) override;

    group::CfgService& service_;
    group::CmapStore& store_;
    std::map<ConnectionId, Client> clients_;
    std::optional<Question> question_;
    std::map<std::uint32_t, Pending> pending_;  // by token
};

}  // namespace totem::ipc
