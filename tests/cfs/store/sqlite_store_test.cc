// The store on sqlite: the contract on a disk that loses and tears, what it refuses to touch, what
// it does when the disk fails, and what it costs.
#include "cfs/store/sqlite_store.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <utility>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "cfs/store/backups.h"
#include "tests/cfs/replica.h"
#include "tests/cfs/store/recording_vfs.h"
#include "tests/cfs/store/store_contract.h"

namespace cfs::testing {
namespace {

namespace fs = std::filesystem;

// A directory of its own, gone with it.
class Directory {
  public:
    Directory() {
        // Canonical, since sqlite makes the names that it opens so.
        std::string name = fs::canonical(::testing::TempDir()) / "cfs_store_XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    Directory(Directory&&) = delete;
    Directory& operator=(Directory&&) = delete;
    ~Directory() { fs::remove_all(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class SqliteDisk final : public Disk {
  public:
    SqliteDisk() : recorder_((fs::create_directory(data()), data())) {
        static_cast<void>(open());  // makes the database
        recorder_.settle();
    }
    explicit SqliteDisk(const Recorder::Contents& contents)
        : recorder_((lay_out(contents), data())) {}

    Opened open() override {
        auto store = SqliteStore::open({data() + "/config.db", directory_.path() + "/backup"});
        if (!store) {
            return totem::Unexpected{store.error()};
        }
        return Opened(std::move(*store));
    }
    std::size_t moments() const override { return recorder_.moments(); }
    std::unique_ptr<Disk> after_power_cut(std::size_t moment, std::uint64_t chance) const override {
        return std::make_unique<SqliteDisk>(recorder_.after_power_cut(moment, chance));
    }
    Recorder& recorder() { return recorder_; }

  private:
    std::string data() const { return directory_.path() + "/data"; }
    void lay_out(const Recorder::Contents& contents) const {
        fs::create_directory(data());
        for (const auto& [name, bytes] : contents) {
            std::ofstream out(data() + "/" + name, std::ios::binary);
            out.write(reinterpret_cast<const char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
        }
    }

    Directory directory_;
    Recorder recorder_;
};

std::unique_ptr<Disk> make_sqlite_disk() { return std::make_unique<SqliteDisk>(); }

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(&make_sqlite_disk));

// ---- planted: synchronous=NORMAL ----------------------------------------------------------------

// Lets no connection have another level than NORMAL, as if the store had asked for that.
int only_normal(sqlite3* database, char** /*error*/, const sqlite3_api_routines* /*api*/) {
    sqlite3_exec(database, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL", nullptr,
                 nullptr, nullptr);
    return sqlite3_set_authorizer(
        database,
        [](void*, int action, const char* name, const char*, const char*, const char*) {
            const bool level =
                action == SQLITE_PRAGMA && name != nullptr && std::strcmp(name, "synchronous") == 0;
            return level ? SQLITE_IGNORE : SQLITE_OK;
        },
        nullptr);
}

TEST(SqliteStore, SynchronousNormalIsCaught) {
    const auto plant = reinterpret_cast<void (*)()>(only_normal);
    sqlite3_auto_extension(plant);
    SqliteDisk disk;
    const std::string verdict = check_power_cuts(disk, 1);
    sqlite3_cancel_auto_extension(plant);
    EXPECT_NE(verdict.find("lost what was durable"), std::string::npos) << verdict;
}

// ---- what it opens and what it leaves alone -----------------------------------------------------

std::string bytes_in(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Opening : public ::testing::Test {
  protected:
    std::string path() const { return directory_.path() + "/config.db"; }
    std::string backups() const { return directory_.path() + "/backup"; }
    auto open() const { return SqliteStore::open({path(), backups()}); }
    // Must be refused so, naming the file, and be the same bytes afterwards.
    void refused(StoreErrorKind kind) const {
        const std::string before = bytes_in(path());
        const auto store = open();
        ASSERT_FALSE(store.has_value());
        EXPECT_EQ(store.error().kind, kind) << store.error().text;
        EXPECT_NE(store.error().text.find(path()), std::string::npos) << store.error().text;
        EXPECT_EQ(bytes_in(path()), before);
        EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), 1);
    }
    void sql(const char* text) const {
        sqlite3* database = nullptr;
        sqlite3_open(path().c_str(), &database);
        // The recording layer has no shared memory.
        sqlite3_exec(database, "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr, nullptr);
        ASSERT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(database);
        sqlite3_close(database);
    }
    // A database of ours with something in it.
    void fill() const {
        auto store = open();
        Replica replica;
        replica.put("f", std::string(20000, 'x'));
        ASSERT_TRUE((*store)->commit(replica.state.take_batch()).has_value());
    }

  private:
    Directory directory_;
};

TEST_F(Opening, ANewDatabaseIsForItsOwnerOnly) {
    ASSERT_TRUE(open().has_value());
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Opening, AnotherProgramsDatabaseIsNotTouched) {
    sql("CREATE TABLE tree (inode INTEGER PRIMARY KEY); PRAGMA journal_mode = WAL");
    refused(StoreErrorKind::kNotOurs);
}

TEST_F(Opening, WhatIsNoDatabaseIsNotTouched) {
    std::ofstream(path()) << "hello";
    refused(StoreErrorKind::kNotOurs);
}

TEST_F(Opening, AnEmptyFileIsNotTouched) {
    std::ofstream(path()).close();
    refused(StoreErrorKind::kNotOurs);
}

TEST_F(Opening, ALaterFormatIsNotTouched) {
    fill();
    sql("PRAGMA user_version = 2");
    refused(StoreErrorKind::kNewer);
}

TEST_F(Opening, OneProcessAtATime) {
    const auto store = open();
    ASSERT_TRUE(store.has_value());
    const auto second = open();
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().kind, StoreErrorKind::kInUse) << second.error().text;
}

TEST_F(Opening, ALogWithoutItsDatabaseIsNotMixedIntoANewOne) {
    std::ofstream(path() + "-wal") << "left over";
    const auto store = open();
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().kind, StoreErrorKind::kDamaged);
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(Opening, AHalfMadeDatabaseIsMadeAnew) {
    std::ofstream(path() + ".new") << "half";
    EXPECT_TRUE(open().has_value());
    EXPECT_FALSE(fs::exists(path() + ".new"));
}

TEST_F(Opening, ChangedRowsAreNoticed) {
    for (const char* change :
         {"UPDATE entry SET mtime = mtime + 1", "UPDATE block SET data = x'41' WHERE id % 2 = 0",
          "DELETE FROM block", "UPDATE entry SET size = 5", "UPDATE record SET number = number + 9",
          "DELETE FROM entry", "UPDATE record SET root_version = root_version + 1",
          "INSERT INTO limits VALUES (1, 1, 1, 1, 0)"}) {
        fs::remove(path());
        fill();
        sql(change);
        const auto store = open();
        ASSERT_FALSE(store.has_value()) << change;
        EXPECT_EQ(store.error().kind, StoreErrorKind::kDamaged) << store.error().text;
        EXPECT_NE(store.error().text.find(path()), std::string::npos);
    }
}

// Whatever bit flips, what is served is what was stored, or nothing is (properties.md S10).
TEST_F(Opening, FlippedBitsAreNoticed) {
    fill();
    const std::string good = bytes_in(path());
    const Digest before = state_of((*open())->load()->image).digest();
    std::size_t noticed = 0;
    for (std::size_t at = 100; at < good.size(); at += 37) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        fs::remove(path() + "-wal");
        std::ofstream(path(), std::ios::binary) << bad;
        auto store = open();
        if (!store) {
            ++noticed;
            continue;
        }
        const auto state = load((*store)->load()->image);
        ASSERT_TRUE(state.has_value());
        EXPECT_EQ(state->digest(), before) << "byte " << at;
    }
    EXPECT_GT(noticed, good.size() / 37 / 2);
}

TEST_F(Opening, BackupsAreWholeAndForTheirOwnerOnly) {
    fill();
    auto store = open();
    const auto first = (*store)->backup();
    const auto second = (*store)->backup();
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_NE(*first, *second);
    struct stat info {};
    ASSERT_EQ(::stat(first->c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(backups().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    const auto copy = SqliteStore::open({*first, backups()});
    ASSERT_TRUE(copy.has_value()) << copy.error().text;
    EXPECT_EQ(load((*copy)->load()->image)->digest(), load((*store)->load()->image)->digest());
}

// Whoever restarts often adopts often, and each adoption makes one.
TEST_F(Opening, BackupsDoNotFillTheDisk) {
    fill();
    auto store = open();
    // Under a name that none of this second takes again.
    const std::string first = backups() + "/config.db.20200101T000000Z";
    fs::rename(*(*store)->backup(), first);
    const auto yesterday = fs::file_time_type::clock::now() - std::chrono::hours(24);
    const std::vector<std::string> others{"/config.db.20200101T000000Z.mine",
                                          "/other.db.20200101T000000Z", "/config.db.2020"};
    for (const std::string& other : others) {
        std::ofstream(backups() + other) << "not ours";
        fs::last_write_time(backups() + other, yesterday);
    }
    fs::last_write_time(first, yesterday);
    std::string last;
    for (int i = 0; i < 12; ++i) {
        last = *(*store)->backup();
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(backups()), {}),
              static_cast<std::ptrdiff_t>(kBackupsKept + others.size()));
    EXPECT_FALSE(fs::exists(first));
    EXPECT_TRUE(fs::exists(last));
    for (const std::string& other : others) {
        EXPECT_TRUE(fs::exists(backups() + other)) << other;
    }
}

// ---- a disk that fails --------------------------------------------------------------------------

TEST(SqliteStore, AFullDiskRefusesTheBatchAndNothingElse) {
    SqliteDisk disk;
    auto store = disk.open();
    Replica replica;
    replica.put("f", "small");
    ASSERT_TRUE((*store)->commit(replica.state.take_batch()).has_value());
    const Digest before = replica.state.digest();
    disk.recorder().disk_full = true;
    replica.put("f", std::string(100000, 'x'));
    const Batch batch = replica.state.take_batch();
    const auto refused = (*store)->commit(batch);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, StoreErrorKind::kNoSpace) << refused.error().text;
    EXPECT_EQ(load((*store)->load()->image)->digest(), before);
    disk.recorder().disk_full = false;
    ASSERT_TRUE((*store)->commit(batch).has_value());
    EXPECT_EQ(load((*store)->load()->image)->digest(), replica.state.digest());
}

// After a failed sync nobody knows what is on the disk, whatever the next sync says.
TEST(SqliteStore, AFailedSyncEndsIt) {
    SqliteDisk disk;
    auto store = disk.open();
    Replica replica;
    replica.create("f");
    disk.recorder().syncs_fail = true;
    const auto failed = (*store)->commit(replica.state.take_batch());
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().kind, StoreErrorKind::kFailed);
    disk.recorder().syncs_fail = false;
    replica.create("g");
    EXPECT_FALSE((*store)->commit(replica.state.take_batch()).has_value());
}

// ---- what it costs ------------------------------------------------------------------------------

struct Cost {
    double bytes = 0;  // written to files, per replace
    double syncs = 0;
};

// 16 writers replace a file of 4 KiB each, again and again: temp file, write, rename.
Cost cost_of_replaces(std::size_t per_batch) {
    constexpr std::size_t kWriters = 16;
    constexpr std::size_t kRounds = 100;
    SqliteDisk disk;
    auto store = disk.open();
    Replica replica;
    const auto commit = [&] {
        EXPECT_TRUE((*store)->commit(replica.state.take_batch()).has_value());
    };
    const auto step = [&](auto perform) {
        for (std::size_t writer = 0; writer < kWriters; ++writer) {
            perform(std::to_string(writer));
            if ((writer + 1) % per_batch == 0) {
                commit();
            }
        }
    };
    std::uint64_t bytes = 0;
    std::uint64_t syncs = 0;
    for (std::size_t round = 0; round <= kRounds; ++round) {
        if (round == 1) {  // the first makes the files
            bytes = disk.recorder().bytes_written();
            syncs = disk.recorder().syncs();
        }
        const std::string text(4096, static_cast<char>('a' + round % 26));
        step([&](const std::string& name) { replica.create(name + ".tmp"); });
        step([&](const std::string& name) { replica.write(name + ".tmp", text); });
        step([&](const std::string& name) { replica.rename(name + ".tmp", name); });
    }
    store->reset();
    const double replaces = kWriters * kRounds;
    return {static_cast<double>(disk.recorder().bytes_written() - bytes) / replaces,
            static_cast<double>(disk.recorder().syncs() - syncs) / replaces};
}

TEST(SqliteStore, AReplaceOf4KiBWritesLessThan24KB) {
    const Cost alone = cost_of_replaces(1);
    const Cost together = cost_of_replaces(16);
    RecordProperty("bytes_one_operation_per_batch", static_cast<int>(alone.bytes));
    RecordProperty("bytes_16_operations_per_batch", static_cast<int>(together.bytes));
    std::cout << "bytes per replace: " << alone.bytes << " with a batch per operation, "
              << together.bytes << " with 16 operations per batch; syncs " << alone.syncs << ", "
              << together.syncs << '\n';
    EXPECT_LT(alone.bytes, 24000);
    EXPECT_LT(together.bytes, 24000);
    EXPECT_LT(together.syncs, 3.0 / 16 + 0.02);
}

}  // namespace
}  // namespace cfs::testing
