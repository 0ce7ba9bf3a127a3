// A link with a seal on the loopback network: the handshake runs by itself, members understand each
// other, and what is not sealed never reaches the driver. Source: properties.md C1 and C8.
#include "tests/totem/net/link_fixture.h"
#include "tests/totem/net/seal_fixture.h"

namespace {

using totem::NodeId;
using totem::net::LinkConfig;
using totem::net::PacketSeal;
using totem::net::SealEvent;
using totem::net::Verdict;
using totem::net::test::frame_bytes;
using totem::net::test::Host;
using totem::net::test::ip;
using totem::net::test::keys;
using totem::net::test::kOne;
using totem::net::test::kTwo;
using totem::net::test::run_until;
using totem::net::test::Type;

struct SealedHost : Host {
    SealedHost(boost::asio::io_context& io, NodeId id, std::uint8_t key)
        : Host(io, id), seal({.self = id}, keys({key}), pool, totem::net::system_random()) {
        seal.set_nodes(std::array{kOne, kTwo});
    }
    void on_seal_event(totem::LinkId /*link*/, const SealEvent& event) override {
        started += event.kind == SealEvent::Kind::kSessionStarted ? 1 : 0;
        if (event.kind == SealEvent::Kind::kOtherKey) {
            other_keys.push_back(event.node);
        }
        link.receive_now();  // allowed, and nothing but a waste
    }
    void open_sealed(std::uint16_t port) {
        LinkConfig config;
        config.self = node;
        config.port = port;
        config.peers = {{kOne, ip("127.0.0.31")}, {kTwo, ip("127.0.0.32")}};
        config.local = config.peers.at(totem::raw(node) - 1).address;
        // Keeps the io_context turning while a test repeats its joins.
        config.downcheck = std::chrono::milliseconds(2);
        const auto opened = link.open(config, *this, &seal);
        ASSERT_TRUE(opened.has_value()) << opened.error().text;
    }

    PacketSeal seal;
    int started = 0;
    std::vector<NodeId> other_keys;
};

// Repeats a join, as the ring does, until both have heard the other's.
bool join(boost::asio::io_context& io, SealedHost& a, SealedHost& b) {
    return run_until(io, [&] {
        for (SealedHost* host : {&a, &b}) {
            host->send(totem::kNoNode, Type::kJoin, "join");
            host->link.flush();
        }
        return a.got("join") && b.got("join");
    });
}

TEST(SealedLink, MembersUnderstandEachOther) {
    boost::asio::io_context io;
    SealedHost one(io, kOne, 7);
    SealedHost two(io, kTwo, 7);
    const std::uint16_t port = totem::net::test::free_port();
    one.open_sealed(port), two.open_sealed(port);
    ASSERT_TRUE(join(io, one, two));
    EXPECT_EQ(one.started, 1);
    EXPECT_EQ(two.started, 1);
    one.send(kTwo, Type::kToken, "token");
    one.send(totem::kNoNode, Type::kMulticast, std::string(40000, 'x'));
    one.link.flush();
    EXPECT_TRUE(
        run_until(io, [&] { return two.got("token") && two.got(std::string(40000, 'x')); }));
}

TEST(SealedLink, WhatIsNotSealedNeverArrives) {
    boost::asio::io_context io;
    SealedHost one(io, kOne, 7);
    SealedHost two(io, kTwo, 7);
    const std::uint16_t port = totem::net::test::free_port();
    one.open_sealed(port), two.open_sealed(port);
    const auto member = totem::net::open_socket(ip("127.0.0.32"), 0, {});
    const auto to = totem::net::to_socket_address(ip("127.0.0.31"), port);
    for (const auto& bytes :
         {frame_bytes(Type::kJoin, "clear"), frame_bytes(Type::kToken, "clear")}) {
        ASSERT_GT(sendto(member.value().get(), bytes.data(), bytes.size(), 0,
                         reinterpret_cast<const sockaddr*>(&to.storage), to.size),
                  0);
    }
    ASSERT_TRUE(join(io, one, two));
    EXPECT_FALSE(one.got("clear"));
    EXPECT_EQ(one.seal.count(Verdict::kMalformed), 2U);
    EXPECT_GE(one.link.stats().seal_refused, 2U);
}

// A member that started with the new key in the middle of a key change cannot know more.
TEST(SealedLink, WhoeverHasAnotherKeyIsNamed) {
    boost::asio::io_context io;
    SealedHost one(io, kOne, 7);
    SealedHost two(io, kTwo, 8);
    const std::uint16_t port = totem::net::test::free_port();
    one.open_sealed(port), two.open_sealed(port);
    for (int i = 0; i < 3; ++i) {
        two.send(totem::kNoNode, Type::kJoin, "join");
        two.link.flush();
    }
    ASSERT_TRUE(run_until(io, [&] { return one.seal.count(Verdict::kUnknownKey) == 3; }));
    EXPECT_EQ(one.other_keys, (std::vector{kTwo}));
    EXPECT_TRUE(one.strangers.empty());
}

TEST(SealedLink, AnotherKeyIsAnotherRing) {
    boost::asio::io_context io;
    SealedHost one(io, kOne, 7);
    SealedHost two(io, kTwo, 8);
    const std::uint16_t port = totem::net::test::free_port();
    one.open_sealed(port), two.open_sealed(port);
    two.send(totem::kNoNode, Type::kJoin, "join");
    two.link.flush();
    ASSERT_TRUE(run_until(io, [&] { return one.seal.count(Verdict::kUnknownKey) == 1; }));
    EXPECT_TRUE(one.received.empty());
    EXPECT_EQ(one.link.stats().frames_sent, 0U);
}

}  // namespace
