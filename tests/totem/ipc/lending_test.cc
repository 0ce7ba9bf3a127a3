// Clients that the clients' thread leaves to the protocol thread, while they ask for one small
// thing at a time: nobody else is woken for them, nobody else's turn is theirs, and nothing is lost
// when they are taken back.
#include <linux/sockios.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>

#include "tests/totem/ipc/watched_daemon.h"
#include "totem/ipc/manners.h"

namespace {

using totem::ipc::Manners;
using toy::Client;
using toy::eventually;

class LendingTest : public toy::WatchedDaemon {
  protected:
    LendingTest() : WatchedDaemon(true) {}
    // Whether requests of this client are taken without the clients' thread.
    [[nodiscard]] bool is_lent(Client& client) {
        if (!eventually([this] { return asleep(); })) {
            return false;
        }
        const std::string before = sleeps();
        bool answered = true;
        for (int i = 0; i < 3; ++i) {
            answered = answered && client.echo(100);
        }
        EXPECT_TRUE(answered);
        return eventually([this] { return asleep(); }) && sleeps() == before;
    }
    // Asks calmly until it is lent.
    [[nodiscard]] bool lend(Client& client) {
        return eventually([&] { return is_lent(client); });
    }
    // Sends without waiting for anything.
    [[nodiscard]] bool burst(Client& client, int count) {
        const int before = daemon_.counted;
        for (int sent = 0; sent < count;) {
            sent += client.send(toy::kCount, 100) > 0 ? 1 : 0;
        }
        return eventually([&] { return daemon_.counted == before + count; });
    }
};

TEST_F(LendingTest, a_calm_client_wakes_the_protocol_thread_alone) {
    Client client(cpg());
    ASSERT_TRUE(client.connected());
    EXPECT_TRUE(lend(client));
}

TEST_F(LendingTest, a_burst_is_taken_back_and_loses_nothing) {
    Client client(cpg());
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(lend(client)) << i;
        ASSERT_TRUE(burst(client, 50 + 37 * i)) << i;
        ASSERT_TRUE(client.echo(100)) << i;
    }
}

TEST_F(LendingTest, a_large_request_is_taken_back) {
    Client client(cpg());
    ASSERT_TRUE(lend(client));
    ASSERT_TRUE(client.echo(100'000));
    EXPECT_FALSE(is_lent(client));
    EXPECT_TRUE(lend(client));
}

TEST_F(LendingTest, a_client_that_goes_is_told_of) {
    for (int i = 1; i <= 10; ++i) {
        Client client(cpg());
        ASSERT_TRUE(lend(client));
        client.close();
        ASSERT_TRUE(eventually([&] { return daemon_.closed == i; })) << i;
    }
}

// libqb waits for the request; one such client does not get to do that again, and when there were
// several nobody does any more.
TEST_F(LendingTest, who_announces_a_request_and_sends_none_is_never_lent_again) {
    for (int i = 0; i < 8; ++i) {
        Client liar(cpg());
        ASSERT_TRUE(lend(liar)) << i;
        int fd = -1;
        qb_ipcc_fd_get(liar.handle(), &fd);
        const char byte = 0;
        ASSERT_EQ(::send(fd, &byte, 1, MSG_NOSIGNAL), 1);
        int unread = 1;
        ASSERT_TRUE(eventually([&] { return ::ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0; }));
        // Is served once the clients' thread can go on, which then is done with the liar.
        Client other(cpg());
        ASSERT_TRUE(other.echo(100));
        for (int n = 0; n < 100; ++n) {
            ASSERT_TRUE(liar.echo(100));
        }
        ASSERT_FALSE(is_lent(liar)) << i;
    }
    Client late(cpg());
    for (int n = 0; n < 100; ++n) {
        ASSERT_TRUE(late.echo(100));
    }
    EXPECT_FALSE(is_lent(late));
}

TEST_F(LendingTest, while_the_clients_thread_is_awake_it_serves_all) {
    Client calm(cpg());
    ASSERT_TRUE(lend(calm));
    std::atomic<bool> done{false};
    std::thread others([&] {
        while (!done) {
            Client busy(cpg());
            EXPECT_TRUE(busy.connected() && burst(busy, 20));
        }
    });
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(calm.echo(100)) << i;
    }
    done = true;
    others.join();
    EXPECT_TRUE(lend(calm));
}

// Once libqb has been told to read nothing, what the client writes all the same is told of once
// only, too early.
TEST_F(LendingTest, while_the_ring_changes_requests_wait_and_then_come) {
    Client client(cpg());
    qb_ipcc_fc_enable_max_set(client.handle(), 1);  // as all calls but to send: they wait for us
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(lend(client)) << i;
        const std::string before = sleeps();
        daemon_.server().set_ordered_stopped(true);
        ASSERT_TRUE(eventually([&] { return sleeps() != before && asleep(); }));
        const int counted = daemon_.counted;
        ASSERT_GT(client.send(toy::kCount, 100), 0);
        daemon_.server().set_ordered_stopped(false);
        ASSERT_TRUE(eventually([&] { return daemon_.counted == counted + 1; })) << i;
    }
}

TEST(Manners, AreBelievedAfterSomeRequestsAndHarderEachTime) {
    Manners manners;
    const auto ask = [&](int times) {
        for (int i = 0; i < times; ++i) {
            manners.asked(true);
        }
        return manners.one_at_a_time();
    };
    EXPECT_FALSE(ask(7));
    EXPECT_TRUE(ask(1));
    manners.asked(false);
    EXPECT_FALSE(ask(15));
    EXPECT_TRUE(ask(1));
    manners.asked(false);
    EXPECT_FALSE(ask(31));
    EXPECT_TRUE(ask(16 * 32));
    manners.asked(false);
    EXPECT_TRUE(ask(8)) << "it had been worth it";
    manners.bar();
    EXPECT_FALSE(ask(100000));
}

}  // namespace
