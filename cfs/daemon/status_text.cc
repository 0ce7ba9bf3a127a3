#include "cfs/daemon/status_text.h"

#include <fmt/format.h>

namespace cfs {

namespace {

using totem::process::Severity;
using Kind = Notice::Kind;

std::string with_detail(const std::string& text, const std::string& detail) {
    return detail.empty() ? text : text + ": " + detail;
}

Severity severity_of(Kind kind) {
    switch (kind) {
        case Kind::kConflict:
        case Kind::kStoreFailed:
            return Severity::kCrit;
        case Kind::kForeign:
        case Kind::kVotingDiffers:
        case Kind::kNewerFormat:
        case Kind::kDiskFull:
            return Severity::kError;
        case Kind::kMemberSilent:
        case Kind::kMemberLagging:
        case Kind::kTailAside:
        case Kind::kMalformed:
        case Kind::kUncertain:
            return Severity::kWarning;
        case Kind::kEpochOpened:
            return Severity::kDebug;  // the line of the status says it, with whom
        case Kind::kSynced:
        case Kind::kMemberCaughtUp:
        case Kind::kDiskRoom:
            break;
    }
    return Severity::kNotice;
}

std::string name_or_a_node(NodeId node, const Words& words) {
    return node == totem::kNoNode ? std::string("a node") : words.name(node);
}

std::string text_of(const Notice& notice, const Words& words) {
    const std::string who = name_or_a_node(notice.node, words);
    switch (notice.kind) {
        case Kind::kEpochOpened:
            return fmt::format("epoch {} is open", notice.number);
        case Kind::kSynced:
            return "this node has caught up";
        case Kind::kMemberSilent:
            return who + " said nothing in time, going on without it";
        case Kind::kMemberLagging:
            return who + " is slow to store, writers do not wait for it any more";
        case Kind::kMemberCaughtUp:
            return who + " has caught up";
        case Kind::kTailAside:
            return fmt::format(
                "{} operations of this node are not part of the cluster's history "
                "and were put aside",
                notice.number);
        case Kind::kConflict:
            return fmt::format(
                "histories that cannot come from one order: {} and {}; nobody writes "
                "until an administrator gives one of them up, see cfsd(8)",
                who, name_or_a_node(NodeId{static_cast<std::uint32_t>(notice.number)}, words));
        case Kind::kForeign:
            return "another configuration filesystem (pmxcfs) runs on " + who +
                   ": nothing can be written while it does";
        case Kind::kVotingDiffers:
            return who + " has other votes configured than this node";
        case Kind::kNewerFormat:
            return who + " speaks a later version of the protocol: this node only reads";
        case Kind::kMalformed:
            return fmt::format("{} sent {} messages that cannot be read", who, notice.number);
        case Kind::kDiskFull:
            return "the disk is full: nothing is written here until there is room";
        case Kind::kDiskRoom:
            return "the disk has room again";
        case Kind::kStoreFailed:
            return "the database failed: this node only reads until it is started again";
        case Kind::kUncertain:
            return "a change was given up: whether it happened is not known";
    }
    return "unknown notice";
}

std::string writable(const Status& status, const Words& words) {
    if (status.local) {
        return "writable, alone (local mode)";
    }
    std::string text = fmt::format("writable, epoch {}", status.epoch);
    text += status.override_epoch ? " (votes in force were lowered)" : "";
    text += ", with " + names(status.synced, words);
    if (!status.lagging.empty()) {
        text += "; not waited for: " + names(status.lagging, words);
    }
    return text;
}

}  // namespace

std::string names(const std::vector<NodeId>& nodes, const Words& words) {
    std::string text;
    for (const NodeId node : nodes) {
        text += (text.empty() ? "" : ", ") + words.name(node);
    }
    return text.empty() ? "nobody" : text;
}

Line to_line(const Notice& notice, const Words& words) {
    return {severity_of(notice.kind), with_detail(text_of(notice, words), notice.detail)};
}

Line to_line(const Status& status, const Words& words) {
    if (status.obstacle == Obstacle::kNone) {
        return {Severity::kNotice, writable(status, words)};
    }
    std::string text = "read-only";
    text += status.since ? " since " + words.time(*status.since) : "";
    text += std::string(": ") + to_string(status.obstacle);
    if (!status.waiting_for.empty()) {
        // Of conflicting histories nobody is waited for: somebody has to choose.
        text += status.obstacle == Obstacle::kConflict ? ": " : "; waiting for ";
        text += names(status.waiting_for, words);
        text += status.until ? " until " + words.time(*status.until) : "";
    }
    return {Severity::kNotice, text};
}

bool worth_a_line(const Status& before, const Status& now) {
    const auto told = [](const Status& status) {
        return std::tie(status.obstacle, status.waiting_for, status.epoch, status.override_epoch,
                        status.synced, status.lagging);
    };
    const bool both_wait = before.obstacle != Obstacle::kNone && now.obstacle == before.obstacle;
    return both_wait ? before.waiting_for != now.waiting_for : told(before) != told(now);
}

}  // namespace cfs
