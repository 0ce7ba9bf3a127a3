// The contract between a replica and its disk (architecture.md decision 11).
//
// The replica hands over batches in order; commit() returns when the batch is on stable storage,
// and then all batches before it are too. After a crash at any instant, load() gives the state
// after some of the first batches, among them every one whose commit() returned; or opening fails
// and says why. Nothing is ever half there.
//
// A store is used from one thread at a time and may block for as long as a disk does.
// tests/cfs/store_contract.h is the suite that every implementation passes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cfs/core/image.h"
#include "totem/core/result.h"

namespace cfs {

// The replication's own durable words: the highest epoch promised, and bytes that only it reads.
struct Promise {
    std::uint64_t epoch = 0;
    std::vector<std::byte> record;
    friend bool operator==(const Promise&, const Promise&) = default;
};

struct Batch {
    std::vector<Record> records;  // ascending, following the last stored one
    std::vector<TreeChange> changes;
    std::vector<PartChange> parts;  // in order
    std::optional<Limits> limits;
    std::optional<std::vector<Floor>> floors;  // all of them
    std::uint64_t oldest_index = 0;            // records before it are not needed any more
    // State of another replica: `records` and `parts` are all there are, instead of following.
    bool adoption = false;
    std::optional<Promise> promise;
    std::optional<Aside> aside;

    [[nodiscard]] bool empty() const noexcept {
        return records.empty() && changes.empty() && parts.empty() && !limits && !floors &&
               !adoption && !promise && !aside;
    }
};

enum class StoreErrorKind : std::uint8_t {
    kNotOurs,  // made by something else: left untouched
    kNewer,    // made by a later version of ours: left untouched
    kDamaged,  // what is there cannot be trusted
    kNoSpace,  // the disk is full; nothing of the batch is stored
    kInUse,    // another process has it
    kFailed,   // the disk or the system failed; what is stored is unknown until it is opened again
};
struct StoreError {
    StoreErrorKind kind = StoreErrorKind::kFailed;
    std::string text;  // one line for people; names the file
};

struct AsideHead {
    std::uint64_t id = 0;
    std::uint64_t time = 0;
    std::string reason;
    std::uint64_t operations = 0;
    std::uint64_t entries = 0;
};

class Store {
  public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    Store(Store&&) = delete;
    Store& operator=(Store&&) = delete;
    virtual ~Store() = default;

    struct Loaded {
        Image image;  // no entries at all: nothing was ever stored
        Promise promise;
    };
    [[nodiscard]] virtual totem::Result<Loaded, StoreError> load() = 0;

    // What a commit did besides.
    struct Committed {
        std::string backup;  // where what was replaced was copied to first; empty: nothing was
    };
    // Durable when it returns. Before an adoption replaces anything there is a backup of all. After
    // an error other than kNoSpace every further commit fails.
    [[nodiscard]] virtual totem::Result<Committed, StoreError> commit(const Batch& batch) = 0;

    // What was put aside, oldest first.
    [[nodiscard]] virtual totem::Result<std::vector<AsideHead>, StoreError> asides() = 0;
    [[nodiscard]] virtual totem::Result<Aside, StoreError> read_aside(std::uint64_t id) = 0;
    [[nodiscard]] virtual totem::Result<Committed, StoreError> drop_aside(std::uint64_t id) = 0;
};

}  // namespace cfs
