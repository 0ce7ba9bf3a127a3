// What the protocol thread sends to clients while the clients' thread sleeps: without waking it,
// without waiting for anybody, and nothing is lost between the two.
#include <array>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"

namespace {

using totem::group::ServiceId;
using toy::Client;
using toy::eventually;

// A line of what the kernel tells of a thread of this process.
std::string status_of(pid_t thread, const std::string& what) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what + ":\t")) {
            return line.substr(what.size() + 2);
        }
    }
    return {};
}

class MeanwhileTest : public ::testing::Test {
  protected:
    MeanwhileTest() : suffix_("-meanwhile" + std::to_string(::getpid())), daemon_(options()) {}
    void SetUp() override {
        ASSERT_TRUE(daemon_.start()) << daemon_.problem;
        daemon_.server().set_ready(true);
    }
    [[nodiscard]] std::string cpg() const { return "cpg" + suffix_; }
    [[nodiscard]] bool asleep() const { return status_of(thread_, "State").starts_with('S'); }
    [[nodiscard]] std::string sleeps() const {
        return status_of(thread_, "voluntary_ctxt_switches");
    }

    std::string suffix_;
    std::atomic<pid_t> thread_{0};  // the clients'
    toy::Daemon daemon_;

  private:
    totem::ipc::ServerOptions options() {
        totem::ipc::ServerOptions options;
        options.services = {ServiceId::kCpg};
        options.name_suffix = suffix_;
        options.on_thread_start = [this] { thread_ = ::gettid(); };
        return options;
    }
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
