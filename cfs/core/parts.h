// Parts of large writes that wait for their commit: replicated like the tree, but invisible.
//
// Source: architecture.md decision 10.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/operation.h"
#include "cfs/core/types.h"

namespace cfs {

// All parts together may hold this much; beyond it a part is refused (kNoSpace).
inline constexpr std::uint64_t kPartsBytesMax = std::uint64_t{32} << 20U;

struct WriteId {
    NodeId node = totem::kNoNode;
    Life life{};
    std::uint64_t write = 0;
    friend constexpr bool operator==(const WriteId&, const WriteId&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(const WriteId&,
                                                      const WriteId&) noexcept = default;
};

// The encoded ranges of one part (operation_codec.h), shared with whoever stores it.
using PartBytes = std::shared_ptr<const std::vector<std::byte>>;
struct Part {
    WriteId id;
    std::uint32_t sequence = 0;
    PartBytes ranges;
};

// One part that came, or went (`ranges` null).
using PartChange = Part;

class Parts {
  public:
    // The next part of a write. kInvalid if it is not the next one; then, and when there is no
    // room, the write's parts are forgotten, since it cannot be committed any more.
    [[nodiscard]] Errno add(const WriteId& id, std::uint32_t sequence, const Ranges& ranges);
    // Takes the parts out. Empty if there are not exactly `count`.
    [[nodiscard]] std::vector<PartBytes> take(const WriteId& id, std::uint32_t count);
    // Forgets all writes of the node's other lives.
    void discard(NodeId node, Life kept);

    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    // Ascending.
    [[nodiscard]] std::vector<Part> all() const;
    // What came and went since the last call, in order.
    [[nodiscard]] std::vector<PartChange> take_changes() { return std::exchange(changes_, {}); }

    // False, and nothing is changed, if these are not what add() makes.
    [[nodiscard]] bool assign(const std::vector<Part>& parts);

  private:
    void keep(const WriteId& id, PartBytes ranges);
    void forget(const WriteId& id);

    std::map<WriteId, std::vector<PartBytes>> writes_;
    std::uint64_t bytes_ = 0;
    Digest digest_;
    std::vector<PartChange> changes_;
};

}  // namespace cfs
