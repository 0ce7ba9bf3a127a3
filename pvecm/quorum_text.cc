#include "pvecm/quorum_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace pvecm {

namespace {

enum class Ids { kDecimal, kHexadecimal };
enum class Names { kListed, kAddresses };

std::string column(std::string_view text) {
    constexpr std::size_t kWidth = 10;
    std::string padded(kWidth - std::min(kWidth, text.size()), ' ');
    return padded.append(text).append(" ");
}

std::string hexadecimal(totem::NodeId id) {
    std::array<char, 11> text{};
    std::snprintf(text.data(), text.size(), "0x%08x", totem::raw(id));
    return text.data();
}

std::string id_text(totem::NodeId id, Ids ids) {
    return ids == Ids::kHexadecimal ? hexadecimal(id) : std::to_string(totem::raw(id));
}

std::string ring_text(const totem::RingId& ring) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%x.%llx", totem::raw(ring.representative),
                  static_cast<unsigned long long>(ring.seq));
    return text.data();
}

std::string device_text(std::uint32_t flags) {
    if ((flags & kDeviceRegistered) == 0) {
        return "NR";
    }
    return std::string{(flags & kDeviceAlive) != 0 ? "A" : "NA"} +
           ((flags & kDeviceCastsVote) != 0 ? ",V" : ",NV") +
           ((flags & kDeviceMasterWins) != 0 ? ",MW" : ",NMW");
}

std::string flags_text(std::uint32_t flags) {
    constexpr std::array<std::pair<VoteFlag, const char*>, 7> kNames{{
        {kTwoNode, "2Node "},
        {kQuorate, "Quorate "},
        {kWaitForAll, "WaitForAll "},
        {kLastManStanding, "LastManStanding "},
        {kAutoTieBreaker, "AutoTieBreaker "},
        {kAllowDownscale, "AllowDownscale "},
        {kDeviceRegistered, "Qdevice "},
    }};
    std::string text;
    for (const auto& [flag, name] : kNames) {
        text += (flags & flag) != 0 ? name : "";
    }
    return text;
}

// The row of the device: what the first member knows of it, counted when the own node's casts.
std::string device_row(const View& view, Ids ids) {
    const Member& first = view.members.front();
    const auto own = std::find_if(view.members.begin(), view.members.end(),
                                  [&](const Member& member) { return member.id == view.self; });
    const bool casts = own != view.members.end() && (own->flags & kDeviceCastsVote) != 0;
    const std::string votes = std::to_string(first.device_votes);
    return column(id_text(totem::kNoNode, ids)) + column(casts ? votes : "0") + column("") +
           first.device_name + (casts ? "" : " (votes " + votes + ")") + '\n';
}

std::string membership(const View& view, Ids ids, Names names) {
    const bool device =
        std::any_of(view.members.begin(), view.members.end(),
                    [](const Member& member) { return (member.flags & kDeviceRegistered) != 0; });
    std::string text = "\nMembership information\n----------------------\n";
    text += column("Nodeid") + (view.votequorum ? column("Votes") : "") +
            (device ? column("Qdevice") : "") + "Name\n";
    for (const Member& member : view.members) {
        text += column(id_text(member.id, ids));
        text += view.votequorum ? column(std::to_string(member.votes)) : "";
        text += device ? column(device_text(member.flags)) : "";
        text += names == Names::kAddresses ? member.address : name_of(view, member);
        text += member.id == view.self ? " (local)\n" : "\n";
    }
    return device ? text + device_row(view, ids) : text;
}

}  // namespace

std::string name_of(const View& view, const Member& member) {
    const auto listed = std::find_if(view.listed.begin(), view.listed.end(),
                                     [&](const ListedNode& node) { return node.id == member.id; });
    return listed == view.listed.end() || listed->name.empty() ? member.address : listed->name;
}

std::string status_text(const View& view, const std::string& date) {
    const VoteSums& sums = view.sums;
    const bool allowed = (sums.flags & kQuorate) != 0;
    return "Quorum information\n------------------\nDate:             " + date +
           "\nQuorum provider:  " + view.provider +
           "\nNodes:            " + std::to_string(view.members.size()) +
           "\nNode ID:          " + hexadecimal(view.self) +
           "\nRing ID:          " + ring_text(view.ring) +
           "\nQuorate:          " + (view.quorate ? "Yes" : "No") +
           "\n\nVotequorum information\n----------------------"
           "\nExpected votes:   " +
           std::to_string(sums.expected) +
           "\nHighest expected: " + std::to_string(sums.highest_expected) +
           "\nTotal votes:      " + std::to_string(sums.total) +
           "\nQuorum:           " + std::to_string(sums.threshold) +
           (allowed ? "  " : " Activity blocked") +
           "\nFlags:            " + flags_text(sums.flags) + '\n' +
           membership(view, Ids::kHexadecimal, Names::kAddresses);
}

std::string nodes_text(const View& view) { return membership(view, Ids::kDecimal, Names::kListed); }

}  // namespace pvecm
