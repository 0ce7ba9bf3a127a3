#include "totem/daemon/notice_text.h"

#include <array>

#include <fmt/format.h>

namespace totem::daemon {

namespace {

using group::Notice;

std::string counted(std::string_view what, const std::vector<NodeId>& nodes) {
    return fmt::format("{}[{}]: {}", what, nodes.size(), to_string(nodes));
}

std::string membership(const Notice& notice) {
    std::string text =
        fmt::format("A new membership ({}) was formed. Members", to_string(notice.ring));
    if (!notice.nodes.empty()) {
        text += " joined: " + to_string(notice.nodes);
    }
    if (!notice.others.empty()) {
        text += " left: " + to_string(notice.others);
    }
    return text;
}

std::vector<LogLine> sync_started(const Notice& notice) {
    std::vector<LogLine> lines{
        {Severity::kNotice, "QUORUM", counted("Sync members", notice.nodes)}};
    if (!notice.others.empty()) {
        lines.push_back({Severity::kNotice, "QUORUM", counted("Sync joined", notice.others)});
    }
    if (!notice.more.empty()) {
        lines.push_back({Severity::kNotice, "QUORUM", counted("Sync left", notice.more)});
    }
    return lines;
}

std::string_view state_name(std::uint64_t state) {
    switch (static_cast<State>(state)) {
        case State::kOperational:
            return "operational";
        case State::kGather:
            return "gather";
        case State::kCommit:
            return "commit";
        case State::kRecovery:
            return "recovery";
    }
    return "?";
}

LogLine state_line(const Trace& trace, const RingConfig& config) {
    const auto to = static_cast<State>(trace.b);
    const auto reason = static_cast<GatherReason>(trace.c);
    if (to == State::kGather && reason == GatherReason::kTokenLostOperational) {
        return {
            Severity::kNotice, "TOTEM",
            fmt::format("A processor failed, forming new configuration: token timed out ({}ms), "
                        "waiting {}ms for consensus.",
                        config.token.count(), config.consensus.count())};
    }
    return {Severity::kDebug, "TOTEM",
            to == State::kGather
                ? fmt::format("entering GATHER state from {} ({}).", trace.c, state_name(trace.a))
                : fmt::format("entering {} state.", state_name(trace.b))};
}

struct Engine {
    group::ServiceId id;
    std::string_view text;
};
// In the order in which they are told of.
constexpr std::array<Engine, 5> kEngines{{
    {group::ServiceId::kCmap, "corosync configuration map access"},
    {group::ServiceId::kCfg, "corosync configuration service"},
    {group::ServiceId::kCpg, "corosync cluster closed process group service v1.01"},
    {group::ServiceId::kVotequorum, "corosync vote quorum service v1.0"},
    {group::ServiceId::kQuorum, "corosync cluster quorum service v0.1"},
}};

}  // namespace

std::string to_string(const RingId& ring) {
    return fmt::format("{:x}.{:x}", raw(ring.representative), ring.seq);
}

std::string to_string(const std::vector<NodeId>& nodes) {
    std::string text;
    for (const NodeId node : nodes) {
        text += fmt::format("{}{}", text.empty() ? "" : " ", raw(node));
    }
    return text;
}

std::vector<LogLine> to_lines(const Notice& notice) {
    switch (notice.kind) {
        case Notice::Kind::kMembershipFormed:
            return {{Severity::kNotice, "TOTEM", membership(notice)}};
        case Notice::Kind::kSyncStarted:
            return sync_started(notice);
        case Notice::Kind::kSyncCompleted:
            return {{Severity::kNotice, "MAIN",
                     "Completed service synchronization, ready to provide service."}};
        case Notice::Kind::kSyncWaiting:
            return {
                {Severity::kWarning, "SYNC",
                 fmt::format("Service synchronization of ring {} waits for nodes {} since {} ms",
                             to_string(notice.ring), to_string(notice.nodes), notice.a)}};
        case Notice::Kind::kQuorumMembers:
            return {{Severity::kNotice, "QUORUM", counted("Members", notice.nodes)}};
        case Notice::Kind::kQuorumGained:
            return {{Severity::kNotice, "QUORUM",
                     "This node is within the primary component and will provide service."}};
        case Notice::Kind::kQuorumLost:
            return {{Severity::kNotice, "QUORUM",
                     "This node is within the non-primary component and will NOT provide any "
                     "services."}};
        case Notice::Kind::kWaitForAllCleared:
            return {{Severity::kNotice, "VOTEQ", "All cluster members have been seen"}};
        case Notice::Kind::kKilledByNode:
            return {{Severity::kNotice, "CFG",
                     fmt::format("Killed by node {} : {}", raw(notice.node), notice.text)}};
        case Notice::Kind::kNodeShutDown:
            return {{Severity::kNotice, "CFG",
                     fmt::format("Node {} was shut down by sysadmin", raw(notice.node))}};
        case Notice::Kind::kReloadRequested:
            return {{Severity::kNotice, "CFG",
                     fmt::format("Config reload requested by node {}", raw(notice.node))}};
        case Notice::Kind::kKeyChangeWaiting:
            return {{Severity::kWarning, "TOTEM",
                     fmt::format("The change of the key waits for nodes {}, which have not "
                                 "reloaded a configuration with the new one",
                                 to_string(notice.nodes))}};
        case Notice::Kind::kConfigVersionTooOld:
            return {{Severity::kError, "CMAP",
                     fmt::format("Received config version ({}) is different than my config version "
                                 "({})! Exiting",
                                 notice.a, notice.b)}};
        case Notice::Kind::kMalformedMessage:
            return {
                {Severity::kWarning, "TOTEM",
                 fmt::format("Malformed message of node {} dropped (service {}, function {}): {}",
                             raw(notice.node), notice.a, notice.b, notice.text)}};
        case Notice::Kind::kMalformedRequest:
            return {{Severity::kWarning, "MAIN",
                     fmt::format("Malformed request {} on connection {}: {}", notice.b, notice.a,
                                 notice.text)}};
        case Notice::Kind::kConfigurationError:
            return {{Severity::kCrit, "VOTEQ", notice.text}};
    }
    return {};
}

std::vector<LogLine> service_lines(std::string_view what, bool votequorum, bool numbers) {
    std::vector<LogLine> lines;
    for (const Engine& engine : kEngines) {
        if (engine.id != group::ServiceId::kVotequorum || votequorum) {
            const std::string number =
                numbers ? fmt::format(" [{}]", static_cast<unsigned>(engine.id)) : std::string();
            lines.push_back({Severity::kNotice, "SERV",
                             fmt::format("Service engine {}: {}{}", what, engine.text, number)});
        }
    }
    return lines;
}

TraceMask traces_for_log() noexcept {
    return trace_bit(TraceKind::kState) | trace_bit(TraceKind::kFailed) |
           trace_bit(TraceKind::kPersistWaited) | trace_bit(TraceKind::kLeft) |
           trace_bit(TraceKind::kRequested) | trace_bit(TraceKind::kPaused);
}

LogLine to_line(const Trace& trace, const RingConfig& config) {
    switch (trace.kind) {
        case TraceKind::kState:
            return state_line(trace, config);
        case TraceKind::kFailed:
            return {Severity::kDebug, "TOTEM",
                    fmt::format("node {} is excluded (cause {})", raw(trace.peer), trace.a)};
        case TraceKind::kLeft:
            return {Severity::kDebug, "TOTEM", fmt::format("node {} leaves", raw(trace.peer))};
        case TraceKind::kPersistWaited:
            return {Severity::kWarning, "TOTEM",
                    fmt::format("waiting for stable storage before ring {:x} can form", trace.a)};
        default:
            return {};
    }
}

}  // namespace totem::daemon
