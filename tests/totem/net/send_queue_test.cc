// In which order datagrams leave.
#include "totem/net/send_queue.h"

#include <arpa/inet.h>
#include <array>
#include <string>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/totem/net/link_fixture.h"

namespace {

using totem::FramePool;
using totem::net::FileDescriptor;
using totem::net::SendQueue;
using totem::net::SocketAddress;
using totem::net::test::ip;

// One socket that is reached under two addresses, so that it sees the order among both.
class Order : public testing::Test {
  protected:
    void SetUp() override {
        auto socket = totem::net::open_socket(ip("0.0.0.0"), 0, {});
        ASSERT_TRUE(socket);
        receiver = std::move(socket).value();
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        ASSERT_EQ(::getsockname(receiver.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
        const std::uint16_t port = ntohs(bound.sin_port);
        addresses = {totem::net::to_socket_address(ip("127.0.0.1"), port),
                     totem::net::to_socket_address(ip("127.0.0.2"), port)};
    }
    void add(const std::string& text, std::span<const SocketAddress> targets) {
        queue.add({}, pool.copy(std::as_bytes(std::span(text))), targets);
    }
    // What arrived, in that order.
    std::string sent() {
        const SendQueue::Outcome outcome = queue.send(receiver.get());
        std::string all;
        for (std::uint64_t i = 0; i < outcome.sent; ++i) {
            all += receive() + " ";
        }
        return all;
    }

    FramePool pool;
    SendQueue queue;
    FileDescriptor receiver;
    std::array<SocketAddress, 2> addresses;

  private:
    std::string receive() {
        std::array<char, 64> text{};
        return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(
                                 ::recv(receiver.get(), text.data(), text.size(), 0), 0))};
    }
};

TEST_F(Order, IsThatOfQueueing) {
    add("a", addresses);
    add("b", std::span(addresses).first(1));
    EXPECT_EQ(sent(), "a a b ");
}

// The receiver of the token has all of its own before the others have anything.
TEST_F(Order, AHastenedDestinationComesFirst) {
    add("a", addresses);
    add("b", addresses);
    add("token", std::span(addresses).last(1));
    queue.hasten(addresses.back());
    EXPECT_EQ(sent(), "a b token a b ");
}

TEST_F(Order, HasteEndsWithTheFlush) {
    add("a", std::span(addresses).last(1));
    queue.hasten(addresses.back());
    EXPECT_EQ(sent(), "a ");
    add("a", std::span(addresses).first(1));
    add("b", std::span(addresses).last(1));
    EXPECT_EQ(sent(), "a b ");
}

}  // namespace
