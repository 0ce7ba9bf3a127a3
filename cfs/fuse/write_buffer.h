// What was written through one open file and is not on its way into the tree yet.
//
// Written ranges lie over the file's content as the tree has it, so that the writer reads its own
// writes. take() hands them over to be sent; until finished() says what became of them they stay
// visible to the writer, below what it has written since.
//
// Source: architecture.md decision 10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cfs/core/content.h"

namespace cfs {

// By offset; none empty, no two touch.
using WrittenRanges = std::map<std::uint64_t, std::vector<std::byte>>;

class WriteBuffer {
  public:
    void write(std::uint64_t offset, Bytes data);
    // Behind everything: behind the file of this size, and behind what was appended before.
    void append(std::uint64_t file_bytes, Bytes data);

    [[nodiscard]] bool dirty() const noexcept { return !written_.empty(); }
    [[nodiscard]] bool sending() const noexcept { return sending_ != nullptr; }
    // What was taken and is not finished; something must be (checked).
    [[nodiscard]] const WrittenRanges& on_its_way() const;
    // How long the file is with all that is here.
    [[nodiscard]] std::uint64_t size_over(std::uint64_t file_bytes) const noexcept;
    // Copies [offset, offset + out.size()) as far as there is any; returns how many bytes.
    [[nodiscard]] std::size_t read(const Content& file, std::uint64_t offset,
                                   std::span<std::byte> out) const;

    // What is dirty, to be sent. With `append_at` (the present end of the file) it is moved there:
    // the file may have grown since. Nothing may be on its way already (checked).
    [[nodiscard]] std::shared_ptr<const WrittenRanges> take(std::optional<std::uint64_t> append_at);
    // What was taken is in the tree, or never will be. With `keep` it is dirty again.
    void finished(bool keep);

    // What is here as operations want it. The views live as long as `ranges`.
    // One element: a Write; more: the Chunks of one.
    [[nodiscard]] static std::vector<Ranges> parts(const WrittenRanges& ranges);

  private:
    WrittenRanges written_;
    std::shared_ptr<const WrittenRanges> sending_;
};

// Puts `data` into `ranges`, over what is there.
void put_range(WrittenRanges& ranges, std::uint64_t offset, Bytes data);

}  // namespace cfs
