// The simulated disk keeps the store's contract, and fails as it is told to.
#include "sim/store_disk.h"

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include "sim/random.h"
#include "tests/cfs/store/store_contract.h"

namespace sim {
namespace {

using std::chrono::milliseconds;
using totem::Unexpected;

cfs::StoreError failed(const char* text) { return {cfs::StoreErrorKind::kFailed, text}; }

// The disk, behind the blocking interface of a store. A moment is a write, or a sync that has
// ended; the disk as it was then is kept, so that the power can be cut afterwards.
class SimulatedDisk final : public cfs::testing::Disk {
  public:
    SimulatedDisk() = default;
    explicit SimulatedDisk(StoreDisk disk) : disk_(std::move(disk)) {}

    Opened open() override { return Opened(std::make_unique<Open>(*this)); }
    std::size_t moments() const override { return before_.size(); }
    std::unique_ptr<Disk> after_power_cut(std::size_t moment, std::uint64_t chance) const override {
        StoreDisk left = moment < before_.size() ? before_[moment] : disk_;
        const std::size_t unsynced = left.log().size() - left.durable();
        left.cut_power(chance == 0 ? 0 : chance == 1 ? unsynced : chance % (unsynced + 1));
        return std::make_unique<SimulatedDisk>(std::move(left));
    }

  private:
    class Open final : public cfs::Store {
      public:
        explicit Open(SimulatedDisk& of) : of_(of) {}
        totem::Result<Loaded, cfs::StoreError> load() override { return of_.disk_.open(); }
        totem::Result<Committed, cfs::StoreError> commit(const cfs::Batch& batch) override {
            return of_.commit(batch);
        }
        totem::Result<std::vector<cfs::AsideHead>, cfs::StoreError> asides() override {
            std::vector<cfs::AsideHead> heads;
            for (const auto& [id, aside] : of_.disk_.asides()) {
                heads.push_back(
                    {id, aside->time, aside->reason, aside->tail.size(), aside->entries.size()});
            }
            return heads;
        }
        totem::Result<cfs::Aside, cfs::StoreError> read_aside(std::uint64_t id) override {
            for (const auto& [number, aside] : of_.disk_.asides()) {
                if (number == id) {
                    return cfs::Aside(*aside);
                }
            }
            return Unexpected{failed("no such aside")};
        }
        totem::Result<Committed, cfs::StoreError> drop_aside(std::uint64_t id) override {
            of_.disk_.drop_aside(id);
            return Committed{};
        }

      private:
        SimulatedDisk& of_;
    };

    totem::Result<cfs::Store::Committed, cfs::StoreError> commit(const cfs::Batch& batch) {
        before_.push_back(disk_);
        disk_.commit(now_, batch, {milliseconds{1}, milliseconds{9}});
        while (disk_.due()) {
            now_ = *disk_.due();
            const auto answer = disk_.settle(now_);
            if (answer && std::holds_alternative<cfs::StoreFailed>(*answer)) {
                return Unexpected{std::get<cfs::StoreFailed>(*answer).error};
            }
            if (answer) {
                return cfs::Store::Committed{std::get<cfs::Stored>(*answer).backup};
            }
            before_.push_back(disk_);
        }
        return Unexpected{failed("nothing is due")};
    }

