// When the token is kept for a client that is about to ask again.
#include "totem/daemon/anticipation.h"

#include <gtest/gtest.h>

namespace {

using totem::daemon::Anticipation;

// A ring on which this node may send, and the conversation of its one client.
class Ring {
  public:
    // The token comes; a request that is there leaves with it.
    bool token(bool asked) {
        const bool wait = anticipation.worth_waiting(sent, received, asked);
        sent += asked ? 1 : 0;
        return wait;
    }
    // The client asks again one turn too late, `times` times.
    bool miss(int times) {
        bool waited = false;
        for (int i = 0; i < times; ++i) {
            waited = token(false) || waited;
            waited = token(true) || waited;
        }
        return waited;
    }

    Anticipation anticipation;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
};

TEST(Anticipation, WaitsOnceTheClientMissedTheTokenOften) {
    Ring ring;
    ring.token(true);
    EXPECT_FALSE(ring.miss(4));
    EXPECT_TRUE(ring.token(false));
    ring.anticipation.waited(true);
    ++ring.sent;
    EXPECT_TRUE(ring.token(false));
}

TEST(Anticipation, NeverWaitsWhereARequestIsThereOrTheClientIsSilent) {
    Ring ring;
    ring.token(true);
    ring.miss(4);
    EXPECT_FALSE(ring.token(true));
    EXPECT_TRUE(ring.token(false));
    EXPECT_FALSE(ring.token(false));  // nobody was answered at the visit before
    EXPECT_FALSE(ring.token(false));
}

TEST(Anticipation, WaitsForNobodyWhileOthersSend) {
    Ring ring;
    ring.token(true);
    ring.miss(4);
    ++ring.received;
    EXPECT_FALSE(ring.token(false));
    ring.token(true);
    EXPECT_FALSE(ring.token(false));  // what was known is of no use any more
}

TEST(Anticipation, AFailureMustBeOutweighedByTwiceTheExperience) {
    Ring ring;
    ring.token(true);
    ring.miss(4);
    ASSERT_TRUE(ring.token(false));
    ring.anticipation.waited(false);
    ring.token(true);
    EXPECT_FALSE(ring.miss(7));
    EXPECT_FALSE(ring.token(true));
    ring.miss(1);
    EXPECT_TRUE(ring.token(false));
}

// A client that asks at the second turn after its answer would not have been waited for in vain
// less than a turn.
TEST(Anticipation, LearnsNothingFromALaterRequest) {
    Ring ring;
    ring.token(true);
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(ring.token(false));
        EXPECT_FALSE(ring.token(false));
        EXPECT_FALSE(ring.token(true));
    }
}

}  // namespace
