#include "cfs/store/sqlite_store.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "cfs/core/state.h"
#include "cfs/store/backups.h"
#include "cfs/store/sqlite_rows.h"

namespace cfs {

namespace {

using sqlite::Database;
using totem::Result;
using totem::Unexpected;
namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

// Of the header of a sqlite database: where our words stand, big-endian.
constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kUserVersionAt = 60;
constexpr std::size_t kApplicationIdAt = 68;
// NOLINTNEXTLINE(bugprone-string-constructor): its zero at the end belongs to it
constexpr std::string_view kMagic{"SQLite format 3", 16};

class File {
  public:
    File(const std::string& path, int flags) noexcept
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, kFileMode)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    File(File&&) = delete;
    File& operator=(File&&) = delete;
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] bool sync() const noexcept { return ::fsync(fd_) == 0; }

  private:
    int fd_;
};

StoreError system_error(const std::string& path, std::string_view what) {
    const StoreErrorKind kind =
        errno == ENOSPC ? StoreErrorKind::kNoSpace : StoreErrorKind::kFailed;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's is safe
    return {kind, path + ": " + std::string(what) + ": " + std::strerror(errno)};
}

std::string directory_of(const std::string& path) {
    const std::string parent = fs::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
}

// A file that was made or renamed is there after a crash.
bool sync_entry(const std::string& path) {
    const File directory(directory_of(path), O_RDONLY | O_DIRECTORY);
    return directory.is_open() && directory.sync();
}

bool sync_file(const std::string& path) {
    const File file(path, O_RDONLY);
    return file.is_open() && file.sync() && sync_entry(path);
}

std::uint32_t word_at(const std::array<unsigned char, kHeaderBytes>& header, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < sizeof word; ++i) {
        word = word << 8U | header[at + i];
    }
    return word;
}

// Read without sqlite, which might write to what is not ours (recovery, rollback).
std::optional<StoreError> check_ours(const std::string& path) {
    const File file(path, O_RDONLY);
    if (!file.is_open()) {
        return system_error(path, "cannot be read");
    }
    std::array<unsigned char, kHeaderBytes> header{};
    const ssize_t got = ::pread(file.fd(), header.data(), header.size(), 0);
    if (got < 0) {
        return system_error(path, "cannot be read");
    }
    const bool sqlite = got == static_cast<ssize_t>(kHeaderBytes) &&
                        std::memcmp(header.data(), kMagic.data(), kMagic.size()) == 0;
    if (!sqlite || word_at(header, kApplicationIdAt) != kApplicationId) {
        return StoreError{StoreErrorKind::kNotOurs,
                          path + ": not made by this program, left as it is"};
    }
    const std::uint32_t format = word_at(header, kUserVersionAt);
    if (format > kStoreFormat) {
        return StoreError{StoreErrorKind::kNewer, path + ": made by a later version (format " +
                                                      std::to_string(format) + "), left as it is"};
    }
    return std::nullopt;
}

Database open_handle(const std::string& path, int flags) {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    if (handle != nullptr) {
        sqlite3_extended_result_codes(handle, 1);
    }
    return Database(handle);
}

// Small pages: most changes are a row of a hundred bytes, and a page is what is written for it.
constexpr const char* kNewDatabase =
    "PRAGMA page_size = 1024;"
    "PRAGMA application_id = 1364546132;"
    "PRAGMA user_version = 1;"
    "PRAGMA journal_mode = WAL;";
static_assert(kApplicationId == 1364546132 && kStoreFormat == 1);

// Exclusive first: then WAL needs no shared memory, and nobody else gets in. 4096 pages of log are
// 4 MiB, written over the same place again and again.
constexpr const char* kOpened =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 4096;"
    "PRAGMA trusted_schema = OFF;"
    "BEGIN IMMEDIATE; COMMIT;";

// Beside its place, then renamed: a crash leaves no half-made database there.
std::optional<StoreError> create(const std::string& path) {
    // sqlite would put a log that is left over into whatever database it finds beside it.
    if (::access((path + "-wal").c_str(), F_OK) == 0) {
        return StoreError{StoreErrorKind::kDamaged,
                          path + ": damaged: it is missing, its log " + path + "-wal is there"};
    }
    const std::string fresh = path + ".new";
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        ::unlink((fresh + suffix).c_str());
    }
    if (!File(fresh, O_RDWR | O_CREAT | O_EXCL).is_open()) {
        return system_error(fresh, "cannot be made");
    }
    Database database = open_handle(fresh, SQLITE_OPEN_READWRITE);
    if (!sqlite::execute(database.get(), kNewDatabase) || !sqlite::create_tables(database.get())) {
        return sqlite::error_of(database.get(), fresh, "cannot be made");
    }
    database.reset();  // puts the log into the database
    if (!sync_file(fresh)) {
        return system_error(fresh, "cannot be made durable");
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0 || !sync_entry(path)) {
        return system_error(path, "cannot be put in place");
    }
    return std::nullopt;
}

std::optional<StoreError> check_integrity(sqlite3* database, const std::string& path) {
    sqlite::Statement check(database, "PRAGMA integrity_check(1)");
    if (!check.step()) {
        return sqlite::error_of(database, path, "cannot be checked");
    }
    const std::string verdict = check.text();
    if (verdict != "ok") {
        return StoreError{StoreErrorKind::kDamaged, path + ": damaged: " + verdict};
    }
    return std::nullopt;
}

}  // namespace

SqliteStore::SqliteStore(SqliteOptions options, Database database)
    : options_(std::move(options)), database_(std::move(database)) {}

StoreError SqliteStore::error(std::string_view what) const {
    return sqlite::error_of(database_.get(), options_.path, what);
}

