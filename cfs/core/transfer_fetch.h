// Collects the entries that a transfer wants: from what an earlier try had fetched, and by asking.
//
// A file up to kInlineBytesMax comes whole. Of a larger one come first the digests of its blocks,
// which the entry's digest vouches for, then the blocks that neither the file's older version nor
// the earlier try has. So every answer is checked when it comes, and a long fetch that is cut short
// is not lost.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "cfs/core/entry.h"
#include "cfs/core/transfer_codec.h"
#include "cfs/core/transfer_error.h"
#include "cfs/core/tree_view.h"

namespace cfs {

// What transfers that did not end well have fetched. Nothing in it is believed but by its digest.
struct TransferCache {
    std::map<Inode, EntryRef> entries;
    std::map<Inode, std::vector<BlockRef>> blocks;  // of large files that were not complete
};

class EntryCollector {
  public:
    using Problem = std::optional<TransferError>;

    explicit EntryCollector(TransferCache cache) : cache_(std::move(cache)) {}

    void want(const Listed& listed);

    // What can be asked now. As long as not `all_wanted` are known, only what fills a message.
    [[nodiscard]] std::optional<TransferQuestion> next(bool all_wanted);
    [[nodiscard]] Problem take(const TreeView& own, const AskEntries& asked,
                               const EntriesAre& answer);
    [[nodiscard]] Problem take(const AskBlocks& asked, const BlocksAre& answer);
    // All that is wanted so far is there.
    [[nodiscard]] bool done() const noexcept {
        return waiting_.empty() && asked_.empty() && large_.empty();
    }

    // Ascending by inode.
    [[nodiscard]] std::vector<EntryRef> entries() const;
    [[nodiscard]] TransferCache take_cache();

    [[nodiscard]] std::uint64_t fetched() const noexcept { return fetched_; }
    [[nodiscard]] std::uint64_t fetched_blocks() const noexcept { return fetched_blocks_; }
    [[nodiscard]] std::uint64_t cached() const noexcept { return cached_; }

  private:
    // A large file whose blocks are not all here.
    struct Large {
        Entry entry;  // without content
        std::uint64_t size = 0;
        Digest digest;
        std::vector<BlockRef> blocks;
        std::size_t missing = 0;
    };

    [[nodiscard]] std::optional<AskEntries> next_entries(bool all_wanted);
    [[nodiscard]] std::optional<AskBlocks> next_blocks(bool all_wanted);
    [[nodiscard]] Problem take(const TreeView& own, const Listed& listed, const SentEntry& sent);
    [[nodiscard]] Problem take_large(const TreeView& own, const Listed& listed,
                                     const SentEntry& sent);
    [[nodiscard]] std::vector<const std::vector<BlockRef>*> blocks_here(const TreeView& own,
                                                                        Inode inode) const;
    [[nodiscard]] Problem complete(Large large);

    TransferCache cache_;
    std::map<Inode, EntryRef> got_;
    std::map<Inode, Listed> waiting_, asked_;
    std::size_t waiting_bytes_ = 0;  // at most, of their answers
    std::map<Inode, Large> large_;
    std::map<BlockName, Digest> waiting_blocks_, asked_blocks_;
    std::uint64_t fetched_ = 0, fetched_blocks_ = 0, cached_ = 0;
};

}  // namespace cfs
