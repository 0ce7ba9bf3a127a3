// Rows of the store's tables: one pair of functions per table. All return false, with the reason
// left in the database handle or in `problem`, when something failed.
#pragma once

#include <string>
#include <vector>

#include "cfs/core/store.h"
#include "cfs/store/sqlite.h"

namespace cfs::sqlite {

// The tables of an empty database.
[[nodiscard]] bool create_tables(sqlite3* database);

// ---- writing, within a transaction --------------------------------------------------------------

// `root` goes with the last record.
[[nodiscard]] bool write_records(sqlite3* database, const std::vector<Record>& records,
                                 const EntryRef& root);
[[nodiscard]] bool delete_records_before(sqlite3* database, std::uint64_t index);
// All but the root.
[[nodiscard]] bool write_changes(sqlite3* database, const std::vector<TreeChange>& changes);
[[nodiscard]] bool write_parts(sqlite3* database, const std::vector<PartChange>& parts);
[[nodiscard]] bool write_floors(sqlite3* database, const std::vector<Floor>& floors);
[[nodiscard]] bool write_limits(sqlite3* database, const Limits& limits);
[[nodiscard]] bool write_promise(sqlite3* database, const Promise& promise);
[[nodiscard]] bool write_aside(sqlite3* database, const Aside& aside);
[[nodiscard]] bool delete_aside(sqlite3* database, std::uint64_t id);

// ---- reading ------------------------------------------------------------------------------------

// What is not as we write it leaves its reason in `problem`.
[[nodiscard]] bool read_all(sqlite3* database, Store::Loaded& loaded, std::string& problem);
// Null if no record was ever stored.
[[nodiscard]] bool read_root(sqlite3* database, EntryRef& root);
[[nodiscard]] bool read_asides(sqlite3* database, std::vector<AsideHead>& asides);
[[nodiscard]] bool read_aside(sqlite3* database, std::uint64_t id, Aside& aside,
                              std::string& problem);

// The columns of a record or an entry that several tables share.
void bind_record(Statement& statement, const Record& record);
[[nodiscard]] Record read_record(Statement& row);
void bind_entry(Statement& statement, const Entry& entry);
// Without content.
[[nodiscard]] bool read_entry(Statement& row, Entry& entry, std::uint64_t& size);

}  // namespace cfs::sqlite
