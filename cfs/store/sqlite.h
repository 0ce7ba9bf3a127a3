// sqlite's handles with an owner, and its result codes as StoreError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "cfs/core/store.h"
#include "totem/core/result.h"

namespace cfs::sqlite {

struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// "FILE: what failed: what sqlite says".
[[nodiscard]] StoreError error_of(sqlite3* database, const std::string& path,
                                  std::string_view what);

// One statement, prepared when it is first used. Parameters are bound from the first on, columns
// read from the first on; step() says whether there is a row. A failure stays until it is asked
// for: failed().
class Statement {
  public:
    // `sql` must outlive it.
    Statement(sqlite3* database, const char* sql) noexcept : database_(database), sql_(sql) {}
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    // Numbers are stored as sqlite's signed 64 bits with the same bits.
    Statement& bind(std::uint64_t value);
    Statement& bind(std::string_view text);
    // Must stay until the statement was run.
    Statement& bind(std::span<const std::byte> blob);
    Statement& bind_copy(std::span<const std::byte> blob);
    // As text in sqlite's sense, for what it reads itself.
    Statement& bind_text(const std::string& text);
    Statement& bind_null();

    // True: a row is there to read. False: done, or failed; ready to be bound again.
    bool step();
    // Runs a statement that gives no rows.
    bool run() { return !step() && !failed_; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }

    [[nodiscard]] std::uint64_t number();
    [[nodiscard]] std::string text();
    [[nodiscard]] std::vector<std::byte> blob();
    [[nodiscard]] bool is_null() const;  // the next column
    void skip() { ++column_; }

  private:
    [[nodiscard]] sqlite3_stmt* prepared();

    sqlite3* database_;
    const char* sql_;
    sqlite3_stmt* statement_ = nullptr;
    int parameter_ = 0;
    int column_ = 0;
    bool failed_ = false;
};

// Runs statements without parameters; false on the first failure.
[[nodiscard]] bool execute(sqlite3* database, const char* sql);

}  // namespace cfs::sqlite
