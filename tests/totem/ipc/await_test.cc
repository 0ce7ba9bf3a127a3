// The short wait of the protocol thread for a client's next request: it hears of the request
// however little clients are woken otherwise, and it ends.
#include <chrono>
#include <string>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"

namespace {

using totem::group::ServiceId;
using totem::ipc::Lane;
using toy::Client;
using namespace std::chrono_literals;

class AwaitTest : public ::testing::Test {
  protected:
    AwaitTest() : suffix_("-await" + std::to_string(::getpid())), server_(options()) {}
    void SetUp() override {
        ASSERT_TRUE(server_.start());
        server_.set_ready(true);
        client_ = std::make_unique<Client>("cpg" + suffix_);
        ASSERT_TRUE(client_->connected());
        ASSERT_TRUE(toy::eventually([this] { return server_.next(Lane::kOrdered).has_value(); }));
        server_.pop(Lane::kOrdered);  // that it connected
        server_.set_coming(true);
    }

    std::string suffix_;
    totem::ipc::Server server_;
    std::unique_ptr<Client> client_;

  private:
    totem::ipc::ServerOptions options() {
        totem::ipc::ServerOptions options;
        options.services = {ServiceId::kCpg};
        options.name_suffix = suffix_;
        return options;
    }
};

TEST_F(AwaitTest, ends_when_nothing_comes) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_FALSE(server_.await_request(20ms));
    EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST_F(AwaitTest, hears_of_each_request_although_nobody_is_woken_otherwise) {
    for (int i = 0; i < 200; ++i) {
        std::thread sender([this] { client_->send(toy::kCount, 100); });
        const bool came = server_.await_request(10s);
        sender.join();
        ASSERT_TRUE(came) << i;
        server_.pop(Lane::kOrdered);
        ASSERT_FALSE(server_.next(Lane::kOrdered)) << i;
    }
}

TEST_F(AwaitTest, finds_the_request_that_is_there_already) {
    ASSERT_GT(client_->send(toy::kCount, 100), 0);
    ASSERT_TRUE(toy::eventually([this] { return server_.next(Lane::kOrdered).has_value(); }));
    EXPECT_TRUE(server_.await_request(0ns));
}

}  // namespace
