#include "cfs/core/content.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

Digest digest_of(std::uint64_t size, const std::vector<BlockRef>& blocks) {
    Hasher hasher;
    hasher.number(size);
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        if (blocks[number]) {
            hasher.number(number).digest(blocks[number]->digest);
        }
    }
    return hasher.finish();
}

void drop_absent_end(std::vector<BlockRef>& blocks) {
    while (!blocks.empty() && !blocks.back()) {
        blocks.pop_back();
    }
}

// The block that is being changed, as plain bytes; put back into the list when the next one starts.
class OpenBlock {
  public:
    explicit OpenBlock(std::vector<BlockRef>& blocks) noexcept : blocks_(blocks) {}

    void write(std::uint64_t offset, Bytes data) {
        const auto number = static_cast<std::size_t>(offset / kBlockBytes);
        const auto within = static_cast<std::size_t>(offset % kBlockBytes);
        if (!open_ || number != number_) {
            close();
            open(number);
        }
        if (bytes_.size() < within + data.size()) {
            bytes_.resize(within + data.size());
        }
        std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(within));
    }

    void close() {
        if (open_) {
            blocks_[number_] = make_block(std::exchange(bytes_, {}));
            open_ = false;
        }
    }

  private:
    void open(std::size_t number) {
        if (blocks_.size() <= number) {
            blocks_.resize(number + 1);
        }
        if (blocks_[number]) {
            bytes_ = blocks_[number]->bytes;
        }
        number_ = number;
        open_ = true;
    }

    std::vector<BlockRef>& blocks_;
    std::vector<std::byte> bytes_;
    std::size_t number_ = 0;
    bool open_ = false;
};

}  // namespace

BlockRef make_block(std::vector<std::byte> bytes) {
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(),
                                   [](std::byte byte) { return byte != std::byte{0}; });
    bytes.erase(last.base(), bytes.end());
    if (bytes.empty()) {
        return nullptr;
    }
    auto block = std::make_shared<Block>();
    block->digest = Hasher{}.bytes(bytes).finish();
    block->bytes = std::move(bytes);
    return block;
}

Content::Content() : Content(0, {}) {}

bool Content::well_formed(std::uint64_t size, const std::vector<BlockRef>& blocks) {
    if (size > kFileBytesCeiling || (!blocks.empty() && !blocks.back())) {
        return false;
    }
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        const BlockRef& block = blocks[number];
        if (!block) {
            continue;
        }
        const std::uint64_t start = std::uint64_t{number} * kBlockBytes;
        if (block->bytes.empty() || block->bytes.size() > kBlockBytes ||
            block->bytes.back() == std::byte{0} || start + block->bytes.size() > size) {
            return false;
        }
    }
    return true;
}

Content::Content(std::uint64_t size, std::vector<BlockRef> blocks)
    : size_(size), blocks_(std::move(blocks)), digest_(digest_of(size_, blocks_)) {}

Content Content::written(const Ranges& ranges) const {
    std::vector<BlockRef> blocks = blocks_;
    std::uint64_t size = size_;
    OpenBlock open(blocks);
    for (const Range& range : ranges) {
        std::uint64_t at = range.offset;
        Bytes data = range.data;
        TOTEM_CHECK(data.size() <= kFileBytesCeiling && at <= kFileBytesCeiling - data.size());
        while (!data.empty()) {
            const std::size_t room = kBlockBytes - static_cast<std::size_t>(at % kBlockBytes);
            const std::size_t part = std::min(room, data.size());
            open.write(at, data.first(part));
            data = data.subspan(part);
            at += part;
        }
        size = std::max(size, at);
    }
    open.close();
    drop_absent_end(blocks);
    return {size, std::move(blocks)};
}

Content Content::resized(std::uint64_t size) const {
    TOTEM_CHECK(size <= kFileBytesCeiling);
    std::vector<BlockRef> blocks = blocks_;
    const auto whole = static_cast<std::size_t>(size / kBlockBytes);
    const auto rest = static_cast<std::size_t>(size % kBlockBytes);
    if (blocks.size() > whole) {
        const BlockRef cut = blocks[whole];
        blocks.resize(whole + 1);
        if (cut && cut->bytes.size() > rest) {
            const auto end = cut->bytes.begin() + static_cast<std::ptrdiff_t>(rest);
            blocks[whole] = make_block(std::vector<std::byte>(cut->bytes.begin(), end));
        }
        drop_absent_end(blocks);
    }
    return {size, std::move(blocks)};
}

std::size_t Content::read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset >= size_) {
        return 0;
    }
    const auto total =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    std::size_t done = 0;
    while (done < total) {
        const auto number = static_cast<std::size_t>((offset + done) / kBlockBytes);
        const auto within = static_cast<std::size_t>((offset + done) % kBlockBytes);
        const std::size_t part = std::min(kBlockBytes - within, total - done);
        const auto to = out.subspan(done, part);
        std::fill(to.begin(), to.end(), std::byte{0});
        if (number < blocks_.size() && blocks_[number] && blocks_[number]->bytes.size() > within) {
            const Bytes from = Bytes(blocks_[number]->bytes).subspan(within);
            std::copy_n(from.begin(), std::min(part, from.size()), to.begin());
        }
        done += part;
    }
    return total;
}

}  // namespace cfs
