#include "cfs/store/sqlite.h"

#include <utility>

namespace cfs::sqlite {

namespace {

StoreErrorKind kind_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL:
            return StoreErrorKind::kNoSpace;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return StoreErrorKind::kDamaged;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return StoreErrorKind::kInUse;
        default:
            return StoreErrorKind::kFailed;
    }
}

}  // namespace

StoreError error_of(sqlite3* database, const std::string& path, std::string_view what) {
    const char* text = database != nullptr ? sqlite3_errmsg(database) : "out of memory";
    const int code = database != nullptr ? sqlite3_extended_errcode(database) : SQLITE_NOMEM;
    return {kind_of(code), path + ": " + std::string(what) + ": " + text};
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(other.sql_),
      statement_(std::exchange(other.statement_, nullptr)),
      parameter_(other.parameter_),
      column_(other.column_),
      failed_(other.failed_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

sqlite3_stmt* Statement::prepared() {
    if (statement_ == nullptr && !failed_) {
        failed_ = sqlite3_prepare_v2(database_, sql_, -1, &statement_, nullptr) != SQLITE_OK;
    }
    return statement_;
}

Statement& Statement::bind(std::uint64_t value) {
    const auto stored = static_cast<sqlite3_int64>(value);
    failed_ = sqlite3_bind_int64(prepared(), ++parameter_, stored) != SQLITE_OK || failed_;
    return *this;
}

Statement& Statement::bind(std::string_view text) {
    // As a blob: names are bytes, not text in an encoding.
    return bind(std::as_bytes(std::span(text.data(), text.size())));
}

Statement& Statement::bind(std::span<const std::byte> blob) {
    // A null pointer would be bound as NULL.
    const void* data = blob.empty() ? "" : static_cast<const void*>(blob.data());
    failed_ = sqlite3_bind_blob64(prepared(), ++parameter_, data, blob.size(), SQLITE_STATIC) !=
                  SQLITE_OK ||
              failed_;
    return *this;
}

Statement& Statement::bind_copy(std::span<const std::byte> blob) {
    const int code = sqlite3_bind_blob64(prepared(), ++parameter_, blob.data(), blob.size(),
                                         SQLITE_TRANSIENT);  // NOLINT: sqlite's macro
    failed_ = code != SQLITE_OK || failed_;
    return *this;
}

Statement& Statement::bind_text(const std::string& text) {
    const int code = sqlite3_bind_text64(prepared(), ++parameter_, text.data(), text.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    failed_ = code != SQLITE_OK || failed_;
    return *this;
}

Statement& Statement::bind_null() {
    failed_ = sqlite3_bind_null(prepared(), ++parameter_) != SQLITE_OK || failed_;
    return *this;
}

bool Statement::step() {
    column_ = 0;
    parameter_ = 0;
    sqlite3_stmt* const statement = prepared();
    const int code = failed_ ? SQLITE_ERROR : sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return true;
    }
    failed_ = code != SQLITE_DONE;
    sqlite3_reset(statement_);
    return false;
}

std::uint64_t Statement::number() {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column_++));
}

std::vector<std::byte> Statement::blob() {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column_));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
    return data == nullptr ? std::vector<std::byte>{} : std::vector<std::byte>(data, data + size);
}

std::string Statement::text() {
    const std::vector<std::byte> bytes = blob();
    std::string text;
    text.reserve(bytes.size());
    for (const std::byte byte : bytes) {
        text += static_cast<char>(byte);
    }
    return text;
}

bool Statement::is_null() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

bool execute(sqlite3* database, const char* sql) {
    return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

}  // namespace cfs::sqlite
