// The two ways of a request to the protocol.
#pragma once

#include <cstddef>
#include <cstdint>

namespace totem::ipc {

// Which queue to the protocol a service's requests take; also what is gated together.
enum class Lane : std::uint8_t {
    kOrdered,  // cpg: stopped while nothing can be sent to the ring
    kLocal,    // everything else: answered on the spot
};
inline constexpr std::size_t kLanes = 2;

}  // namespace totem::ipc
