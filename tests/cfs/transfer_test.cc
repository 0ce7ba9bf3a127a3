// One replica catches up with another: what is asked, what it costs, what comes out.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cfs/transfer_rig.h"

namespace cfs {
namespace {

using testing::adopted;
using testing::Message;
using testing::Replica;
using testing::Transfer;

// Nothing of a state is to be stored any more, as adopt() wants it.
void stored(Replica& replica) { static_cast<void>(replica.state.take_batch()); }

// A second replica with the same state.
Replica copy_of(Replica& replica) {
    Replica copy;
    copy.state = testing::state_of(testing::image_of(replica.state));
    copy.node = NodeId{2};
    return copy;
}

Replica with_files(int count) {
    Replica fs;
    for (int i = 0; i < count; ++i) {
        fs.put("f" + std::to_string(i), "text " + std::to_string(i));
        stored(fs);
    }
    return fs;
}

// Both have the same in the end, by what readers see and by what is stored.
void expect_same(const State& a, const State& b) {
    EXPECT_EQ(a.digest(), b.digest());
    EXPECT_EQ(a.tree().summary(), b.tree().summary());
    EXPECT_EQ(a.tree().limits(), b.tree().limits());
    EXPECT_EQ(a.history().records(), b.history().records());
    EXPECT_EQ(a.history().floors(), b.history().floors());
    EXPECT_EQ(a.position(), b.position());
}

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

}  // namespace
}  // namespace cfs
