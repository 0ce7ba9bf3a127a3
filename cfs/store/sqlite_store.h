// The store on sqlite: one transaction and one fsync per batch.
//
// The database is in WAL mode with synchronous=FULL, locked for this process alone. Content is kept
// by block (content.h), so that a change writes what changed; pages are small, since most of what
// is written is. The root has no row of its own: the last record of every batch carries it.
//
// A file is ours when its header has our application id; anything else, an empty file too, is
// refused before sqlite sees it, so it is not touched. A new database is made beside its place and
// renamed.
//
// Blocking, one thread at a time; exceptions of the standard library aside, it throws nothing.
//
// Source: architecture.md decision 11.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cfs/core/store.h"
#include "cfs/store/sqlite.h"
#include "totem/core/result.h"

namespace cfs {

// "QURT", and the version of tables and rows.
inline constexpr std::uint32_t kApplicationId = 0x51555254;
inline constexpr std::uint32_t kStoreFormat = 1;

struct SqliteOptions {
    std::string path;              // the database, 0600; its directory must be there
    std::string backup_directory;  // made if it is not there, 0700
};

class SqliteStore final : public Store {
  public:
    // Opens the database, or makes a new one where there is none. Reads all of it once, to see
    // that it is whole.
    [[nodiscard]] static totem::Result<std::unique_ptr<SqliteStore>, StoreError> open(
        SqliteOptions options);

    [[nodiscard]] totem::Result<Loaded, StoreError> load() override;
    [[nodiscard]] totem::Result<Committed, StoreError> commit(const Batch& batch) override;
    [[nodiscard]] totem::Result<std::vector<AsideHead>, StoreError> asides() override;
    [[nodiscard]] totem::Result<Aside, StoreError> read_aside(std::uint64_t id) override;
    [[nodiscard]] totem::Result<Committed, StoreError> drop_aside(std::uint64_t id) override;

    // A copy of the whole database, 0600, durable when this returns: its path. The oldest go, so
    // that ten are there (backups.h).
    [[nodiscard]] totem::Result<std::string, StoreError> backup();

  private:
    SqliteStore(SqliteOptions options, sqlite::Database database);

    [[nodiscard]] StoreError error(std::string_view what) const;
    [[nodiscard]] StoreError damaged(std::string_view what) const;
    // Runs `write()` as one transaction.
    template <typename Write>
    [[nodiscard]] totem::Result<Committed, StoreError> transaction(Write&& write);

    SqliteOptions options_;
    sqlite::Database database_;
    EntryRef root_;                   // as the last record has it; null: there is none yet
    std::uint64_t oldest_index_ = 0;  // records before it are deleted
    bool broken_ = false;             // a commit failed: what is on disk is not known
};

}  // namespace cfs
