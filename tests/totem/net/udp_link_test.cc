// A datagram per peer (udpu) on the loopback network: what arrives, what is dropped and counted,
// and in which order. Source: wire.md 1 and 2.5, totem.md 9 (row 21).
#include <array>
#include <cerrno>

#include "tests/totem/net/link_fixture.h"

namespace {

using std::string_literals::operator""s;
using totem::NodeId;
using totem::net::FileDescriptor;
using totem::net::IpAddress;
using totem::net::LinkConfig;
using totem::net::open_socket;
using totem::net::Peer;
using totem::net::ReceiveBatch;
using totem::net::to_socket_address;
using totem::net::test::frame_bytes;
using totem::net::test::free_port;
using totem::net::test::Host;
using totem::net::test::ip;
using totem::net::test::run_until;
using totem::net::test::Type;

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};
constexpr NodeId kThree{3};
constexpr NodeId kEveryone = totem::kNoNode;

class UdpuLink : public ::testing::Test {
  protected:
    [[nodiscard]] LinkConfig config(NodeId self) const {
        LinkConfig config;
        config.self = self;
        config.port = port_;
        config.peers = {
            {kOne, ip("127.0.0.21")}, {kTwo, ip("127.0.0.22")}, {kThree, ip("127.0.0.23")}};
        config.local = config.peers.at(totem::raw(self) - 1).address;
        return config;
    }
    void open(Host& host) {
        const auto opened = host.link.open(config(host.node), host);
        ASSERT_TRUE(opened.has_value()) << opened.error().text;
        ASSERT_TRUE(host.link.up());
    }
    // Bytes from a socket that is no link, to node 1.
    static void send_raw(const FileDescriptor& from, std::uint16_t port,
                         const std::vector<std::byte>& bytes) {
        const auto to = to_socket_address(ip("127.0.0.21"), port);
        ASSERT_EQ(sendto(from.get(), bytes.data(), bytes.size(), 0,
                         reinterpret_cast<const sockaddr*>(&to.storage), to.size),
                  static_cast<ssize_t>(bytes.size()));
    }
    static FileDescriptor raw_socket(std::string_view address) {
        auto socket = open_socket(ip(address), 0, {});
        EXPECT_TRUE(socket.has_value());
        return std::move(socket).value();
    }

    boost::asio::io_context io_;
    std::uint16_t port_ = free_port();
    Host one_{io_, kOne};
    Host two_{io_, kTwo};
    Host three_{io_, kThree};
};

TEST_F(UdpuLink, UnicastArrivesAtItsDestinationOnly) {
    open(one_), open(two_), open(three_);
    one_.send(kTwo, Type::kToken, "token");
    one_.send(kEveryone, Type::kJoin, "end");
    one_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return two_.got("end") && three_.got("end"); }));
    // The join overtakes the token that lay in the same batch, or came in the batch before.
    EXPECT_TRUE(two_.got("token"));
    EXPECT_EQ(three_.received, std::vector{"end"s});
    EXPECT_EQ(one_.link.stats().frames_sent, 3U);
    EXPECT_EQ(two_.link.stats().frames_received, 2U);
}

TEST_F(UdpuLink, MulticastGoesToEveryPeerAndNotToItself) {
    open(one_), open(two_), open(three_);
    one_.send(kEveryone, Type::kMulticast, "hello");
    one_.link.flush();
    two_.send(kOne, Type::kMulticast, "end");
    two_.link.flush();
    ASSERT_TRUE(run_until(
        io_, [&] { return two_.got("hello") && three_.got("hello") && one_.got("end"); }));
    EXPECT_EQ(one_.received, std::vector{"end"s});
    EXPECT_EQ(one_.link.stats().own_source, 0U);
}

TEST_F(UdpuLink, NothingLeavesBeforeFlush) {
    open(one_), open(two_);
    one_.send(kTwo, Type::kMulticast, "first");
    EXPECT_EQ(one_.link.stats().frames_sent, 0U);
    one_.link.flush();
    EXPECT_EQ(one_.link.stats().frames_sent, 1U);
    one_.link.flush();
    EXPECT_EQ(one_.link.stats().frames_sent, 1U);
}

TEST_F(UdpuLink, DropsSourcesThatAreNotInTheNodeList) {
    open(one_);
    send_raw(raw_socket("127.0.0.66"), port_, frame_bytes(Type::kMulticast, "stranger"));
    send_raw(raw_socket("127.0.0.22"), port_, frame_bytes(Type::kMulticast, "member"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("member"); }));
    EXPECT_FALSE(one_.got("stranger"));
    EXPECT_EQ(one_.link.stats().unlisted_source, 1U);
    EXPECT_EQ(one_.link.stats().last_unlisted, ip("127.0.0.66"));
}

