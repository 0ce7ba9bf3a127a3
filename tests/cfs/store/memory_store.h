// A store in memory on a disk that forgets what was not synced: the contract's own smallest answer.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

    std::vector<Batch> batches() const {
        std::vector<Batch> all = durable_;
        for (const auto& event : events_) {
            if (event) {
                all.push_back(*event);
            }
        }
        return all;
    }

    std::vector<std::pair<std::uint64_t, Aside>> asides() const {
        std::vector<std::pair<std::uint64_t, Aside>> all;
        std::uint64_t id = 0;
        for (const Batch& batch : batches()) {
            id += batch.aside ? 1 : 0;
            const bool dropped = std::find(dropped_.begin(), dropped_.end(), id) != dropped_.end();
            if (batch.aside && !dropped) {
                all.emplace_back(id, *batch.aside);
            }
        }
        return all;
    }

    Store::Loaded fold() const {
        Store::Loaded loaded;
        std::map<Inode, EntryRef> entries;
        std::map<std::pair<WriteId, std::uint32_t>, Part> parts;
        for (const Batch& batch : batches()) {
            if (batch.adoption) {
                loaded.image.records.clear();
                parts.clear();
            }
            loaded.image.records.insert(loaded.image.records.end(), batch.records.begin(),
                                        batch.records.end());
            std::erase_if(loaded.image.records, [&](const Record& record) {
                return record.position.index < batch.oldest_index;
            });
            for (const TreeChange& change : batch.changes) {
                entries[change.inode] = change.after;
            }
            for (const Part& part : batch.parts) {
                parts[{part.id, part.sequence}] = part;
            }
            loaded.image.limits = batch.limits.value_or(loaded.image.limits);
            loaded.image.floors = batch.floors.value_or(loaded.image.floors);
            loaded.promise = batch.promise.value_or(loaded.promise);
        }
        for (const auto& [inode, entry] : entries) {
            if (entry) {
                loaded.image.entries.push_back(entry);
            }
        }
        for (const auto& [key, part] : parts) {
            if (part.ranges) {
                loaded.image.parts.push_back(part);
            }
        }
        return loaded;
    }

    Bug bug_;
    std::vector<Batch> durable_;
    std::vector<std::optional<Batch>> events_;  // absent: a sync
    std::vector<std::uint64_t> dropped_;
};

}  // namespace cfs::testing
