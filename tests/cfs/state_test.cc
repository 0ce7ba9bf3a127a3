// The whole replicated state: large writes in parts, batches for the store, adopting another's
// state.
#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::bytes_of;
using testing::image_of;
using testing::Replica;

class Large : public ::testing::Test {
  protected:
    Large() { fs.put("f", "0123456789"); }
    Errno part(std::uint32_t sequence, const std::string& text, std::uint64_t offset) {
        const auto data = bytes_of(text);
        return fs.apply(Chunk{1, sequence, {{offset, data}}}).outcome.error;
    }
    Errno commit(std::uint32_t count) {
        return fs.apply(CommitChunks{fs.inode("f"), 1, count}).outcome.error;
    }
    Replica fs;
};

TEST_F(Large, PartsAreSeenTogetherAtTheCommit) {
    EXPECT_EQ(part(0, "ab", 0), Errno::kOk);
    EXPECT_EQ(part(1, "cd", 8), Errno::kOk);
    EXPECT_EQ(fs.text("f"), "0123456789");
    EXPECT_EQ(commit(2), Errno::kOk);
    EXPECT_EQ(fs.text("f"), "ab234567cd");
    EXPECT_EQ(fs.state.parts().bytes(), 0U);
    EXPECT_EQ(fs.state.parts().digest(), Digest{});
    EXPECT_EQ(commit(2), Errno::kInvalid);
}

TEST_F(Large, AMissingPartSpoilsTheWrite) {
    part(0, "ab", 0);
    EXPECT_EQ(commit(2), Errno::kInvalid);
    EXPECT_EQ(fs.state.parts().bytes(), 0U);
    part(0, "ab", 0);
    EXPECT_EQ(part(2, "cd", 2), Errno::kInvalid);
    EXPECT_EQ(commit(1), Errno::kInvalid);
    EXPECT_EQ(fs.text("f"), "0123456789");
}

TEST_F(Large, PartsArePerNodeAndLife) {
    part(0, "ab", 0);
    fs.life = Life{8};
    EXPECT_EQ(commit(1), Errno::kInvalid);
    fs.life = Life{7};
    fs.node = NodeId{2};
    EXPECT_EQ(commit(1), Errno::kInvalid);
    fs.node = NodeId{1};
    EXPECT_EQ(commit(1), Errno::kOk);
}

TEST_F(Large, PartsOfAnEarlierLifeAreDiscarded) {
    part(0, "ab", 0);
    fs.apply(DiscardChunks{NodeId{1}, Life{7}});
    EXPECT_GT(fs.state.parts().bytes(), 0U);
    fs.apply(DiscardChunks{NodeId{1}, Life{8}});
    EXPECT_EQ(fs.state.parts().bytes(), 0U);
}

TEST_F(Large, LimitsHoldAtTheCommit) {
    part(0, "x", Limits{}.file_bytes_max);
    EXPECT_EQ(commit(1), Errno::kFileTooBig);
    EXPECT_EQ(fs.state.parts().bytes(), 0U);
}

TEST_F(Large, PartsTogetherAreLimited) {
    const std::string text(kOperationDataMax, 'x');
    const auto data = bytes_of(text);
    Errno error = Errno::kOk;
    std::uint32_t sent = 0;
    for (; error == Errno::kOk && sent < 1000; ++sent) {
        error = fs.apply(Chunk{1, sent, {{0, data}}}).outcome.error;
    }
    EXPECT_EQ(error, Errno::kNoSpace);
    EXPECT_EQ(sent, kPartsBytesMax / kOperationDataMax);
    EXPECT_EQ(fs.state.parts().bytes(), 0U);
}

TEST(State, PositionsCountAndEpochsStay) {
    Replica fs;
    EXPECT_EQ(fs.state.position(), (Position{0, 0}));
    EXPECT_EQ(fs.apply(Create{kRootInode, "a", true}).position, (Position{1, 1}));
    fs.epoch = 4;
    EXPECT_EQ(fs.apply(Create{kRootInode, "a", true}).position, (Position{4, 2}));
    EXPECT_EQ(fs.state.position(), (Position{4, 2}));
    EXPECT_EQ(fs.state.history().records()[1].subject, "/a");
    EXPECT_EQ(fs.state.history().records()[1].state, fs.state.digest());
}

TEST(State, EqualOperationsGiveEqualStates) {
    Replica a;
    Replica b;
    for (Replica* fs : {&a, &b}) {
        fs->mkdir("d");
        fs->put("d/f", "text");
        fs->rename("d/f", "g");
        fs->rmdir("missing");
        static_cast<void>(fs->state.snapshot());  // readers change nothing
    }
    EXPECT_EQ(a.state.digest(), b.state.digest());
    b.rmdir("missing");  // changes no file, but is known as a retry from here on
    EXPECT_EQ(a.state.tree().summary(), b.state.tree().summary());
    EXPECT_NE(a.state.digest(), b.state.digest());
}

