#include "cfs/core/transfer_compare.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "totem/core/check.h"

namespace cfs {

namespace {

TransferError bad(const InodeRange& range) { return {TransferProblem::kBadRange, {}, range.from}; }

// Whether a set of entries with inodes in the range can amount to that.
bool possible(const InodeRange& range, const Summary& summary) {
    return summary.inodes <= range.width() && (summary.inodes != 0 || summary == Summary{});
}

}  // namespace

void TreeComparison::begin(const TreeView& own, const Summary& theirs, std::uint64_t version) {
    const InodeRange all{kRootInode, Inode{version + 1}};
    classify(own, all, theirs);
    own.visit_entries(all.to, [this](const EntryRef& entry) {
        gone_.push_back(entry->inode);
        return true;
    });
}

void TreeComparison::classify(const TreeView& own, const InodeRange& range, const Summary& theirs) {
    if (own.summary(range.from, range.to) == theirs) {
        return;
    }
    if (theirs.inodes == 0) {
        compare(own, range, {});
        return;
    }
    waiting_.emplace(range.from, Open{range, theirs});
}

std::optional<AskRanges> TreeComparison::next() {
    if (waiting_.empty()) {
        return std::nullopt;
    }
    AskRanges question;
    while (!waiting_.empty() && question.ranges.size() < kRangesPerQuestion) {
        auto open = waiting_.extract(waiting_.begin());
        question.ranges.push_back(open.mapped().range);
        asked_.insert(std::move(open));
    }
    return question;
}

TreeComparison::Problem TreeComparison::take(const TreeView& own, const AskRanges& asked,
                                             const RangesAre& answer) {
    if (answer.ranges.size() != asked.ranges.size()) {
        return bad(asked.ranges.front());
    }
    for (std::size_t i = 0; i < asked.ranges.size(); ++i) {
        const auto open = asked_.extract(asked.ranges[i].from);
        TOTEM_CHECK(!open.empty());
        if (const Problem problem = take(own, open.mapped(), answer.ranges[i])) {
            return problem;
        }
    }
    return std::nullopt;
}

TreeComparison::Problem TreeComparison::take(const TreeView& own, const Open& open,
                                             const RangeIs& is) {
    Summary sum;
    if (open.theirs.inodes > kListedMax) {
        const std::vector<InodeRange> shares = shares_of(open.range);
        if (is.shares.size() != shares.size()) {
            return bad(open.range);
        }
        for (std::size_t i = 0; i < shares.size(); ++i) {
            if (!possible(shares[i], is.shares[i])) {
                return bad(open.range);
            }
            sum += is.shares[i];
        }
        if (sum != open.theirs) {
            return bad(open.range);
        }
        for (std::size_t i = 0; i < shares.size(); ++i) {
            classify(own, shares[i], is.shares[i]);
        }
        return std::nullopt;
    }
    for (const Listed& listed : is.listed) {
        if (listed.inode < open.range.from || !(listed.inode < open.range.to) ||
            listed.size > kFileBytesCeiling) {
            return bad(open.range);
        }
        sum += Summary{1, listed.size, listed.digest};
    }
    if (sum != open.theirs) {
        return bad(open.range);
    }
    compare(own, open.range, is.listed);
    return std::nullopt;
}

// Both are ascending.
void TreeComparison::compare(const TreeView& own, const InodeRange& range,
                             const std::vector<Listed>& listed) {
    auto theirs = listed.begin();
    own.visit_entries(range.from, [&](const EntryRef& entry) {
        if (!(entry->inode < range.to)) {
            return false;
        }
        for (; theirs != listed.end() && theirs->inode < entry->inode; ++theirs) {
            wanted_.push_back(*theirs);
        }
        if (theirs == listed.end() || theirs->inode != entry->inode) {
            gone_.push_back(entry->inode);
            return true;
        }
        if (theirs->digest != entry->digest) {
            wanted_.push_back(*theirs);
        }
        ++theirs;
        return true;
    });
    wanted_.insert(wanted_.end(), theirs, listed.end());
}

std::vector<Inode> TreeComparison::gone() const {
    TOTEM_CHECK(done());
    std::vector<Inode> gone = gone_;
    std::sort(gone.begin(), gone.end());
    return gone;
}

}  // namespace cfs
