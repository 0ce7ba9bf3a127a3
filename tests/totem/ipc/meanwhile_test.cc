// What the protocol thread sends to clients while the clients' thread sleeps: without waking it,
// without waiting for anybody, and nothing is lost between the two.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/totem/ipc/watched_daemon.h"

namespace {

using toy::Client;
using toy::eventually;

class MeanwhileTest : public toy::WatchedDaemon {
  protected:
    MeanwhileTest() : WatchedDaemon(false) {}
};

TEST_F(MeanwhileTest, an_answer_does_not_wake_the_clients_thread) {
    Client client(cpg());
    ASSERT_TRUE(client.connected());
    for (int i = 0; i < 10; ++i) {
        daemon_.take_ordered = false;
        ASSERT_GT(client.send(toy::kEcho, 100), 0);
        ASSERT_TRUE(eventually([this] { return daemon_.ordered_waits && asleep(); }));
        const std::string before = sleeps();
        daemon_.take_ordered = true;
        std::array<char, 256> reply{};
        ASSERT_GT(qb_ipcc_recv(client.handle(), reply.data(), reply.size(), 5000), 0);
        ASSERT_TRUE(eventually([this] { return asleep() && !daemon_.ordered_waits; }));
        EXPECT_EQ(sleeps(), before) << i;
    }
}

// What its socket does not take is owed to it until it reads, and then nobody has to ask for it.
TEST_F(MeanwhileTest, a_client_whose_socket_is_full_holds_up_nobody_and_misses_nothing) {
    Client slow(cpg());
    Client good(cpg());
    ASSERT_TRUE(slow.connected() && good.connected());
    constexpr std::uint32_t kRequests = 2000;  // a byte each, and a socket holds some hundred
    for (std::uint32_t i = 0; i < kRequests; ++i) {
        ASSERT_TRUE(slow.ask_events(1, 16));
        ASSERT_TRUE(good.echo(100)) << i;
    }
    for (std::uint32_t i = 0; i < kRequests; ++i) {
        ASSERT_EQ(slow.event(16, 5000), 0) << i;
    }
    EXPECT_TRUE(good.echo(100));
}

}  // namespace
