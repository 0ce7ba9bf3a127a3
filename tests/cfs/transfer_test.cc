// One replica catches up with another: what is asked, what it costs, what comes out.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cfs/random_operation.h"
#include "tests/cfs/transfer_rig.h"

namespace cfs {
namespace {

using testing::adopted;
using testing::bytes_of;
using testing::copy_of;
using testing::expect_same;
using testing::Replica;
using testing::stored;
using testing::Transfer;
using testing::with_files;

TEST(Transfer, ANewReplicaGetsEverything) {
    Replica donor = with_files(300);
    donor.mkdirs("nodes/n/qemu-server");
    donor.put("nodes/n/qemu-server/100.conf", "memory: 1");
    State own;
    Transfer transfer(donor.state, own);
    expect_same(adopted(own, transfer), donor.state);
    EXPECT_EQ(transfer.receiver().goal()->turn, 17U);
    EXPECT_EQ(transfer.receiver().goal()->position, donor.state.position());
    EXPECT_EQ(transfer.receiver().progress().entries, 305U);
}

TEST(Transfer, OneThatIsBehindGetsWhatItMissed) {
    Replica donor = with_files(1000);
    Replica behind = copy_of(donor);
    donor.put("f7", "other");
    donor.unlink("f8");
    donor.put("new", "x");
    Transfer transfer(donor.state, behind.state);
    expect_same(adopted(behind.state, transfer), donor.state);
    EXPECT_EQ(transfer.receiver().progress().entries, 3U);  // and the root
    EXPECT_EQ(transfer.receiver().progress().gone, 1U);
}

TEST(Transfer, ATailIsUndoneAndCanBePutAside) {
    Replica donor = with_files(100);
    Replica beside = copy_of(donor);
    const std::uint64_t common = donor.state.position().index;
    donor.put("theirs", "1");
    beside.put("mine", "2");
    beside.put("f3", "also mine");
    beside.rename("f4", "f5");
    stored(beside);
    Transfer transfer(donor.state, beside.state);
    State next = adopted(beside.state, transfer);
    expect_same(next, donor.state);
    const Aside aside =
        make_aside(beside.state.tree(), beside.state.history(), next.take_batch().changes, common);
    EXPECT_EQ(aside.tail.size(), 5U);
    EXPECT_EQ(aside.entries.size(), 4U);
    EXPECT_EQ(beside.text("mine"), "2");  // the old state is as it was
}

TEST(Transfer, EqualTreesCostTheHistoryOnly) {
    Replica donor = with_files(1000);
    Replica behind = copy_of(donor);
    EXPECT_EQ(donor.unlink("not there"), Errno::kNotFound);  // has a position all the same
    Transfer transfer(donor.state, behind.state);
    expect_same(adopted(behind.state, transfer), donor.state);
    EXPECT_EQ(transfer.receiver().progress().questions, 2U);
    EXPECT_EQ(transfer.receiver().progress().entries, 0U);
}

TEST(Transfer, TheEmptyStateIsAdoptedByWhoWasAlone) {
    State nothing;
    Replica alone = with_files(200);
    Transfer transfer(nothing, alone.state);
    expect_same(adopted(alone.state, transfer), nothing);
    EXPECT_EQ(transfer.receiver().progress().gone, 200U);
    State new_one;
    Transfer both_empty(nothing, new_one);
    EXPECT_TRUE(both_empty.run());
    EXPECT_EQ(both_empty.receiver().progress().questions, 1U);
}

TEST(Transfer, LimitsFloorsAndPartsComeToo) {
    Replica donor = with_files(4700);
    Limits limits;
    limits.inodes_max = 12345;
    donor.apply(SetLimits{limits});
    // One part is longer than a message, and one write has many.
    const std::vector<std::byte> large(kOperationDataMax, std::byte{7});
    donor.apply(Chunk{1, 0, {{0, large}}});
    donor.apply(Chunk{1, 1, {{5, large}}});
    const auto small = bytes_of("small");
    for (std::uint32_t i = 0; i < 50; ++i) {
        donor.apply(Chunk{2, i, {{i, small}}});
    }
    stored(donor);
    ASSERT_FALSE(donor.state.history().floors().empty());
    State own;
    Transfer transfer(donor.state, own);
    State next = adopted(own, transfer);
    expect_same(next, donor.state);
    EXPECT_EQ(next.parts().bytes(), donor.state.parts().bytes());
    // And away again.
    State nothing = testing::state_of(testing::image_of(donor.state));
    donor.apply(DiscardChunks{donor.node, Life{1}});
    donor.apply(SetLimits{Limits{}});
    Transfer back(donor.state, nothing);
    State last = adopted(nothing, back);
    expect_same(last, donor.state);
    EXPECT_EQ(last.parts().bytes(), 0U);
}

// ---- large files --------------------------------------------------------------------------------

// 64 MiB, every block another.
Replica with_large_file() {
    Replica fs;
    Limits limits;
    limits.file_bytes_max = kFileBytesCeiling;
    fs.apply(SetLimits{limits});
    fs.create("large");
    std::vector<std::byte> data(kOperationDataMax);
    frames::Random random(1);
    for (std::uint64_t at = 0; at < kFileBytesCeiling; at += data.size()) {
        for (std::size_t i = 0; i < data.size(); i += 64) {
            data[i] = static_cast<std::byte>(random.below(256));
        }
        data.back() = std::byte{1};
        fs.apply(Write{fs.inode("large"), {{at, data}}});
    }
    stored(fs);
    return fs;
}

TEST(Transfer, AHugeFileComesInBlocksAndOnlyThoseThatDiffer) {
    Replica donor = with_large_file();
    State own;
    Transfer whole(donor.state, own);
    State copy = adopted(own, whole);
    expect_same(copy, donor.state);
    const std::size_t blocks = kFileBytesCeiling / kBlockBytes;
    EXPECT_LE(whole.receiver().progress().blocks, blocks);
    EXPECT_LE(whole.receiver().progress().questions, blocks / kBlocksPerQuestion + 10);
    static_cast<void>(copy.take_batch());
    donor.write("large", "changed", 12345678);
    donor.write("large", "changed", 50000000);
    Transfer changed(donor.state, copy);
    expect_same(adopted(copy, changed), donor.state);
    EXPECT_EQ(changed.receiver().progress().blocks, 2U);
    EXPECT_LT(changed.receiver().progress().answer_bytes, 400000U);  // 128 KiB are digests
}

TEST(Transfer, ZerosAreNotSent) {
    Replica donor;
    Limits limits;
    limits.file_bytes_max = kFileBytesCeiling;
    limits.total_bytes_max = std::uint64_t{1} << 40U;
    donor.apply(SetLimits{limits});
    for (int i = 0; i < 20; ++i) {
        const std::string path = "sparse" + std::to_string(i);
        donor.put(path, "begin");
        donor.write(path, "end", 60000000);
    }
    donor.create("zeros");
    donor.truncate("zeros", 40000);
    stored(donor);
    State own;
    Transfer transfer(donor.state, own);
    expect_same(adopted(own, transfer), donor.state);
    EXPECT_EQ(transfer.receiver().progress().blocks, 40U);
    EXPECT_LT(transfer.receiver().progress().answer_bytes, 60000U);
}

// ---- what it costs ------------------------------------------------------------------------------

TEST(Transfer, CostsAreProportionalToWhatDiffers) {
    constexpr std::uint64_t kFiles = 100000;
    Replica donor;
    for (int i = 0; i < 100; ++i) {
        donor.mkdir("d" + std::to_string(i));
    }
    for (std::uint64_t i = 0; i < kFiles; ++i) {
        const Inode directory{2 + i % 100};
        const std::string name = std::to_string(i);
        donor.apply(Create{directory, name, true});
        if (i % 1000 == 0) {
            stored(donor);
        }
    }
    stored(donor);
    ASSERT_EQ(donor.state.tree().summary().inodes, kFiles + 101);
    State own;
    Transfer everything(donor.state, own);
    State copy = adopted(own, everything);
    expect_same(copy, donor.state);
    const TransferProgress all = everything.receiver().progress();
    EXPECT_LE(all.questions, 500U);
    EXPECT_LE(all.answer_bytes, kFiles * 120);
    static_cast<void>(copy.take_batch());

    // What the history costs, whatever differs.
    donor.unlink("not there");
    Transfer nothing(donor.state, copy);
    copy = adopted(copy, nothing);
    static_cast<void>(copy.take_batch());
    const TransferProgress history = nothing.receiver().progress();
    EXPECT_LE(history.questions, 5U);

    for (const std::uint64_t changes : {1U, 100U}) {
        for (std::uint64_t i = 0; i < changes; ++i) {
            donor.apply(Truncate{Inode{102 + i * 997}, 7 + changes});
        }
        Transfer some(donor.state, copy);
        copy = adopted(copy, some);
        expect_same(copy, donor.state);
        static_cast<void>(copy.take_batch());
        const TransferProgress cost = some.receiver().progress();
        EXPECT_EQ(cost.entries, changes + 1);
        EXPECT_LE(cost.questions - history.questions, 6 + changes / 20);
        EXPECT_LE(cost.answer_bytes - history.answer_bytes, 6000 + 2500 * changes);
    }
}

// ---- any two states -----------------------------------------------------------------------------

TEST(Transfer, AnyTwoStatesBecomeTheSame) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        frames::Random random(seed);
        Replica donor;
        const auto operate = [&random](Replica& fs, std::size_t most) {
            for (std::size_t i = 0, count = random.below(most); i < count; ++i) {
                testing::one_operation(fs, random);
            }
            stored(fs);
        };
        operate(donor, 150);
        Replica own = copy_of(donor);
        operate(donor, 60);
        if (random.below(2) == 0) {
            operate(own, 60);
        }
        const Digest before = own.state.digest();
        Transfer transfer(donor.state, own.state);
        const State next = adopted(own.state, transfer);
        ASSERT_EQ(next.digest(), donor.state.digest()) << "seed " << seed;
        expect_same(next, donor.state);
        EXPECT_EQ(own.state.digest(), before);
        EXPECT_LE(transfer.answers(), 20U);
    }
}

}  // namespace
}  // namespace cfs
