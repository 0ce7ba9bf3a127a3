// store_bench: what a replaced file of 4 KiB costs, in the state alone and with the store.
//
//   store_bench DIRECTORY [ROUNDS]
//
// 16 writers each replace their file (temporary file, write, rename over) in every round. First
// without a store: what encoding, decoding and applying cost. Then with one in DIRECTORY, which
// should be on the disk that matters: a batch per operation, as one writer alone would have it, and
// a batch per step of all 16. Bytes are this process's, as the kernel counts what it will write to
// the device (/proc/self/io), without the file system's own journal.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "cfs/core/operation_codec.h"
#include "cfs/core/state.h"
#include "cfs/store/sqlite_store.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWriters = 16;
constexpr std::size_t kFileBytes = 4096;

std::uint64_t bytes_to_device() {
    std::ifstream in("/proc/self/io");
    std::string name;
    std::uint64_t value = 0;
    while (in >> name >> value) {
        if (name == "write_bytes:") {
            return value;
        }
    }
    return 0;
}

class Writers {
  public:
    explicit Writers(cfs::SqliteStore* store, std::size_t per_batch)
        : store_(store), per_batch_(per_batch) {}

    void round(char letter) {
        const std::vector<std::byte> data(kFileBytes, static_cast<std::byte>(letter));
        std::vector<cfs::Inode> files(kWriters);
        each([&](std::size_t i) {
            files[i] = apply(cfs::Create{cfs::kRootInode, temporary(i), true});
        });
        each([&](std::size_t i) { apply(cfs::Write{files[i], {{0, data}}}); });
        each([&](std::size_t i) {
            apply(cfs::Rename{cfs::kRootInode, temporary(i), cfs::kRootInode, final_name(i)});
        });
    }

  private:
    std::string_view temporary(std::size_t i) { return name_ = "f" + std::to_string(i) + ".tmp"; }
    std::string_view final_name(std::size_t i) { return other_ = "f" + std::to_string(i); }

    // As an operation goes: to bytes, from bytes, into the state.
    cfs::Inode apply(cfs::Change change) {
        bytes_.clear();
        encode(cfs::Operation{{cfs::NodeId{1}, cfs::Life{1}, ++number_}, 1, std::move(change)},
               bytes_);
        const auto operation = cfs::decode_operation(bytes_);
        return state_.apply(1, *operation).outcome.inode;
    }

    template <typename Step>
    void each(Step step) {
        for (std::size_t i = 0; i < kWriters; ++i) {
            step(i);
            if ((i + 1) % per_batch_ == 0) {
                store();
            }
        }
    }

    void store() {
        static_cast<void>(state_.snapshot());
        const cfs::Batch batch = state_.take_batch();
        if (store_ == nullptr) {
            return;
        }
        const auto committed = store_->commit(batch);
        if (!committed) {
            std::fprintf(stderr, "%s\n", committed.error().text.c_str());
            // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
            std::exit(1);
        }
    }

    cfs::SqliteStore* store_;
    std::size_t per_batch_;
    cfs::State state_;
    std::uint64_t number_ = 0;
    std::vector<std::byte> bytes_;
    std::string name_, other_;
};

void measure(const char* what, cfs::SqliteStore* store, std::size_t per_batch, std::size_t rounds) {
    Writers writers(store, per_batch);
    writers.round('a');
    const std::uint64_t before = bytes_to_device();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < rounds; ++i) {
        writers.round(static_cast<char>('b' + i % 20));
    }
    const std::chrono::duration<double> spent = Clock::now() - start;
    const auto replaces = static_cast<double>(rounds * kWriters);
    std::printf("%-28s %9.1f us  %9.0f bytes to the device  per replace\n", what,
                spent.count() * 1e6 / replaces,
                static_cast<double>(bytes_to_device() - before) / replaces);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: store_bench DIRECTORY [ROUNDS]\n");
        return 2;
    }
    const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 50;
    measure("state alone", nullptr, kWriters, 2000);
    for (const std::size_t per_batch : {std::size_t{1}, kWriters}) {
        const std::string path = std::string(argv[1]) + "/store_bench.db";
        std::filesystem::remove(path);
        auto store = cfs::SqliteStore::open({path, std::string(argv[1]) + "/backup"});
        if (!store) {
            std::fprintf(stderr, "%s\n", store.error().text.c_str());
            return 1;
        }
        measure(per_batch == 1 ? "a batch per operation" : "a batch per 16 operations",
                store->get(), per_batch, rounds);
        store->reset();
        std::filesystem::remove(path);
    }
    return 0;
}