TEST(State, ABatchSaysWhatChanged) {
    Replica fs;
    fs.put("old", "x");
    static_cast<void>(fs.state.take_batch());
    EXPECT_TRUE(fs.state.take_batch().empty());
    const Inode replaced = fs.inode("old");
    fs.put("tmp", "new");
    fs.rename("tmp", "old");
    fs.create("gone");
    fs.unlink("gone");
    const Batch batch = fs.state.take_batch();
    EXPECT_EQ(batch.records.size(), 5U);
    EXPECT_FALSE(batch.adoption);
    ASSERT_EQ(batch.changes.size(), 3U);  // the root, the replaced, the new; not what came and went
    EXPECT_EQ(batch.changes[0].inode, kRootInode);
    EXPECT_EQ(batch.changes[1].inode, replaced);
    EXPECT_EQ(batch.changes[1].after, nullptr);
    EXPECT_EQ(batch.changes[2].before, nullptr);
    EXPECT_EQ(batch.changes[2].after->name, "old");
}

// A state whose first operations were all refused is one too.
TEST(State, TheRootIsInTheFirstBatch) {
    Replica fs;
    EXPECT_TRUE(fs.state.take_batch().empty());
    fs.unlink("missing");
    const Batch batch = fs.state.take_batch();
    ASSERT_EQ(batch.changes.size(), 1U);
    EXPECT_EQ(batch.changes[0].inode, kRootInode);
    EXPECT_EQ(batch.changes[0].before, nullptr);
}

TEST(State, ADifferenceIsAdopted) {
    Replica ahead;
    ahead.mkdir("d");
    ahead.put("d/a", "1");
    ahead.put("d/b", "2");
    auto behind = load(image_of(ahead.state));
    ASSERT_TRUE(behind.has_value());
    EXPECT_EQ(behind->digest(), ahead.state.digest());
    static_cast<void>(ahead.state.take_batch());
    ahead.rename("d/a", "d/c");
    ahead.unlink("d/b");
    ahead.put("d/a", "3");
    const Batch batch = ahead.state.take_batch();
    Image difference = image_of(ahead.state);
    difference.entries.clear();
    for (const TreeChange& change : batch.changes) {
        if (change.after) {
            difference.entries.push_back(change.after);
        } else {
            difference.gone.push_back(change.inode);
        }
    }
    const Digest before = behind->digest();
    auto adopted = behind->adopt(difference);
    ASSERT_TRUE(adopted.has_value());
    EXPECT_EQ(adopted->digest(), ahead.state.digest());
    EXPECT_EQ(adopted->position(), ahead.state.position());
    EXPECT_EQ(behind->digest(), before);
    const Batch to_store = adopted->take_batch();
    EXPECT_TRUE(to_store.adoption);
    EXPECT_EQ(to_store.changes.size(), batch.changes.size());
    EXPECT_EQ(to_store.records.size(), ahead.state.history().records().size());
}

EntryRef changed(const EntryRef& entry, void (*change)(Entry&)) {
    Entry copy = *entry;
    change(copy);
    return sealed(std::move(copy));
}

ImageError refusal(const Image& image) {
    auto result = load(image);
    EXPECT_FALSE(result.has_value());
    return result ? ImageError{} : result.error();
}

// What is wrong with /d and /d/a (entries 1 and 2 of an image) after one of them was changed.
TreeProblem problem_after(std::size_t entry, void (*change)(Entry&)) {
    Replica fs;
    fs.mkdir("d");
    fs.put("d/a", "1");
    Image image = image_of(fs.state);
    image.entries[entry] = changed(image.entries[entry], change);
    const ImageError error = refusal(image);
    EXPECT_EQ(error.problem, ImageProblem::kTree) << to_string(error);
    return error.tree;
}