    StoreDisk disk_;
    Instant now_{};
    std::vector<StoreDisk> before_;  // the disk between one moment and the next
};

std::unique_ptr<cfs::testing::Disk> make_disk() { return std::make_unique<SimulatedDisk>(); }

cfs::Batch promise(std::uint64_t epoch) {
    cfs::Batch batch;
    batch.promise = cfs::Promise{epoch, {}};
    return batch;
}

// The answer to a commit, however long it takes.
StoreDisk::Answer committed(StoreDisk& disk, std::uint64_t epoch) {
    disk.commit(Instant{}, promise(epoch), {milliseconds{1}, milliseconds{9}});
    return disk.settle(Instant{milliseconds{10}}).value();
}

cfs::StoreErrorKind kind_of(const StoreDisk::Answer& answer) {
    return std::get<cfs::StoreFailed>(answer).error.kind;
}

TEST(StoreDisk, IsDurableWhenTheSyncHasEndedAndNotBefore) {
    StoreDisk disk;
    static_cast<void>(disk.open());
    disk.commit(Instant{}, promise(7), {milliseconds{1}, milliseconds{9}});
    EXPECT_FALSE(disk.settle(Instant{milliseconds{9}}));
    StoreDisk cut = disk;
    cut.cut_power(0);
    EXPECT_EQ(cut.open().promise.epoch, 0U);
    StoreDisk killed = disk;
    killed.crash(DiskFate::kKept, disk, 1);
    EXPECT_EQ(killed.open().promise.epoch, 7U);
    killed.cut_power(0);
    EXPECT_EQ(killed.open().promise.epoch, 0U);
    EXPECT_TRUE(disk.settle(Instant{milliseconds{10}}));
    disk.cut_power(0);
    EXPECT_EQ(disk.open().promise.epoch, 7U);
}

TEST(StoreDisk, WhatIsNotYetWrittenDiesWithTheProcess) {
    StoreDisk disk;
    disk.commit(Instant{}, promise(7), {milliseconds{1}, milliseconds{9}});
    disk.crash(DiskFate::kKept, disk, 1);
    EXPECT_EQ(disk.open().promise.epoch, 0U);
}

TEST(StoreDisk, AFullDiskStoresNothingAndHasRoomLater) {
    StoreDisk disk;
    disk.set_full(true);
    EXPECT_EQ(kind_of(committed(disk, 7)), cfs::StoreErrorKind::kNoSpace);
    EXPECT_TRUE(disk.log().empty());
    disk.set_full(false);
    EXPECT_TRUE(std::holds_alternative<cfs::Stored>(committed(disk, 8)));
}

TEST(StoreDisk, AFailedDiskFailsUntilItIsOpenedAgain) {
    std::size_t kept = 0;
    for (std::uint64_t h = 0; h < 16; ++h) {
        StoreDisk disk;
        disk.fail_once(mix(h + 1));
        EXPECT_EQ(kind_of(committed(disk, 7)), cfs::StoreErrorKind::kFailed);
        EXPECT_EQ(kind_of(committed(disk, 8)), cfs::StoreErrorKind::kFailed);
        const std::uint64_t found = disk.open().promise.epoch;
        EXPECT_TRUE(found == 0 || found == 7);
        kept += found == 7 ? 1 : 0;
        EXPECT_TRUE(std::holds_alternative<cfs::Stored>(committed(disk, 9)));
    }
    EXPECT_GT(kept, 0U);
    EXPECT_LT(kept, 16U);
}

TEST(StoreDisk, HealsWhatIsUnderWay) {
    StoreDisk disk;
    disk.fail_once(1);
    disk.commit(Instant{}, promise(7), {milliseconds{1}, std::chrono::seconds{10}});
    EXPECT_FALSE(disk.settle(Instant{milliseconds{1}}));
    disk.heal(Instant{milliseconds{5}});
    EXPECT_EQ(disk.due(), Instant{milliseconds{6}});
    EXPECT_TRUE(std::holds_alternative<cfs::Stored>(disk.settle(Instant{milliseconds{6}}).value()));
}

TEST(StoreDisk, CanBeLostRolledBackAndCloned) {
    StoreDisk disk;
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
        static_cast<void>(committed(disk, epoch));
    }
    StoreDisk back = disk;
    back.crash(DiskFate::kRolledBack, disk, mix(3));
    EXPECT_LT(back.open().promise.epoch, 4U);
    StoreDisk other;
    other.crash(DiskFate::kCloned, disk, 0);
    EXPECT_EQ(other.open().promise.epoch, 4U);
    disk.crash(DiskFate::kLost, other, 0);
    EXPECT_EQ(disk.open().promise.epoch, 0U);
}

}  // namespace
}  // namespace sim

namespace cfs::testing {
INSTANTIATE_TEST_SUITE_P(Simulated, StoreContract, ::testing::Values(&sim::make_disk));
}  // namespace cfs::testing
