// What the commands ask of the cluster engine on this machine, as values: client_doors.h asks a
// real one, tests invent one.
//
// Source: ipc.md 9, 10 and 12 (quorum, votequorum, cmap), samples/quorumtool-*.txt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "totem/core/result.h"
#include "totem/core/types.h"

namespace pvecm {

// Bits of the flags that votequorum gives (ipc.md 10).
enum VoteFlag : std::uint32_t {
    kTwoNode = 1,
    kQuorate = 2,
    kWaitForAll = 4,
    kLastManStanding = 8,
    kAutoTieBreaker = 16,
    kAllowDownscale = 32,
    kDeviceRegistered = 64,
    kDeviceAlive = 128,
    kDeviceCastsVote = 256,
    kDeviceMasterWins = 512,
};

// What votequorum says of one member; the device is the one that this member sees.
struct Member {
    totem::NodeId id = totem::kNoNode;
    std::string address = {};  // numeric, of its first link
    std::uint32_t votes = 0;
    std::uint32_t flags = 0;
    std::uint32_t device_votes = 0;
    std::string device_name = {};
};

// The own node's sums.
struct VoteSums {
    std::uint32_t expected = 0;
    std::uint32_t highest_expected = 0;
    std::uint32_t total = 0;
    std::uint32_t threshold = 0;  // as many make a quorum
    std::uint32_t flags = 0;
};

// A node of the configuration in force; one whose id is automatic is not among them.
struct ListedNode {
    totem::NodeId id = totem::kNoNode;
    std::string name;  // or, without one, its ring0_addr
    std::uint32_t votes = 1;

    friend bool operator==(const ListedNode&, const ListedNode&) = default;
};

struct View {
    bool votequorum = true;  // false: there is no quorum provider
    std::string provider = "corosync_votequorum";
    totem::NodeId self = totem::kNoNode;
    totem::RingId ring;
    bool quorate = false;
    VoteSums sums;                   // with votequorum
    std::vector<Member> members;     // in the engine's order
    std::vector<ListedNode> listed;  // in the order of the file
    // What the configuration in force would have expected; 0 when it does not say.
    std::uint32_t configured_votes = 0;
    std::vector<std::string> complaints;  // what could not be found out, a line each
};

// Why there is no answer: the text for stderr, without the last line end.
struct DoorError {
    std::string text;
};

class Cluster {
  public:
    Cluster() = default;
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    Cluster(Cluster&&) = delete;
    Cluster& operator=(Cluster&&) = delete;
    virtual ~Cluster() = default;

    [[nodiscard]] virtual totem::Result<View, DoorError> look() = 0;
    // For all nodes, until the configuration is read again; empty when it is done.
    [[nodiscard]] virtual std::optional<DoorError> set_expected(std::uint32_t votes) = 0;
};

}  // namespace pvecm
