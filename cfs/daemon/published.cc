#include "cfs/daemon/published.h"

#include <utility>

namespace cfs {

namespace {

bool same(const ClusterNode& a, const ClusterNode& b) {
    return a.name == b.name && a.id == b.id && a.online == b.online && a.address == b.address;
}

bool same(const ClusterInfo& a, const ClusterInfo& b) {
    const bool nodes =
        std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                   [](const ClusterNode& x, const ClusterNode& y) { return same(x, y); });
    return nodes && a.name == b.name && a.config_version == b.config_version &&
           a.quorate == b.quorate;
}

}  // namespace

Published::Published(std::string node_name, TreeView view, std::function<void(bool)> set_debug)
    : node_name_(std::move(node_name)),
      tell_debug_(std::move(set_debug)),
      view_(std::make_shared<const TreeView>(std::move(view))) {}

std::shared_ptr<const TreeView> Published::snapshot() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

Status Published::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

ClusterInfo Published::cluster() const {
    const std::lock_guard lock(mutex_);
    return cluster_;
}

void Published::submit(Wish wish, Completion completion) {
    if (!forward_ || !forward_(wish, completion)) {
        completion({.refusal = Refusal::kNotWritable});
    }
}

void Published::set_debug(bool on) {
    debug_ = on;
    tell_debug_(on);
}

void Published::publish(std::shared_ptr<const TreeView> view) {
    const std::lock_guard lock(mutex_);
    std::swap(view_, view);  // the old one may be the last of it: freed after the lock
}

void Published::publish(Status status) {
    const std::lock_guard lock(mutex_);
    // With a full disk the replica is asked all the same: it answers ENOSPC, not EACCES.
    writable_ = status.obstacle == Obstacle::kNone || status.obstacle == Obstacle::kDiskFull;
    status_ = std::move(status);
}

void Published::publish(ClusterInfo cluster) {
    const std::lock_guard lock(mutex_);
    if (!same(cluster, cluster_)) {
        cluster.version = cluster_.version + 1;
        cluster_ = std::move(cluster);
    }
}

}  // namespace cfs
