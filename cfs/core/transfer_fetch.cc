#include "cfs/core/transfer_fetch.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

// Contents that may have a block that is wanted.
using BlockLists = std::vector<const std::vector<BlockRef>*>;

constexpr std::size_t kListBytesMax = kTransferDataMax - sizeof(std::uint32_t);

TransferError bad_entry(Inode inode) { return {TransferProblem::kBadEntry, {}, inode}; }

void put_at(std::vector<BlockRef>& blocks, std::size_t number, BlockRef block) {
    if (blocks.size() <= number) {
        blocks.resize(number + 1);
    }
    blocks[number] = std::move(block);
}

// Null where there is none with that digest.
BlockRef find_at(const BlockLists& lists, std::size_t number, const Digest& digest) {
    for (const std::vector<BlockRef>* blocks : lists) {
        if (number < blocks->size() && (*blocks)[number] && (*blocks)[number]->digest == digest) {
            return (*blocks)[number];
        }
    }
    return nullptr;
}

// Null if the bytes are not those of a block: nothing, or zeros at their end.
BlockRef block_of(Bytes bytes) {
    BlockRef block = make_block({bytes.begin(), bytes.end()});
    return block && block->bytes.size() == bytes.size() ? block : nullptr;
}

// What the entry's digest would be if its content had these blocks.
Digest digest_of(Entry entry, std::uint64_t size, const std::vector<SentBlockDigest>& digests) {
    std::vector<BlockRef> blocks;
    for (const SentBlockDigest& sent : digests) {
        auto block = std::make_shared<Block>();
        block->digest = sent.digest;
        put_at(blocks, sent.number, std::move(block));
    }
    entry.content = Content(size, std::move(blocks));
    return sealed(std::move(entry))->digest;
}

}  // namespace

void EntryCollector::want(const Listed& listed) {
    const auto cached = cache_.entries.find(listed.inode);
    if (cached != cache_.entries.end() && cached->second->digest == listed.digest) {
        got_.emplace(listed.inode, cached->second);
        ++cached_;
        return;
    }
    waiting_.emplace(listed.inode, listed);
    waiting_bytes_ += sent_bytes_max(listed.size);
}

std::optional<TransferQuestion> EntryCollector::next(bool all_wanted) {
    if (auto entries = next_entries(all_wanted)) {
        return std::move(*entries);
    }
    const bool no_more = all_wanted && waiting_.empty() && asked_.empty();
    if (auto blocks = next_blocks(no_more)) {
        return std::move(*blocks);
    }
    return std::nullopt;
}

std::optional<AskEntries> EntryCollector::next_entries(bool all_wanted) {
    if (waiting_.empty() || (!all_wanted && waiting_bytes_ <= kListBytesMax)) {
        return std::nullopt;
    }
    AskEntries question;
    std::size_t room = kListBytesMax;
    while (!waiting_.empty()) {
        const std::size_t bytes = sent_bytes_max(waiting_.begin()->second.size);
        if (bytes > room) {
            break;
        }
        room -= bytes;
        waiting_bytes_ -= bytes;
        question.inodes.push_back(waiting_.begin()->first);
        asked_.insert(waiting_.extract(waiting_.begin()));
    }
    return question;
}

std::optional<AskBlocks> EntryCollector::next_blocks(bool all_wanted) {
    if (waiting_blocks_.empty() || (!all_wanted && waiting_blocks_.size() < kBlocksPerQuestion)) {
        return std::nullopt;
    }
    AskBlocks question;
    while (!waiting_blocks_.empty() && question.blocks.size() < kBlocksPerQuestion) {
        question.blocks.push_back(waiting_blocks_.begin()->first);
        asked_blocks_.insert(waiting_blocks_.extract(waiting_blocks_.begin()));
    }
    return question;
}

EntryCollector::Problem EntryCollector::take(const TreeView& own, const AskEntries& asked,
                                             const EntriesAre& answer) {
    if (answer.entries.size() != asked.inodes.size()) {
        return bad_entry(asked.inodes.front());
    }
    for (std::size_t i = 0; i < asked.inodes.size(); ++i) {
        const auto wanted = asked_.extract(asked.inodes[i]);
        TOTEM_CHECK(!wanted.empty());
        if (const Problem problem = take(own, wanted.mapped(), answer.entries[i])) {
            return problem;
        }
    }
    return std::nullopt;
}