TEST(State, WhatIsNoTreeIsNotAdopted) {
    const auto no_root = [](Entry& entry) { entry.type = FileType::kRegular; };
    const auto inside_itself = [](Entry& entry) { entry.parent = entry.inode; };
    const auto orphan = [](Entry& entry) { entry.parent = Inode{99}; };
    const auto misnamed = [](Entry& entry) { entry.name = "a/b"; };
    const auto too_new = [](Entry& entry) { entry.version = 99; };
    const auto same_inode = [](Entry& entry) { entry.inode = Inode{2}; };
    const auto same_name = [](Entry& entry) {
        entry.parent = kRootInode;
        entry.name = "d";
    };
    EXPECT_EQ(problem_after(0, no_root), TreeProblem::kNoRoot);
    EXPECT_EQ(problem_after(1, inside_itself), TreeProblem::kUnreachable);
    EXPECT_EQ(problem_after(2, orphan), TreeProblem::kNoParent);
    EXPECT_EQ(problem_after(2, misnamed), TreeProblem::kBadName);
    EXPECT_EQ(problem_after(2, too_new), TreeProblem::kNewerThanTree);
    EXPECT_EQ(problem_after(2, same_inode), TreeProblem::kTwice);
    EXPECT_EQ(problem_after(2, same_name), TreeProblem::kTwice);
}

TEST(State, AGuestInTwoPlacesIsNotAdopted) {
    Replica fs;
    for (const char* path : {"nodes/n1/lxc", "nodes/n2/lxc"}) {
        fs.mkdirs(path);
    }
    fs.create("nodes/n1/lxc/100.conf");
    fs.create("nodes/n2/lxc/other");
    Image image = image_of(fs.state);
    image.entries.back() = changed(image.entries.back(), [](Entry& e) { e.name = "100.conf"; });
    EXPECT_EQ(refusal(image).tree, TreeProblem::kGuestTwice);
}

TEST(State, WhatIsNotWholeIsNotAdopted) {
    Replica fs;
    fs.mkdir("d");
    fs.put("d/a", "1");
    const Image good = image_of(fs.state);
    Image image = good;
    image.entries[2] = changed(image.entries[2], [](Entry& e) { e.mtime += 1; });
    EXPECT_EQ(refusal(image).problem, ImageProblem::kDigest);
    image = good;
    image.records.erase(image.records.begin() + 1);
    EXPECT_EQ(refusal(image).problem, ImageProblem::kHistory);
    image = good;
    image.records.clear();
    EXPECT_EQ(refusal(image).problem, ImageProblem::kDigest);
    image = good;
    image.parts.push_back({{NodeId{1}, Life{1}, 1}, 1, nullptr});
    EXPECT_EQ(refusal(image).problem, ImageProblem::kParts);
}

// All that it did was done alone, and the others have done nothing yet.
TEST(State, TheEmptyStateIsAdopted) {
    Replica alone;
    alone.put("mine", "1");
    static_cast<void>(alone.state.take_batch());
    Image image = image_of(State{});
    image.gone.push_back(alone.inode("mine"));
    auto adopted = alone.state.adopt(image);
    ASSERT_TRUE(adopted.has_value()) << to_string(adopted.error());
    EXPECT_EQ(adopted->digest(), State{}.digest());
    EXPECT_EQ(adopted->position(), Position{});
    const Batch batch = adopted->take_batch();
    EXPECT_TRUE(batch.adoption);
    EXPECT_EQ(batch.changes.size(), 2U);  // the root is as it was, too
    image.floors.push_back({NodeId{1}, Life{1}, 1, 1});
    EXPECT_EQ(alone.state.adopt(image).error().problem, ImageProblem::kDigest);
}

TEST(State, TheTailIsPutAside) {
    Replica common;
    common.put("both", "old");
    common.put("removed", "here");
    auto copy = load(image_of(common.state));
    ASSERT_TRUE(copy.has_value());
    const std::uint64_t last_common = common.state.position().index;
    // One side goes on, the other does things that nobody else will know of.
    common.put("theirs", "x");
    Replica alone;
    alone.state = std::move(*copy);
    alone.life = Life{99};
    alone.put("both", "mine");
    alone.put("mine", "too");
    alone.unlink("removed");
    static_cast<void>(alone.state.take_batch());
    Image image = image_of(common.state);
    image.gone.push_back(alone.inode("mine"));
    auto adopted = alone.state.adopt(image);
    ASSERT_TRUE(adopted.has_value());
    const Batch batch = adopted->take_batch();
    const Aside aside =
        make_aside(alone.state.tree(), alone.state.history(), batch.changes, last_common);
    ASSERT_EQ(aside.tail.size(), 5U);
    EXPECT_EQ(aside.tail.back().subject, "/removed");
    std::map<std::string, std::string> kept;
    for (const AsideEntry& entry : aside.entries) {
        kept[entry.path] = entry.entry ? testing::text_of(entry.entry->content) : "(none)";
    }
    const std::map<std::string, std::string> expected{
        {"/both", "mine"}, {"/mine", "too"}, {"/removed", "(none)"}};
    EXPECT_EQ(kept, expected);
}

}  // namespace
}  // namespace cfs
