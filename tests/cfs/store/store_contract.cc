#include "tests/cfs/store/store_contract.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/cfs/random_operation.h"
#include "tests/cfs/replica.h"
#include "tests/support/frames.h"

namespace cfs::testing {

namespace {

using frames::Random;

Batch some_batch(Replica& fs, Random& random) {
    for (std::size_t i = 0, count = 1 + random.below(4); i < count; ++i) {
        one_operation(fs, random);
    }
    if (random.below(8) == 0) {
        Limits limits;
        limits.inodes_max = 100 + random.below(100);
        fs.apply(SetLimits{limits});
    }
    Batch batch = fs.state.take_batch();
    if (random.below(4) == 0) {
        ++fs.epoch;
        batch.promise = Promise{fs.epoch, bytes_of("promise " + std::to_string(fs.epoch))};
    }
    return batch;
}

// What was there after each batch, and from which moment on it must be.
struct Mark {
    Position position;
    Digest digest;
    Promise promise;
    std::size_t durable_from = 0;
};

std::string found_in(Disk& disk, const std::vector<Mark>& marks, std::size_t moment) {
    auto store = disk.open();
    if (!store) {
        return "cannot be opened: " + store.error().text;
    }
    auto loaded = (*store)->load();
    if (!loaded) {
        return "cannot be loaded: " + loaded.error().text;
    }
    const auto state = load(loaded->image);
    if (!state) {
        return std::string("is no state: ") + to_string(state.error());
    }
    const auto mark = std::find_if(marks.begin(), marks.end(), [&](const Mark& candidate) {
        return candidate.digest == state->digest() && candidate.promise == loaded->promise;
    });
    if (mark == marks.end()) {
        return "is after no batch: index " + std::to_string(state->position().index);
    }
    const auto next = mark + 1;
    if (next != marks.end() && next->durable_from <= moment) {
        return "lost what was durable: holds index " + std::to_string(mark->position.index) +
               ", index " + std::to_string(next->position.index) + " had been reported";
    }
    return {};
}

// Goes on from what the disk holds; `marks` ends with that.
std::string store_batches(Store& store, Disk& disk, Replica& fs, std::vector<Mark>& marks,
                          Random& random) {
    constexpr int kBatches = 8;
    for (int i = 0; i < kBatches; ++i) {
        const Batch batch = some_batch(fs, random);
        const auto committed = store.commit(batch);
        if (!committed) {
            return "refused a batch: " + committed.error().text;
        }
        marks.push_back({fs.state.position(), fs.state.digest(),
                         batch.promise ? *batch.promise : marks.back().promise, disk.moments()});
    }
    return {};
}

std::string power_cuts(Disk& disk, Replica& fs, std::vector<Mark> marks, Random& random,
                       int depth) {
    std::unique_ptr<Store> store;
    {
        auto opened = disk.open();
        if (!opened) {
            return "cannot be opened: " + opened.error().text;
        }
        store = std::move(*opened);
    }
    const std::string refused = store_batches(*store, disk, fs, marks, random);
    if (!refused.empty()) {
        return refused;
    }
    const std::size_t again = random.below(disk.moments() + 1);
    for (std::size_t moment = 0; moment <= disk.moments(); ++moment) {
        for (const std::uint64_t chance :
             {std::uint64_t{0}, std::uint64_t{1}, random.next() | 2U}) {
            const auto left = disk.after_power_cut(moment, chance);
            const std::string wrong = found_in(*left, marks, moment);
            if (!wrong.empty()) {
                return "power cut at moment " + std::to_string(moment) + " of " +
                       std::to_string(disk.moments()) + ": " + wrong;
            }
        }
        if (moment != again || depth == 0) {
            continue;
        }
        // And on from there, until the next one.
        const auto left = disk.after_power_cut(moment, random.next());
        Replica survivor;
        survivor.life = Life{raw(fs.life) + 1};
        survivor.epoch = fs.epoch + 1;
        auto reopened = left->open();
        auto loaded = (*reopened)->load();
        survivor.state = state_of(loaded->image);
        std::vector<Mark> held{
            {survivor.state.position(), survivor.state.digest(), loaded->promise, 0}};
        reopened->reset();
        const std::string wrong = power_cuts(*left, survivor, held, random, depth - 1);
        if (!wrong.empty()) {
            return "after an earlier cut: " + wrong;
        }
    }
    return {};
}

State loaded_from(Disk& disk) {
    auto store = disk.open();
    EXPECT_TRUE(store.has_value());
    auto loaded = (*store)->load();
    EXPECT_TRUE(loaded.has_value());
    return state_of(loaded->image);
}

void commit(Store& store, const Batch& batch) {
    const auto committed = store.commit(batch);
    ASSERT_TRUE(committed.has_value()) << committed.error().text;
}

}  // namespace

std::string check_power_cuts(Disk& disk, std::uint64_t seed) {
    Random random(seed);
    Replica fs;
    return power_cuts(disk, fs, {{{}, fs.state.digest(), {}, 0}}, random, 1);
}

// ---- the suite ----------------------------------------------------------------------------------

TEST_P(StoreContract, ANewOneIsEmpty) {
    const auto disk = GetParam()();
    auto store = disk->open();
    ASSERT_TRUE(store.has_value()) << store.error().text;
    const auto loaded = (*store)->load();
    ASSERT_TRUE(loaded.has_value());
    EXPECT_TRUE(loaded->image.entries.empty());
    EXPECT_TRUE(loaded->image.records.empty());
    EXPECT_EQ(loaded->promise, Promise{});
    EXPECT_TRUE((*store)->asides()->empty());
}

// Also the state of those that have done nothing yet.
TEST_P(StoreContract, TheEmptyStateIsAdopted) {
    const auto disk = GetParam()();
    Replica alone;
    {
        auto store = disk->open();
        alone.put("mine", std::string(40000, 'm'));
        commit(**store, alone.state.take_batch());
        Image image = image_of(State{});
        image.gone.push_back(alone.inode("mine"));
        auto adopted = alone.state.adopt(image);
        ASSERT_TRUE(adopted.has_value()) << to_string(adopted.error());
        commit(**store, adopted->take_batch());
    }
    EXPECT_EQ(loaded_from(*disk).digest(), State{}.digest());
    alone.state = loaded_from(*disk);
    alone.put("again", "1");
    {
        auto store = disk->open();
        commit(**store, alone.state.take_batch());
    }
    EXPECT_EQ(loaded_from(*disk).digest(), alone.state.digest());
}

TEST_P(StoreContract, KeepsWhatWasCommitted) {
    const auto disk = GetParam()();
    Replica fs;
    Random random(1);
    Promise promise;
    for (int reopened = 0; reopened < 3; ++reopened) {
        auto store = disk->open();
        ASSERT_TRUE(store.has_value()) << store.error().text;
        for (int i = 0; i < 30; ++i) {
            const Batch batch = some_batch(fs, random);
            promise = batch.promise ? *batch.promise : promise;
            commit(**store, batch);
        }
        store->reset();
        store = disk->open();
        const auto loaded = (*store)->load();
        ASSERT_TRUE(loaded.has_value()) << loaded.error().text;
        const auto state = load(loaded->image);
        ASSERT_TRUE(state.has_value()) << to_string(state.error());
        EXPECT_EQ(state->digest(), fs.state.digest());
        EXPECT_EQ(state->position(), fs.state.position());
        EXPECT_EQ(loaded->promise, promise);
        EXPECT_EQ(loaded->image.records.back(), fs.state.history().records().back());
    }
}

// Old records go, and what was forgotten stays known as forgotten.
TEST_P(StoreContract, KeepsTheHistoryAndItsFloors) {
    const auto disk = GetParam()();
    Replica fs;
    {
        auto store = disk->open();
        for (std::size_t i = 0; i < kHistoryMin + 3 * kHistoryStep; i += 128) {
            for (int k = 0; k < 128; ++k) {
                fs.unlink("missing");
            }
            commit(**store, fs.state.take_batch());
        }
    }
    const State state = loaded_from(*disk);
    EXPECT_EQ(state.digest(), fs.state.digest());
    EXPECT_EQ(state.history().floors(), fs.state.history().floors());
    EXPECT_EQ(state.history().records().size(), fs.state.history().records().size());
    EXPECT_EQ(state.history().known({fs.node, fs.life, 1}), History::Known::kForgotten);
}

TEST_P(StoreContract, APromiseAloneIsABatch) {
    const auto disk = GetParam()();
    const Promise promise{7, bytes_of("who and when")};
    {
        auto store = disk->open();
        Batch batch;
        batch.promise = promise;
        commit(**store, batch);
    }
    auto store = disk->open();
    EXPECT_EQ((*store)->load()->promise, promise);
}

TEST_P(StoreContract, AdoptsAnotherStateAndPutsTheTailAside) {
    const auto disk = GetParam()();
    Replica common;
    common.put("both", "old");
    const std::uint64_t last_common = common.state.position().index;
    Replica alone;
    alone.state = state_of(image_of(common.state));
    alone.life = Life{99};
    common.put("theirs", "x");
    std::string backup;
    {
        auto store = disk->open();
        commit(**store, common.state.take_batch());
        store->reset();
    }
    const auto other_disk = GetParam()();
    {
        auto store = other_disk->open();
        auto first = State{}.adopt(image_of(alone.state));
        commit(**store, first->take_batch());
        alone.put("both", std::string(40000, 'm'));
        alone.unlink("missing");
        commit(**store, alone.state.take_batch());
        auto adopted = alone.state.adopt(image_of(common.state));
        ASSERT_TRUE(adopted.has_value()) << to_string(adopted.error());
        Batch batch = adopted->take_batch();
        batch.aside =
            make_aside(alone.state.tree(), alone.state.history(), batch.changes, last_common);
        batch.aside->time = 1234;
        batch.aside->reason = "cut off";
        const auto committed = (*store)->commit(batch);
        ASSERT_TRUE(committed.has_value()) << committed.error().text;
        EXPECT_FALSE(committed->backup.empty());
    }
    EXPECT_EQ(loaded_from(*other_disk).digest(), common.state.digest());
    auto store = other_disk->open();
    const auto heads = (*store)->asides();
    ASSERT_EQ(heads->size(), 1U);
    EXPECT_EQ(heads->front().reason, "cut off");
    EXPECT_EQ(heads->front().time, 1234U);
    EXPECT_EQ(heads->front().operations, 3U);
    EXPECT_EQ(heads->front().entries, 1U);
    const auto aside = (*store)->read_aside(heads->front().id);
    ASSERT_TRUE(aside.has_value()) << aside.error().text;
    EXPECT_EQ(aside->tail.back(), alone.state.history().records().back());
    EXPECT_EQ(aside->entries.front().path, "/both");
    EXPECT_EQ(text_of(aside->entries.front().entry->content), std::string(40000, 'm'));
    EXPECT_FALSE((*store)->read_aside(heads->front().id + 1).has_value());
    EXPECT_TRUE((*store)->drop_aside(heads->front().id).has_value());
    EXPECT_TRUE((*store)->asides()->empty());
}

TEST_P(StoreContract, SurvivesPowerCutsAtEveryMoment) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        const auto disk = GetParam()();
        EXPECT_EQ(check_power_cuts(*disk, seed), "") << "seed " << seed;
    }
}

}  // namespace cfs::testing
