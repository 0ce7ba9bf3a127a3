// Files: what the kernel interface needs of the daemon behind it.
//
// The daemon's group thread owns the replica; the kernel's requests come in another thread. So
// everything here may be called in any thread and none of it waits: what takes time is submitted
// and answered later.
//
// The other direction is Mount (mount.h): the daemon tells it what was published before it answers
// the wishes that did it, so that whoever was answered finds what it did.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cfs/core/operation.h"
#include "cfs/core/replica.h"
#include "cfs/core/tree_view.h"

namespace cfs {

// A change that a caller wants, and what it owns.
struct Wish {
    std::uint64_t time = 0;  // s, wall clock of this node
    Change change{};
    std::shared_ptr<const void> owner{};  // keeps what the views in `change` point at
};

// What became of it: cfs::Answer without the ticket.
struct Done {
    Refusal refusal = Refusal::kNone;
    Outcome outcome{};
};

// What this node knows of the cluster, as .members and .version show it.
struct ClusterNode {
    std::string name{};
    NodeId id = totem::kNoNode;
    bool online = false;
    std::string address{};  // empty: not known
};
struct ClusterInfo {
    std::string name{};         // empty: local mode
    std::uint64_t version = 0;  // counts changes of this information
    std::uint64_t config_version = 0;
    bool quorate = false;
    std::vector<ClusterNode> nodes{};
    // Of the status values of each node, by key: how often each changed.
    std::map<std::string, std::map<std::string, std::uint64_t>> status_versions{};
};

class Files {
  public:
    using Completion = std::function<void(const Done&)>;

    Files() = default;
    virtual ~Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    Files(Files&&) = delete;
    Files& operator=(Files&&) = delete;

    // The newest published tree; never null.
    [[nodiscard]] virtual std::shared_ptr<const TreeView> snapshot() const = 0;
    // Whether a change may be asked for now: what status() says, cheaply.
    [[nodiscard]] virtual bool writable() const = 0;
    [[nodiscard]] virtual Status status() const = 0;
    [[nodiscard]] virtual ClusterInfo cluster() const = 0;
    // The node's name: first part of the host name.
    [[nodiscard]] virtual std::string node_name() const = 0;

    // Asks for a change. Wishes of one thread are sent in the order of their submits. `completion`
    // is called once, in any thread, perhaps before submit() returns; when the daemon stops, wishes
    // under way are completed as uncertain. Numbers of chunked writes are the mount's alone.
    virtual void submit(Wish wish, Completion completion) = 0;

    // More log lines (.debug).
    [[nodiscard]] virtual bool debug() const = 0;
    virtual void set_debug(bool on) = 0;

    // The text of .clusterlog and .rrd; empty as long as there is no service behind them.
    [[nodiscard]] virtual std::string cluster_log() const { return {}; }
    [[nodiscard]] virtual std::string metrics() const { return {}; }
};

}  // namespace cfs
