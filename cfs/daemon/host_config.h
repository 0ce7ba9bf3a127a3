// The cluster's corosync.conf in the tree and the host's own copy of it, which the ring daemon
// reads.
//
// A copy in the tree with a higher config_version replaces the host's: written, synced, renamed, by
// a thread of its own. Then the ring daemons are asked to read their files again, by the node that
// made the change, once the others have had a second to write theirs; and by any other node that
// finds its ring daemon still on an old version some seconds later.
//
// Source: cfs.md 4.3.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cfs/core/tree_view.h"
#include "totem/client/group_client.h"

namespace cfs {

using totem::Instant;

// The number behind config_version in the section totem; absent: there is none.
[[nodiscard]] std::optional<std::uint64_t> config_version_of(std::string_view text);

class HostConfig {
  public:
    // The outcome of one look, for the owner's thread.
    struct Written {
        std::uint64_t version = 0;  // that the host's file has now
        bool replaced = false;
        std::string problem;  // one line; empty: all is well
    };
    // `done` is called in the thread of this.
    HostConfig(std::string path, std::function<void(Written)> done);
    ~HostConfig();  // waits for nothing: a write that hangs is left to the process's end
    HostConfig(const HostConfig&) = delete;
    HostConfig& operator=(const HostConfig&) = delete;
    HostConfig(HostConfig&&) = delete;
    HostConfig& operator=(HostConfig&&) = delete;

    // Whenever something was published. Cheap when the file is as before.
    void look(Instant now, const TreeView& tree, NodeId self);
    void on_written(Instant now, const Written& written);
    // The version that the ring daemon runs with.
    void on_running(Instant now, std::uint64_t version);

    // As a client of cfg: asks for the reload when it is due. Actions and inputs as in
    // group_client.h.
    [[nodiscard]] std::optional<Instant> wake_at() const;
    void wake(Instant now, std::vector<totem::client::Action>& actions);
    // A line about how it went, or nothing.
    [[nodiscard]] std::string on_door(Instant now, const totem::client::Input& input,
                                      std::vector<totem::client::Action>& actions);

  private:
    enum class Asking : std::uint8_t { kNo, kConnecting, kAsked };
    struct Shared;

    void plan(Instant at);

    std::shared_ptr<Shared> shared_;
    std::uint64_t seen_version_ = 0;  // of the tree's entry
    bool mine_ = false;               // this node made the change
    std::uint64_t host_version_ = 0;  // config_version of the host's file, once it was replaced
    std::uint64_t running_version_ = 0;
    std::optional<Instant> ask_at_;
    Asking asking_ = Asking::kNo;
    totem::client::Bytes request_;
};

}  // namespace cfs