EntryCollector::Problem EntryCollector::take(const TreeView& own, const Listed& listed,
                                             const SentEntry& sent) {
    if (sent.entry.inode != listed.inode || sent.size != listed.size) {
        return bad_entry(listed.inode);
    }
    ++fetched_;
    if (sent.size > kInlineBytesMax) {
        return take_large(own, listed, sent);
    }
    Large small{sent.entry, sent.size, listed.digest, {}, 0};
    for (const SentBlock& sent_block : sent.blocks) {
        BlockRef block = block_of(sent_block.bytes);
        if (!block) {
            return bad_entry(listed.inode);
        }
        put_at(small.blocks, sent_block.number, std::move(block));
    }
    return complete(std::move(small));
}

// What there is of a file already: an older version, and what an earlier try had fetched.
std::vector<const std::vector<BlockRef>*> EntryCollector::blocks_here(const TreeView& own,
                                                                      Inode inode) const {
    BlockLists lists;
    if (const EntryRef older = own.find(inode)) {
        lists.push_back(&older->content.blocks());
    }
    if (const auto entry = cache_.entries.find(inode); entry != cache_.entries.end()) {
        lists.push_back(&entry->second->content.blocks());
    }
    if (const auto blocks = cache_.blocks.find(inode); blocks != cache_.blocks.end()) {
        lists.push_back(&blocks->second);
    }
    return lists;
}

EntryCollector::Problem EntryCollector::take_large(const TreeView& own, const Listed& listed,
                                                   const SentEntry& sent) {
    if (digest_of(sent.entry, sent.size, sent.digests) != listed.digest) {
        return bad_entry(listed.inode);
    }
    const BlockLists here_already = blocks_here(own, listed.inode);
    Large large{sent.entry, sent.size, listed.digest, {}, 0};
    for (const SentBlockDigest& block : sent.digests) {
        BlockRef here = find_at(here_already, block.number, block.digest);
        if (!here) {
            ++large.missing;
            waiting_blocks_.emplace(BlockName{listed.inode, block.number}, block.digest);
        }
        put_at(large.blocks, block.number, std::move(here));
    }
    if (large.missing == 0) {
        return complete(std::move(large));
    }
    large_.emplace(listed.inode, std::move(large));
    return std::nullopt;
}

EntryCollector::Problem EntryCollector::take(const AskBlocks& asked, const BlocksAre& answer) {
    if (answer.blocks.size() != asked.blocks.size()) {
        return TransferError{TransferProblem::kBadBlock, {}, asked.blocks.front().inode};
    }
    for (std::size_t i = 0; i < asked.blocks.size(); ++i) {
        const BlockName& name = asked.blocks[i];
        const auto wanted = asked_blocks_.extract(name);
        const auto file = large_.find(name.inode);
        TOTEM_CHECK(!wanted.empty() && file != large_.end());
        BlockRef block = block_of(answer.blocks[i]);
        if (!block || block->digest != wanted.mapped()) {
            return TransferError{TransferProblem::kBadBlock, {}, name.inode};
        }
        ++fetched_blocks_;
        Large& large = file->second;
        large.blocks[name.number] = std::move(block);
        if (--large.missing > 0) {
            continue;
        }
        if (const Problem problem = complete(std::move(large_.extract(file).mapped()))) {
            return problem;
        }
    }
    return std::nullopt;
}

EntryCollector::Problem EntryCollector::complete(Large large) {
    const Inode inode = large.entry.inode;
    if (!Content::well_formed(large.size, large.blocks)) {
        return bad_entry(inode);
    }
    large.entry.content = Content(large.size, std::move(large.blocks));
    EntryRef entry = sealed(std::move(large.entry));
    if (entry->digest != large.digest) {
        return bad_entry(inode);
    }
    got_.emplace(inode, std::move(entry));
    return std::nullopt;
}

std::vector<EntryRef> EntryCollector::entries() const {
    std::vector<EntryRef> entries;
    entries.reserve(got_.size());
    for (const auto& [inode, entry] : got_) {
        entries.push_back(entry);
    }
    return entries;
}

TransferCache EntryCollector::take_cache() {
    for (auto& [inode, entry] : got_) {
        cache_.blocks.erase(inode);
        cache_.entries.insert_or_assign(inode, std::move(entry));
    }
    for (auto& [inode, large] : large_) {
        cache_.blocks.insert_or_assign(inode, std::move(large.blocks));
    }
    got_.clear();
    large_.clear();
    return std::move(cache_);
}

}  // namespace cfs
