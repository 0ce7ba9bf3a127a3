// What is in a file: an immutable value made of blocks that its versions share.
//
// A change makes a new Content that has new blocks only where bytes changed, so that a small write
// into a large file copies, hashes and stores little. Zeros cost nothing: a block keeps no trailing
// zeros, and a block of nothing else is absent. That also makes equal content have equal blocks,
// whatever writes it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cfs/core/digest.h"
#include "cfs/core/operation.h"

namespace cfs {

inline constexpr std::size_t kBlockBytes = std::size_t{16} * 1024;

// The bytes at [number * kBlockBytes, ...) up to the last one that is not zero; never empty.
struct Block {
    std::vector<std::byte> bytes;
    Digest digest;
};
using BlockRef = std::shared_ptr<const Block>;

class Content {
  public:
    Content();
    // From stored blocks: `blocks[n]` as Block says, null for zeros. Absent if they are not in the
    // one form there is (too long, trailing zeros, beyond the size).
    [[nodiscard]] static bool well_formed(std::uint64_t size, const std::vector<BlockRef>& blocks);
    Content(std::uint64_t size, std::vector<BlockRef> blocks);

    // With `ranges` (ascending, not overlapping) in it; as long as the furthest of them needs.
    [[nodiscard]] Content written(const Ranges& ranges) const;
    // Cut, or grown with zeros.
    [[nodiscard]] Content resized(std::uint64_t size) const;

    // Copies [offset, offset + out.size()) as far as there is any; returns how many bytes.
    // NOLINTNEXTLINE(modernize-use-nodiscard): who knows the size has no use for it
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) const;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    // By number; null, or beyond the end of the list: zeros.
    [[nodiscard]] const std::vector<BlockRef>& blocks() const noexcept { return blocks_; }
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }

  private:
    std::uint64_t size_ = 0;
    std::vector<BlockRef> blocks_;  // the last one is not null
    Digest digest_;
};

// Null if `bytes` are all zero; else without the zeros at their end.
[[nodiscard]] BlockRef make_block(std::vector<std::byte> bytes);

}  // namespace cfs