TEST_F(UdpuLink, DropsNodesThatAreNotInTheNodeList) {
    open(one_);
    const auto member = raw_socket("127.0.0.22");
    send_raw(member, port_, frame_bytes(Type::kMulticast, "mistyped", NodeId{99}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "member", NodeId{2}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "our own, again", NodeId{1}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("our own, again"); }));
    EXPECT_TRUE(one_.got("member"));
    EXPECT_FALSE(one_.got("mistyped"));
    EXPECT_EQ(one_.link.stats().unlisted_node, 1U);
    EXPECT_EQ(one_.strangers, (std::vector{NodeId{99}}));
}

// Two nodes with one id cannot be told apart by the others: the second one is not listened to.
TEST_F(UdpuLink, DropsWhoeverIntroducesItselfAsThisNode) {
    open(one_);
    const auto member = raw_socket("127.0.0.22");
    send_raw(member, port_, frame_bytes(Type::kMergeDetect, "double", NodeId{1}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "of its ring", NodeId{1}));
    send_raw(member, port_, frame_bytes(Type::kJoin, "corrected", NodeId{2}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("corrected"); }));
    EXPECT_FALSE(one_.got("double"));
    EXPECT_FALSE(one_.got("of its ring"));
    EXPECT_EQ(one_.strangers, (std::vector{NodeId{1}}));
}

// Neither may a member, by mistake, speak for another one: the ring would fall apart.
TEST_F(UdpuLink, DropsWhoeverIntroducesItselfAsAnotherNode) {
    open(one_);
    const auto member = raw_socket("127.0.0.22");
    send_raw(member, port_, frame_bytes(Type::kMulticast, "of 3, repeated", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kJoin, "join", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "data", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kJoin, "corrected", NodeId{2}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "of 3 again", NodeId{3}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("of 3 again"); }));
    EXPECT_TRUE(one_.got("of 3, repeated"));
    EXPECT_TRUE(one_.got("corrected"));
    EXPECT_FALSE(one_.got("join"));
    EXPECT_FALSE(one_.got("data"));
    EXPECT_EQ(one_.strangers, (std::vector{NodeId{3}}));
}

// One that floods does not hide another one.
TEST_F(UdpuLink, StrangersAreReportedPerAddress) {
    open(one_);
    const auto two = raw_socket("127.0.0.22");
    const auto three = raw_socket("127.0.0.23");
    for (const auto* sender : {&two, &two, &three, &two, &three}) {
        const NodeId name = sender == &two ? NodeId{99} : NodeId{98};
        send_raw(*sender, port_, frame_bytes(Type::kMulticast, "mistyped", name));
    }
    send_raw(three, port_, frame_bytes(Type::kMulticast, "last", NodeId{3}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("last"); }));
    EXPECT_EQ(one_.strangers, (std::vector{NodeId{99}, NodeId{98}}));
    EXPECT_EQ(one_.stranger_sources, (std::vector{ip("127.0.0.22"), ip("127.0.0.23")}));
}

TEST_F(UdpuLink, WhoIsToldOfAStrangerMayReplaceTheNodeListAndCloseTheLink) {
    open(one_);
    one_.during_stranger = [](Host& host) {
        host.link.set_members(std::vector<Peer>{{kThree, ip("127.0.0.23")}}, true);
        host.link.close();
    };
    send_raw(raw_socket("127.0.0.22"), port_, frame_bytes(Type::kJoin, "join", NodeId{99}));
    ASSERT_TRUE(run_until(io_, [&] { return !one_.strangers.empty(); }));
    EXPECT_EQ(one_.stranger_sources, (std::vector{ip("127.0.0.22")}));
}

// A member of a ring introduces itself to nobody: after one stray join its tokens must go on.
TEST_F(UdpuLink, OneStrayJoinDoesNotSilenceAMember) {
    open(one_);
    const auto member = raw_socket("127.0.0.22");
    send_raw(member, port_, frame_bytes(Type::kJoin, "stray", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "its own", NodeId{2}));
    send_raw(member, port_, frame_bytes(Type::kToken, "its token", NodeId{2}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("its token"); }));
    EXPECT_TRUE(one_.got("its own"));
    EXPECT_FALSE(one_.got("stray"));
}

