#include "cfs/fuse/write_buffer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

// The head of a range takes room in a message too (operation_codec.h): so many fit beside the data.
constexpr std::size_t kRangesPerPart = 512;

std::uint64_t end_of(const WrittenRanges& ranges) noexcept {
    return ranges.empty() ? 0 : ranges.rbegin()->first + ranges.rbegin()->second.size();
}

// The part of `ranges` that lies in [offset, offset + out.size()).
void overlay(const WrittenRanges& ranges, std::uint64_t offset, std::span<std::byte> out) {
    auto at = ranges.upper_bound(offset);
    if (at != ranges.begin()) {
        --at;
    }
    const std::uint64_t end = offset + out.size();
    for (; at != ranges.end() && at->first < end; ++at) {
        const std::uint64_t from = std::max(offset, at->first);
        const std::uint64_t to = std::min(end, at->first + at->second.size());
        if (from < to) {
            const auto source = std::span(at->second).subspan(from - at->first, to - from);
            std::copy(source.begin(), source.end(), out.subspan(from - offset).begin());
        }
    }
}

}  // namespace

void put_range(WrittenRanges& ranges, std::uint64_t offset, Bytes data) {
    if (data.empty()) {
        return;
    }
    // The range that this one begins in, or right behind; else a new one.
    auto at = ranges.upper_bound(offset);
    if (at != ranges.begin()) {
        const auto before = std::prev(at);
        at = before->first + before->second.size() >= offset ? before : at;
    }
    if (at == ranges.end() || at->first > offset) {
        at = ranges.emplace_hint(at, offset, std::vector<std::byte>{});
    }
    std::vector<std::byte>& bytes = at->second;
    const std::size_t place = offset - at->first;
    bytes.resize(std::max(bytes.size(), place + data.size()));
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(place));
    // What it reaches now: only the rest of that is still its own.
    for (auto next = std::next(at); next != ranges.end(); next = ranges.erase(next)) {
        const std::uint64_t end = at->first + bytes.size();
        if (next->first > end) {
            break;
        }
        const std::size_t covered = std::min<std::uint64_t>(end - next->first, next->second.size());
        bytes.insert(bytes.end(), next->second.begin() + static_cast<std::ptrdiff_t>(covered),
                     next->second.end());
    }
}

void WriteBuffer::write(std::uint64_t offset, Bytes data) { put_range(written_, offset, data); }

void WriteBuffer::append(std::uint64_t file_bytes, Bytes data) {
    put_range(written_, size_over(file_bytes), data);
}

std::uint64_t WriteBuffer::size_over(std::uint64_t file_bytes) const noexcept {
    return std::max({file_bytes, end_of(written_), sending_ ? end_of(*sending_) : 0});
}

std::size_t WriteBuffer::read(const Content& file, std::uint64_t offset,
                              std::span<std::byte> out) const {
    const std::uint64_t size = size_over(file.size());
    if (offset >= size) {
        return 0;
    }
    out = out.first(std::min<std::uint64_t>(out.size(), size - offset));
    const std::size_t stored = file.read(offset, out);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(stored), out.end(), std::byte{});
    if (sending_) {
        overlay(*sending_, offset, out);
    }
    overlay(written_, offset, out);
    return out.size();
}

std::shared_ptr<const WrittenRanges> WriteBuffer::take(std::optional<std::uint64_t> append_at) {
    TOTEM_CHECK(!sending_);
    if (append_at && !written_.empty()) {
        WrittenRanges moved;
        std::uint64_t at = *append_at;
        for (const auto& [offset, bytes] : written_) {
            put_range(moved, at, bytes);
            at += bytes.size();
        }
        written_ = std::move(moved);
    }
    sending_ = std::make_shared<const WrittenRanges>(std::exchange(written_, {}));
    return sending_;
}

const WrittenRanges& WriteBuffer::on_its_way() const {
    TOTEM_CHECK(sending_);
    return *sending_;
}

void WriteBuffer::finished(bool keep) {
    TOTEM_CHECK(sending_);
    if (keep) {
        WrittenRanges both = *sending_;
        for (const auto& [offset, bytes] : written_) {
            put_range(both, offset, bytes);
        }
        written_ = std::move(both);
    }
    sending_.reset();
}

std::vector<Ranges> WriteBuffer::parts(const WrittenRanges& ranges) {
    std::vector<Ranges> parts(1);
    std::size_t room = kOperationDataMax;
    for (const auto& [offset, bytes] : ranges) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            if (room == 0 || parts.back().size() == kRangesPerPart) {
                parts.emplace_back();
                room = kOperationDataMax;
            }
            const std::size_t now = std::min(room, bytes.size() - done);
            parts.back().push_back({offset + done, std::span(bytes).subspan(done, now)});
            done += now;
            room -= now;
        }
    }
    return parts;
}

}  // namespace cfs
