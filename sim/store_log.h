// Batches in the order of their commits, and what a store that holds them loads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cfs/core/store.h"

namespace sim {

using BatchRef = std::shared_ptr<const cfs::Batch>;
using StoreLog = std::vector<BatchRef>;

inline cfs::Store::Loaded fold(const StoreLog& log) {
    cfs::Store::Loaded loaded;
    cfs::Image& image = loaded.image;
    std::map<cfs::Inode, cfs::EntryRef> entries;
    std::map<std::pair<cfs::WriteId, std::uint32_t>, cfs::Part> parts;
    std::uint64_t oldest = 0;
    for (const BatchRef& batch : log) {
        if (batch->adoption) {
            image.records.clear();
            parts.clear();
            oldest = 0;
        }
        image.records.insert(image.records.end(), batch->records.begin(), batch->records.end());
        oldest = std::max(oldest, batch->oldest_index);
        for (const cfs::TreeChange& change : batch->changes) {
            entries[change.inode] = change.after;
        }
        for (const cfs::Part& part : batch->parts) {
            parts[{part.id, part.sequence}] = part;
        }
        image.limits = batch->limits.value_or(image.limits);
        image.floors = batch->floors.value_or(image.floors);
        loaded.promise = batch->promise.value_or(loaded.promise);
    }
    std::erase_if(image.records,
                  [oldest](const cfs::Record& record) { return record.position.index < oldest; });
    for (const auto& [inode, entry] : entries) {
        if (entry) {
            image.entries.push_back(entry);
        }
    }
    for (const auto& [key, part] : parts) {
        if (part.ranges) {
            image.parts.push_back(part);
        }
    }
    return loaded;
}

// What was put aside, numbered from 1 in the order of commits.
inline std::vector<std::pair<std::uint64_t, const cfs::Aside*>> asides_of(const StoreLog& log) {
    std::vector<std::pair<std::uint64_t, const cfs::Aside*>> asides;
    for (const BatchRef& batch : log) {
        if (batch->aside) {
            asides.emplace_back(asides.size() + 1, &*batch->aside);
        }
    }
    return asides;
}

}  // namespace sim