// Nor may it cost for ever what the member repeats for others.
TEST_F(UdpuLink, AStrayJoinIsForgotten) {
    LinkConfig forgetful = config(kOne);
    forgetful.posing = std::chrono::milliseconds(1000);
    ASSERT_TRUE(one_.link.open(forgetful, one_).has_value());
    const auto member = raw_socket("127.0.0.22");
    send_raw(member, port_, frame_bytes(Type::kJoin, "stray", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "of three", NodeId{3}));
    send_raw(member, port_, frame_bytes(Type::kMulticast, "its own", NodeId{2}));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("its own"); }));
    EXPECT_FALSE(one_.got("of three"));
    EXPECT_TRUE(run_until(io_, [&] {
        send_raw(member, port_, frame_bytes(Type::kMulticast, "of three", NodeId{3}));
        return one_.got("of three");
    }));
}

TEST_F(UdpuLink, DropsItsOwnAddressWhateverThePort) {
    open(one_);
    send_raw(raw_socket("127.0.0.21"), port_, frame_bytes(Type::kMulticast, "echo"));
    send_raw(raw_socket("127.0.0.22"), port_, frame_bytes(Type::kMulticast, "member"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("member"); }));
    EXPECT_FALSE(one_.got("echo"));
    EXPECT_EQ(one_.link.stats().own_source, 1U);
}

TEST_F(UdpuLink, TakesNewNodeListsAndTheirBlocking) {
    open(one_), open(two_), open(three_);
    const std::vector<Peer> without_three{{kOne, ip("127.0.0.21")}, {kTwo, ip("127.0.0.22")}};
    one_.link.set_members(without_three, true);
    three_.send(kOne, Type::kMulticast, "removed");
    three_.link.flush();
    two_.send(kOne, Type::kMulticast, "kept");
    two_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("kept"); }));
    EXPECT_FALSE(one_.got("removed"));

    one_.send(kThree, Type::kToken, "nowhere");
    one_.link.flush();
    EXPECT_EQ(one_.link.stats().no_address, 1U);
    EXPECT_EQ(one_.link.stats().frames_sent, 0U);

    one_.link.set_members(without_three, false);
    three_.send(kOne, Type::kMulticast, "tolerated");
    three_.link.flush();
    EXPECT_TRUE(run_until(io_, [&] { return one_.got("tolerated"); }));
}

TEST_F(UdpuLink, WhatWasQueuedBeforeANewNodeListIsSentByTheOldOne) {
    open(one_), open(two_);
    one_.send(kTwo, Type::kMulticast, "before");
    one_.link.set_members({}, true);
    EXPECT_TRUE(run_until(io_, [&] { return two_.got("before"); }));
}

TEST_F(UdpuLink, HandsOverDataBeforeTokensOfABatch) {
    open(one_);
    const auto from = raw_socket("127.0.0.22");
    send_raw(from, port_, frame_bytes(Type::kToken, "token"));
    send_raw(from, port_, frame_bytes(Type::kMulticast, "data 1"));
    send_raw(from, port_, frame_bytes(Type::kCommit, "commit"));
    send_raw(from, port_, frame_bytes(Type::kJoin, "join"));
    send_raw(from, port_, frame_bytes(Type::kMulticast, "data 2"));
    one_.link.receive_now();
    EXPECT_EQ(one_.received, (std::vector{"data 1"s, "join"s, "data 2"s, "token"s, "commit"s}));
    EXPECT_EQ(one_.batches, std::vector<std::size_t>{5});
}

TEST_F(UdpuLink, ReceivesMoreThanOneBatch) {
    open(one_);
    const auto from = raw_socket("127.0.0.22");
    for (int i = 0; i < 200; ++i) {
        send_raw(from, port_, frame_bytes(Type::kMulticast, std::to_string(i)));
    }
    ASSERT_TRUE(run_until(io_, [&] { return one_.received.size() == 200; }));
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(one_.received.at(static_cast<std::size_t>(i)), std::to_string(i));
    }
    EXPECT_LE(*std::ranges::max_element(one_.batches), 64U);
}

// Lengths on both sides of a pooled frame, and two long ones in one batch.
TEST_F(UdpuLink, SaysWhenThereMayBeMoreThanItHandedOver) {
    open(one_), open(two_);
    for (std::size_t n = 0; n < ReceiveBatch::kDatagramsMax + 1; ++n) {
        two_.send(kOne, Type::kMulticast, "one of many");
    }
    two_.link.flush();
    EXPECT_TRUE(one_.link.receive_now());
    EXPECT_FALSE(one_.link.receive_now());
    EXPECT_EQ(one_.received.size(), ReceiveBatch::kDatagramsMax + 1);
}

