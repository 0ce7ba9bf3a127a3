// The thread that owns the replica: it moves bytes between the ring daemon's doors, the store's
// thread, the mount and the cores that decide (Member, ClusterWatch), and keeps their time.
//
// Nothing here waits for a disk, the ring daemon or the kernel. Before the ring daemon has told
// which node this is, what was loaded is shown and nothing can be written.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "cfs/core/member.h"
#include "cfs/daemon/host_config.h"
#include "cfs/daemon/inbox.h"
#include "cfs/daemon/published.h"
#include "cfs/daemon/status_log.h"
#include "cfs/daemon/status_text.h"
#include "cfs/daemon/store_thread.h"
#include "cfs/fuse/mount.h"
#include "totem/client/cluster_watch.h"
#include "totem/ipc/client_transport.h"
#include "totem/process/log.h"

namespace cfs {

class GroupThread {
  public:
    struct Options {
        bool local = false;
        Life life{};
        std::string door_suffix;
        std::string corosync_conf;  // the host's
        // Its text, to begin a tree with in which nothing was ever done. Empty: not to.
        std::string first_corosync_conf;
        // Called in this thread: it cannot go on, for this reason.
        std::function<void(const std::string&)> on_failure;
        // Called in this thread with what the service manager shows.
        std::function<void(const std::string&)> on_status;
    };
    // All of these outlive it.
    struct Around {
        Published& published;
        Mount& mount;
        totem::process::Log& log;
    };
    GroupThread(Options options, Around around);
    ~GroupThread();
    GroupThread(const GroupThread&) = delete;
    GroupThread& operator=(const GroupThread&) = delete;
    GroupThread(GroupThread&&) = delete;
    GroupThread& operator=(GroupThread&&) = delete;

    // The store's thread, which must outlive run(), and what was in the store.
    void start(StoreThread& store, Loaded loaded);
    // In any thread.
    void stored(StoreThread::Answer answer);
    [[nodiscard]] bool submit(Wish& wish, Files::Completion& completion);
    // Leaves the group and ends; false when that took longer.
    [[nodiscard]] bool stop(std::chrono::steady_clock::time_point deadline);
    // Grows as long as it is not stuck.
    [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }
    // It wakes at least that often.
    static constexpr std::chrono::milliseconds kRoundAtLeast{500};

  private:
    struct Asked {
        Wish wish;
        Files::Completion completion;
    };
    struct StopAsked {};
    using Item = std::variant<Asked, StoreThread::Answer, StopAsked, HostConfig::Written>;

    void run();
    void wait();
    void on(Instant now, Asked& item);
    void on(Instant now, StoreThread::Answer& item);
    void on(Instant now, StopAsked& item);
    void on(Instant now, HostConfig::Written& item);
    void on_door(Instant now, const totem::client::Input& input);
    void step(Instant now, ReplicaInput input);
    void perform(Instant now);
    void watch(Instant now, const totem::client::Input& input);
    void on_cluster(Instant now, const totem::client::Cluster& cluster);
    void become_member(Instant now, NodeId self);
    void show_tree(Instant now);
    void show_status(Instant now);
    void tell_of_status(Instant now);
    void show_cluster();
    void tell_of_store(Instant now);
    void tell_of_silence(Instant now);
    void tell_of_trouble(Instant now, const std::string& text);
    void import_host_config();
    void say(const Line& line);
    [[nodiscard]] std::string name_of(NodeId node) const;

    const Options options_;
    Around around_;
    totem::ipc::ClientTransport transport_;
    totem::client::ClusterWatch watch_;
    totem::client::ClusterEffects watch_effects_;
    std::optional<Instant> watch_wake_;
    std::optional<Loaded> loaded_;  // until there is a member
    std::optional<Member> member_;
    MemberEffects effects_;
    std::optional<Instant> member_wake_;
    NodeId self_ = totem::kNoNode;
    bool stopping_ = false;
    bool over_ = false;

    StoreThread* store_ = nullptr;
    std::optional<Instant> storing_since_;
    bool told_of_store_ = false;

    std::uint64_t next_ticket_ = 1;
    std::map<std::uint64_t, Files::Completion> waiting_;
    Inbox<Item> inbox_;
    HostConfig host_config_;  // its thread may use the inbox as long as this lives
    bool imported_ = false;
    StatusLog status_log_;
    Words words_;
    Instant began_{};
    bool told_of_silence_ = false;
    std::set<totem::client::Door> closed_doors_;    // could not be connected to when last tried
    std::map<std::string, Instant> told_troubles_;  // when

    std::atomic<std::uint64_t> rounds_{0};
    std::mutex mutex_;
    std::condition_variable ended_changed_;
    bool ended_ = false;  // by mutex_
    std::thread thread_;
};

}  // namespace cfs