StoreError SqliteStore::damaged(std::string_view what) const {
    return {StoreErrorKind::kDamaged, options_.path + ": damaged: " + std::string(what)};
}

Result<std::unique_ptr<SqliteStore>, StoreError> SqliteStore::open(SqliteOptions options) {
    const std::string path = options.path;
    if (::access(path.c_str(), F_OK) != 0) {
        if (errno != ENOENT) {
            return Unexpected{system_error(path, "cannot be looked for")};
        }
        if (const auto failed = create(path)) {
            return Unexpected{*failed};
        }
    }
    if (const auto refused = check_ours(path)) {
        return Unexpected{*refused};
    }
    Database database = open_handle(path, SQLITE_OPEN_READWRITE);
    if (!database || !sqlite::execute(database.get(), kOpened)) {
        return Unexpected{sqlite::error_of(database.get(), path, "cannot be opened")};
    }
    if (const auto failed = check_integrity(database.get(), path)) {
        return Unexpected{*failed};
    }
    std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(options), std::move(database)));
    auto loaded = store->load();
    if (!loaded) {
        return Unexpected{loaded.error()};
    }
    if (const auto state = cfs::load(loaded->image); !state) {
        return Unexpected{store->damaged(to_string(state.error()))};
    }
    if (!loaded->image.records.empty()) {
        store->oldest_index_ = loaded->image.records.front().position.index;
        store->root_ = loaded->image.entries.front();
    }
    return store;
}

Result<Store::Loaded, StoreError> SqliteStore::load() {
    Loaded loaded;
    std::string problem;
    if (!sqlite::read_all(database_.get(), loaded, problem)) {
        return Unexpected{problem.empty() ? error("cannot be read") : damaged(problem)};
    }
    return loaded;
}

template <typename Write>
Result<Store::Committed, StoreError> SqliteStore::transaction(Write&& write) {
    if (broken_) {
        return Unexpected{StoreError{StoreErrorKind::kFailed,
                                     options_.path + ": not written since an earlier failure"}};
    }
    sqlite3* database = database_.get();
    const bool done = sqlite::execute(database, "BEGIN IMMEDIATE") && write() &&
                      sqlite::execute(database, "COMMIT");
    if (done) {
        return Committed{};
    }
    StoreError failure = error("cannot be written");
    if (sqlite3_get_autocommit(database) == 0 && !sqlite::execute(database, "ROLLBACK")) {
        broken_ = true;
    }
    broken_ = broken_ || failure.kind != StoreErrorKind::kNoSpace;
    return Unexpected{std::move(failure)};
}

Result<Store::Committed, StoreError> SqliteStore::commit(const Batch& batch) {
    Committed committed;
    if (batch.adoption && root_ && !broken_) {
        auto copy = backup();
        if (!copy) {
            return Unexpected{copy.error()};
        }
        committed.backup = std::move(*copy);
    }
    EntryRef root = root_;
    for (const TreeChange& change : batch.changes) {
        root = change.inode == kRootInode ? change.after : root;
    }
    sqlite3* database = database_.get();
    const bool forget = batch.oldest_index > oldest_index_;
    auto result = transaction([&] {
        return (!batch.adoption ||
                sqlite::execute(database, "DELETE FROM record; DELETE FROM part")) &&
               sqlite::write_records(database, batch.records, root) &&
               (!forget || sqlite::delete_records_before(database, batch.oldest_index)) &&
               sqlite::write_changes(database, batch.changes) &&
               sqlite::write_parts(database, batch.parts) &&
               (!batch.floors || sqlite::write_floors(database, *batch.floors)) &&
               (!batch.limits || sqlite::write_limits(database, *batch.limits)) &&
               (!batch.promise || sqlite::write_promise(database, *batch.promise)) &&
               (!batch.aside || sqlite::write_aside(database, *batch.aside));
    });
    if (!result) {
        return result;
    }
    root_ = root;
    oldest_index_ = forget || batch.adoption ? batch.oldest_index : oldest_index_;
    return committed;
}

Result<std::string, StoreError> SqliteStore::backup() {
    const std::string& directory = options_.backup_directory;
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
        return Unexpected{system_error(directory, "cannot be made")};
    }
    const std::string name = fs::path(options_.path).filename().string();
    make_room_for_backup(directory, name);
    // Made first, so that its mode is right from the start; sqlite takes an empty file.
    const std::string path = new_backup_path(directory, name);
    if (!File(path, O_RDWR | O_CREAT | O_EXCL).is_open()) {
        return Unexpected{system_error(path, "cannot be made")};
    }
    sqlite::Statement copy(database_.get(), "VACUUM INTO ?");
    const bool copied = copy.bind_text(path).run();
    if (!copied || !sync_file(path) || !sync_entry(directory)) {
        StoreError failure = copied ? system_error(path, "cannot be made durable")
                                    : sqlite::error_of(database_.get(), path, "cannot be written");
        ::unlink(path.c_str());
        return Unexpected{std::move(failure)};
    }
    return path;
}

Result<std::vector<AsideHead>, StoreError> SqliteStore::asides() {
    std::vector<AsideHead> heads;
    if (!sqlite::read_asides(database_.get(), heads)) {
        return Unexpected{error("cannot be read")};
    }
    return heads;
}

Result<Aside, StoreError> SqliteStore::read_aside(std::uint64_t id) {
    Aside aside;
    std::string problem;
    if (!sqlite::read_aside(database_.get(), id, aside, problem)) {
        return Unexpected{
            problem.empty() ? error("cannot be read")
                            : StoreError{StoreErrorKind::kFailed, options_.path + ": " + problem}};
    }
    return aside;
}

Result<Store::Committed, StoreError> SqliteStore::drop_aside(std::uint64_t id) {
    return transaction([&] { return sqlite::delete_aside(database_.get(), id); });
}

}  // namespace cfs