TEST_F(UdpuLink, PutsLongDatagramsTogether) {
    open(one_), open(two_);
    std::vector<std::string> sent;
    for (const std::size_t size : {1U, 2034U, 2035U, 2036U, 9000U, 30000U, 65494U}) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) {
            text.push_back(static_cast<char>((i * 7 + size) % 251));
        }
        sent.push_back(text);
        two_.send(kOne, Type::kMulticast, text);
    }
    two_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return one_.received.size() == sent.size(); }));
    EXPECT_TRUE(one_.received == sent);
}

TEST_F(UdpuLink, DropsEmptyDatagrams) {
    open(one_);
    const auto from = raw_socket("127.0.0.22");
    send_raw(from, port_, {});
    send_raw(from, port_, {std::byte{0x70}});
    ASSERT_TRUE(run_until(io_, [&] { return !one_.received.empty(); }));
    EXPECT_EQ(one_.link.stats().truncated, 1U);
    EXPECT_EQ(one_.link.stats().frames_received, 1U);
}

TEST_F(UdpuLink, WhatTheKernelRefusesDoesNotStopTheRest) {
    open(one_), open(two_);
    two_.send(kOne, Type::kMulticast, "first");
    two_.send(kOne, Type::kMulticast, std::string(65504, 'x'));  // one byte more than UDP carries
    two_.send(kOne, Type::kMulticast, "last");
    two_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("last"); }));
    EXPECT_EQ(one_.received, (std::vector{"first"s, "last"s}));
    EXPECT_EQ(two_.link.stats().frames_sent, 2U);
    EXPECT_EQ(two_.link.stats().send_errors, 1U);
    EXPECT_EQ(two_.link.stats().last_send_error, EMSGSIZE);
}

TEST_F(UdpuLink, MayBeClosedFromInside) {
    open(one_), open(two_);
    one_.during_frames = [](Host& host) {
        host.link.receive_now();
        host.link.close();
    };
    two_.send(kOne, Type::kMulticast, "close");
    two_.send(kOne, Type::kMulticast, "and more");
    two_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return !one_.received.empty(); }));
    EXPECT_FALSE(one_.link.up());
    two_.link.close();
    io_.restart();
    io_.poll();  // what still waits finds the link closed
    EXPECT_EQ(one_.batches.size(), 1U);
    EXPECT_EQ(one_.pool.live(), 0U);
    EXPECT_EQ(two_.pool.live(), 0U);
    one_.send(kTwo, Type::kToken, "ignored");
    one_.link.flush();
}

TEST_F(UdpuLink, SaysWhichSocketCannotBeOpened) {
    open(one_);
    Host again{io_, kOne};
    const auto opened = again.link.open(config(kOne), again);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, EADDRINUSE);
    EXPECT_NE(opened.error().text.find("127.0.0.21"), std::string::npos) << opened.error().text;
    EXPECT_NE(opened.error().text.find(std::to_string(port_)), std::string::npos);
}

// The network of a node may come after the node: it starts, is down, and loses what it sends.
TEST_F(UdpuLink, OpensOnAnAddressThatIsNotThereYet) {
    LinkConfig absent = config(kOne);
    absent.local = ip("192.0.2.1");
    absent.peers.at(0).address = absent.local;
    const auto opened = one_.link.open(absent, one_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    EXPECT_FALSE(one_.link.up());
    one_.send(kTwo, Type::kToken, "lost");
    one_.link.flush();
    EXPECT_EQ(one_.link.stats().frames_sent, 0U);
    EXPECT_EQ(one_.link.stats().send_errors, 1U);
}

TEST_F(UdpuLink, RefusesAGroupThatIsNone) {
    LinkConfig udp = config(kOne);
    udp.transport = totem::net::Transport::kUdp;
    udp.group = ip("10.0.0.1");
    const auto opened = one_.link.open(udp, one_);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, EINVAL);
}

TEST(IpAddress, ReadsAndWritesNumericTextOnly) {
    EXPECT_EQ(ip("10.0.0.1").to_string(), "10.0.0.1");
    EXPECT_EQ(ip("FD00:0::1").to_string(), "fd00::1");
    for (const char* bad : {"", "node1", "10.0.0", "10.0.0.1/8", "fe80::1%no-such-if", "1::2::3"}) {
        EXPECT_FALSE(IpAddress::parse(bad).has_value()) << bad;
    }
    EXPECT_TRUE(ip("239.192.1.2").is_multicast());
    EXPECT_TRUE(ip("ff15::1").is_multicast());
    EXPECT_FALSE(ip("192.168.1.2").is_multicast());
    EXPECT_TRUE(ip("::1").is_loopback());
    EXPECT_TRUE(ip("fe80::1").is_link_local_v6());
}

}  // namespace
