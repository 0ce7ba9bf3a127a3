// What the members of a ring can do beyond the deployed protocol.
//
// Each node of ours says so in one ordered message at the beginning of every synchronisation, under
// a service id that no deployed daemon uses and all of them drop (wire.md 6.1). A feature is in
// force for a ring when the synchronisation is complete and every member has announced it; one
// member that is not ours, or older, and nothing is. No feature exists yet: this is the door for
// them.
//
// Layout behind the service header of 16 bytes: u32 format @16, u32 0 @20, u64 features @24.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "totem/core/types.h"
#include "totem/group/state_hash.h"

namespace totem::group {

inline constexpr std::uint16_t kCapabilitiesService = 32;
inline constexpr std::uint16_t kCapabilitiesAnnounce = 0;
inline constexpr std::uint16_t kCapabilitiesFiller = 1;  // means nothing, to anybody
inline constexpr std::uint32_t kCapabilitiesFormat = 1;
inline constexpr std::uint64_t kOwnFeatures = 0;

inline constexpr std::size_t kCapabilitiesBodyBytes = 16;
[[nodiscard]] std::array<std::byte, kCapabilitiesBodyBytes> encode_capabilities(
    std::uint64_t features);

class Capabilities {
  public:
    // A synchronisation of `members` (ascending) begins: nothing is known of them.
    void begin(std::span<const NodeId> members);
    // An announcement; `message` starts with the service header. One of a format that is newer than
    // ours counts as no feature at all, one that is malformed as not sent.
    void on_announce(NodeId sender, std::span<const std::byte> message);

    // Features that every member announced.
    [[nodiscard]] std::uint64_t common() const noexcept;

    void hash(StateHash& into) const;

  private:
    struct Member {
        NodeId node = kNoNode;
        bool announced = false;
        std::uint64_t features = 0;
    };

    std::vector<Member> members_;
};

}  // namespace totem::group
