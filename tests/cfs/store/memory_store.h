// A store in memory on a disk that forgets what was not synced: the contract's own smallest answer.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/store_log.h"
#include "tests/cfs/replica.h"
#include "tests/cfs/store/store_contract.h"

namespace cfs::testing {

// A log of batches; a moment is a write or a sync of one.
class MemoryDisk final : public Disk {
  public:
    enum class Bug { kNone, kReportsTooEarly, kStoresInHalves, kForgetsPromises };
    explicit MemoryDisk(Bug bug = Bug::kNone) : bug_(bug) {}

    Opened open() override { return Opened(std::make_unique<OnDisk>(*this)); }
    std::size_t moments() const override { return events_.size(); }
    std::unique_ptr<Disk> after_power_cut(std::size_t moment, std::uint64_t chance) const override {
        auto left = std::make_unique<MemoryDisk>(bug_);
        left->durable_ = durable_;
        std::vector<Batch> unsynced;
        for (std::size_t i = 0; i < moment; ++i) {
            if (events_[i]) {
                unsynced.push_back(*events_[i]);
            } else {
                left->durable_.insert(left->durable_.end(), unsynced.begin(), unsynced.end());
                unsynced.clear();
            }
        }
        const std::size_t kept = chance == 0 ? 0 : chance == 1 ? unsynced.size() : chance % 2;
        for (std::size_t i = 0; i < std::min(kept, unsynced.size()); ++i) {
            left->durable_.push_back(unsynced[i]);
        }
        return left;
    }

  private:
    class OnDisk final : public Store {
      public:
        explicit OnDisk(MemoryDisk& disk) : disk_(disk) {}
        totem::Result<Loaded, StoreError> load() override { return disk_.fold(); }
        totem::Result<Committed, StoreError> commit(const Batch& batch) override {
            disk_.write(batch);
            return Committed{batch.adoption ? "in memory" : ""};
        }
        totem::Result<std::vector<AsideHead>, StoreError> asides() override {
            std::vector<AsideHead> heads;
            for (const auto& [id, aside] : disk_.asides()) {
                heads.push_back(
                    {id, aside.time, aside.reason, aside.tail.size(), aside.entries.size()});
            }
            return heads;
        }
        totem::Result<Aside, StoreError> read_aside(std::uint64_t id) override {
            for (auto& [number, aside] : disk_.asides()) {
                if (number == id) {
                    return aside;
                }
            }
            return totem::Unexpected{StoreError{StoreErrorKind::kFailed, "no such aside"}};
        }
        totem::Result<Committed, StoreError> drop_aside(std::uint64_t id) override {
            disk_.dropped_.push_back(id);
            return Committed{};
        }

      private:
        MemoryDisk& disk_;
    };

    void write(Batch batch) {
        if (bug_ == Bug::kForgetsPromises) {
            batch.promise.reset();
        }
        if (bug_ == Bug::kStoresInHalves && batch.changes.size() > 2) {
            Batch half = batch;
            half.changes.resize(1);
            half.records.clear();
            batch.changes.erase(batch.changes.begin());
            events_.emplace_back(std::move(half));
            events_.emplace_back();
        }
        events_.emplace_back(std::move(batch));
        if (bug_ != Bug::kReportsTooEarly || events_.size() % 5 == 0) {
            events_.emplace_back();
        }
    }

    sim::StoreLog log() const {
        sim::StoreLog all;
        for (const Batch& batch : durable_) {
            all.push_back(std::make_shared<const Batch>(batch));
        }
        for (const auto& event : events_) {
            if (event) {
                all.push_back(std::make_shared<const Batch>(*event));
            }
        }
        return all;
    }

    std::vector<std::pair<std::uint64_t, Aside>> asides() const {
        const sim::StoreLog all = log();
        std::vector<std::pair<std::uint64_t, Aside>> kept;
        for (const auto& [id, aside] : sim::asides_of(all)) {
            if (std::find(dropped_.begin(), dropped_.end(), id) == dropped_.end()) {
                kept.emplace_back(id, *aside);
            }
        }
        return kept;
    }

    Store::Loaded fold() const { return sim::fold(log()); }

    Bug bug_;
    std::vector<Batch> durable_;
    std::vector<std::optional<Batch>> events_;  // absent: a sync
    std::vector<std::uint64_t> dropped_;
};

}  // namespace cfs::testing
