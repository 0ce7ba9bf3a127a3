// Guest configurations: an id is in one place (cfs.md 4.1; properties.md S15).
#include <gtest/gtest.h>

#include "tests/cfs/replica.h"

namespace cfs {
namespace {

using testing::Replica;

class Guests : public ::testing::Test {
  protected:
    Guests() {
        for (const char* path : {"nodes/n1/qemu-server", "nodes/n1/lxc", "nodes/n1/openvz",
                                 "nodes/n2/qemu-server", "nodes/n2/lxc", "nodes/n_3/lxc"}) {
            fs.mkdirs(path);
        }
        EXPECT_EQ(fs.create("nodes/n1/qemu-server/100.conf"), Errno::kOk);
    }
    Replica fs;
};

TEST_F(Guests, AnIdIsTakenOnAllNodesAndTypes) {
    EXPECT_EQ(fs.create("nodes/n2/qemu-server/100.conf"), Errno::kExists);
    EXPECT_EQ(fs.create("nodes/n1/lxc/100.conf", false), Errno::kExists);
    EXPECT_EQ(fs.create("nodes/n1/openvz/100.conf"), Errno::kExists);
    EXPECT_EQ(fs.create("nodes/n2/lxc/101.conf"), Errno::kOk);
    const auto guests = fs.state.tree().guests();
    ASSERT_EQ(guests.size(), 2U);
    EXPECT_EQ(guests[0].id, 100U);
    EXPECT_EQ(guests[0].node, "n1");
    EXPECT_EQ(guests[0].type, GuestType::kQemu);
    EXPECT_EQ(guests[1].node, "n2");
    EXPECT_EQ(guests[1].type, GuestType::kLxc);
}

TEST_F(Guests, OtherNamesAndPlacesAreFree) {
    for (const char* path :
         {"nodes/n2/qemu-server/0100.conf", "nodes/n2/qemu-server/100.conf.tmp",
          "nodes/n2/100.conf", "nodes/n_3/lxc/100.conf", "100.conf", "nodes/100.conf"}) {
        EXPECT_EQ(fs.create(path), Errno::kOk) << path;
    }
    EXPECT_EQ(fs.mkdir("nodes/n2/lxc/100.conf"), Errno::kOk);
    EXPECT_EQ(fs.state.tree().guests().size(), 1U);
}

TEST_F(Guests, MovesBetweenNodesAndTypesInOneStep) {
    EXPECT_EQ(fs.rename("nodes/n1/qemu-server/100.conf", "nodes/n2/qemu-server/100.conf"),
              Errno::kOk);
    EXPECT_EQ(fs.rename("nodes/n2/qemu-server/100.conf", "nodes/n1/lxc/100.conf"), Errno::kOk);
    const auto guests = fs.state.tree().guests();
    ASSERT_EQ(guests.size(), 1U);
    EXPECT_EQ(guests[0].type, GuestType::kLxc);
    EXPECT_EQ(fs.create("nodes/n1/qemu-server/100.conf"), Errno::kExists);
}

TEST_F(Guests, NothingElseIsRenamedOntoATakenId) {
    fs.create("tmp");
    EXPECT_EQ(fs.rename("tmp", "nodes/n2/lxc/100.conf"), Errno::kExists);
    EXPECT_EQ(fs.create("nodes/n2/lxc/200.conf"), Errno::kOk);
    EXPECT_EQ(fs.rename("nodes/n2/lxc/200.conf", "nodes/n2/lxc/100.conf"), Errno::kExists);
    // The usual way to replace a configuration.
    EXPECT_EQ(fs.rename("tmp", "nodes/n1/qemu-server/100.conf"), Errno::kOk);
    EXPECT_EQ(fs.create("nodes/n2/lxc/100.conf"), Errno::kExists);
    // And one guest's file put over another's frees the first id.
    EXPECT_EQ(fs.rename("nodes/n2/lxc/200.conf", "nodes/n1/qemu-server/100.conf"), Errno::kOk);
    EXPECT_EQ(fs.create("nodes/n2/lxc/200.conf"), Errno::kOk);
    EXPECT_EQ(fs.create("nodes/n2/lxc/100.conf"), Errno::kExists);
}

TEST_F(Guests, RemovalAndMovingAwayFreeTheId) {
    EXPECT_EQ(fs.unlink("nodes/n1/qemu-server/100.conf"), Errno::kOk);
    EXPECT_EQ(fs.create("nodes/n2/lxc/100.conf"), Errno::kOk);
    EXPECT_EQ(fs.rename("nodes/n2/lxc/100.conf", "kept"), Errno::kOk);
    EXPECT_EQ(fs.create("nodes/n1/qemu-server/100.conf"), Errno::kOk);
}

TEST_F(Guests, AreKnownAfterLoading) {
    auto loaded = load(testing::image_of(fs.state));
    ASSERT_TRUE(loaded.has_value());
    Replica other;
    other.state = std::move(*loaded);
    other.life = Life{8};
    EXPECT_EQ(other.create("nodes/n2/qemu-server/100.conf"), Errno::kExists);
}

}  // namespace
}  // namespace cfs
