#include "cfs/core/entry.h"

#include <utility>

namespace cfs {

EntryRef sealed(Entry entry) {
    Hasher hasher(Hashed::kEntry);
    hasher.number(raw(entry.inode)).number(raw(entry.parent)).number(entry.version);
    hasher.number(totem::raw(entry.writer)).number(entry.mtime);
    hasher.number(static_cast<std::uint8_t>(entry.type)).text(entry.name);
    if (!entry.is_directory()) {
        hasher.digest(entry.content.digest());
    }
    entry.digest = hasher.finish();
    return std::make_shared<const Entry>(std::move(entry));
}

}  // namespace cfs
