// Links between two hosts, which are network namespaces joined by a virtual cable: multicast,
// broadcast, IPv6, and interfaces that go down, lose their address and come back.
//
// The namespaces belong to this process alone and end with it. Where they cannot be made (neither
// root nor user namespaces) the tests are skipped. Source: wire.md 1, config.md 4 and 10.
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/totem/net/link_fixture.h"

namespace {

using std::string_literals::operator""s;
using totem::NodeId;
using totem::net::FileDescriptor;
using totem::net::LinkConfig;
using totem::net::Transport;
using totem::net::test::Host;
using totem::net::test::ip;
using totem::net::test::run_until;
using totem::net::test::Type;

constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};
constexpr std::uint16_t kPort = 5405;

bool run(const std::string& command) { return std::system((command + " 2>&1").c_str()) == 0; }

// Two namespaces and the cable between them, made once.
class Cable {
  public:
    static Cable& instance() {
        static Cable cable;
        return cable;
    }
    [[nodiscard]] bool ready() const { return ready_; }
    // What is opened or asked from now on happens on this host. Sockets stay where they were
    // opened.
    void enter(NodeId host) const {
        ASSERT_EQ(setns((host == kOne ? one_ : two_).get(), CLONE_NEWNET), 0);
    }

  private:
    Cable() {
        if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
            return;
        }
        one_ = FileDescriptor(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        if (unshare(CLONE_NEWNET) != 0) {
            return;
        }
        two_ = FileDescriptor(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        const std::string other =
            "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(one_.get());
        ready_ = run("ip link set lo up") &&
                 run("ip link add cable2 type veth peer name cable1 netns " + other) &&
                 configure("2") && setns(one_.get(), CLONE_NEWNET) == 0 &&
                 run("ip link set lo up") && configure("1");
    }
    static bool configure(const std::string& n) {
        return run("ip addr add 10.80.0." + n + "/24 dev cable" + n) &&
               run("ip -6 addr add fd80::" + n + "/64 dev cable" + n + " nodad") &&
               run("ip link set cable" + n + " up");
    }

    FileDescriptor one_;
    FileDescriptor two_;
    bool ready_ = false;
};

class TwoHosts : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!Cable::instance().ready()) {
            GTEST_SKIP() << "network namespaces cannot be made here";
        }
    }
    [[nodiscard]] static LinkConfig config(Transport transport, const std::string& prefix,
                                           const std::string& group) {
        LinkConfig config;
        config.transport = transport;
        config.port = kPort;
        config.downcheck = std::chrono::milliseconds(5);
        config.peers = {{kOne, ip(prefix + "1")}, {kTwo, ip(prefix + "2")}};
        if (!group.empty()) {
            config.group = ip(group);
        }
        return config;
    }
    void open(LinkConfig config) {
        for (Host* host : {&one_, &two_}) {
            Cable::instance().enter(host->node);
            config.self = host->node;
            config.local = config.peers.at(totem::raw(host->node) - 1).address;
            const auto opened = host->link.open(config, *host);
            ASSERT_TRUE(opened.has_value()) << opened.error().text;
            ASSERT_TRUE(host->link.up());
        }
        Cable::instance().enter(kOne);
    }
    // A new cable does not carry IPv6 multicast at once: probes go out at each look at the
    // interfaces until both have been heard.
    void settle() {
        ASSERT_TRUE(run_until(io_, [&] {
            for (Host* host : {&one_, &two_}) {
                host->send(totem::kNoNode, Type::kMulticast, "probe");
                host->link.flush();
            }
            return one_.got("probe") && two_.got("probe");
        }));
    }
    // A multicast and a token each way; nobody hears itself.
    void exchange() {
        one_.received.clear();
        two_.received.clear();
        settle();
        for (Host* host : {&one_, &two_}) {
            host->send(totem::kNoNode, Type::kMulticast, "data");
            host->send(host->node == kOne ? kTwo : kOne, Type::kToken, "token");
            host->link.flush();
        }
        ASSERT_TRUE(run_until(io_, [&] { return one_.got("token") && two_.got("token"); }));
        for (Host* host : {&one_, &two_}) {
            std::erase(host->received, "probe");
            EXPECT_EQ(host->received, (std::vector{"data"s, "token"s}));
        }
    }

    boost::asio::io_context io_;
    Host one_{io_, kOne};
    Host two_{io_, kTwo};
};

TEST_F(TwoHosts, MulticastOverIpv4) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    exchange();
    EXPECT_EQ(one_.link.stats().own_source, 0U);  // the kernel does not loop it back
}

TEST_F(TwoHosts, MulticastOverIpv6) {
    open(config(Transport::kUdp, "fd80::", "ff15::dcc"));
    exchange();
    EXPECT_EQ(one_.link.stats().own_source, 0U);
}

TEST_F(TwoHosts, Broadcast) {
    LinkConfig broadcast = config(Transport::kUdp, "10.80.0.", "");
    broadcast.broadcast = true;
    open(broadcast);
    exchange();
    // A broadcast does come back to its sender, where it is dropped.
    EXPECT_GE(one_.link.stats().own_source, 1U);
}

TEST_F(TwoHosts, DatagramPerPeerOverIpv6) {
    open(config(Transport::kUdpu, "fd80::", ""));
    exchange();
}

TEST_F(TwoHosts, EverythingOfUdpLeavesFromThePortBelow) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    one_.link.close();
    Cable::instance().enter(kOne);
    const auto raw = totem::net::open_socket(ip("10.80.0.1"), kPort, {});
    ASSERT_TRUE(raw.has_value());
    two_.send(kOne, Type::kToken, "token");
    two_.link.flush();
    pollfd readable{raw.value().get(), POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, 10000), 1);
    std::array<std::byte, 64> bytes{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ASSERT_GT(recvfrom(raw.value().get(), bytes.data(), bytes.size(), 0,
                       reinterpret_cast<sockaddr*>(&from), &size),
              0);
    EXPECT_EQ(ntohs(from.sin_port), kPort - 1);
}

// What was multicast before a token was passed has arrived before it, in the other socket. Here
// both come while that socket is being read, which a stranger's frame is answered with.
TEST_F(TwoHosts, AMulticastIsHandedOverBeforeATokenThatCameAfterIt) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    settle();
    one_.received.clear();
    static Host* sender = nullptr;
    sender = &two_;
    one_.during_stranger = [](Host& /*host*/) {
        sender->send(totem::kNoNode, Type::kMulticast, "data", kTwo);
        sender->send(kOne, Type::kToken, "token", kTwo);
        sender->link.flush();
    };
    two_.send(totem::kNoNode, Type::kJoin, "join", NodeId{99});
    two_.link.flush();
    ASSERT_TRUE(run_until(io_, [&] { return one_.got("token"); }));
    std::erase(one_.received, "probe");
    EXPECT_EQ(one_.received, (std::vector{"data"s, "token"s}));
}

TEST_F(TwoHosts, MulticastOfAStrangerIsDropped) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    ASSERT_TRUE(run("ip addr add 10.80.0.66/24 dev cable1"));
    const auto stranger = totem::net::open_socket(ip("10.80.0.66"), 0, {});
    const auto group = totem::net::to_socket_address(ip("239.192.13.217"), kPort);
    ASSERT_TRUE(stranger.has_value());
    ASSERT_EQ(totem::net::set_multicast_out(stranger.value().get(), {.local = ip("10.80.0.66")}),
              0);
    ASSERT_EQ(sendto(stranger.value().get(), "evil", 4, 0,
                     reinterpret_cast<const sockaddr*>(&group.storage), group.size),
              4);
    exchange();
    EXPECT_EQ(two_.link.stats().unlisted_source, 1U);
    ASSERT_TRUE(run("ip addr del 10.80.0.66/24 dev cable1"));
}

TEST_F(TwoHosts, AnAddressThatGoesAndComesBack) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    exchange();
    ASSERT_TRUE(run("ip addr del 10.80.0.1/24 dev cable1"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false}; }));
    EXPECT_FALSE(one_.link.up());
    one_.send(totem::kNoNode, Type::kMulticast, "lost");
    one_.link.flush();
    EXPECT_EQ(one_.link.stats().send_errors, 1U);

    ASSERT_TRUE(run("ip addr add 10.80.0.1/24 dev cable1"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false, true}; }));
    exchange();
}

// As when an administrator puts a bridge under the cluster's address. The membership of the kernel
// stays with the old interface, so without joining again node 1 would hear no multicast any more.
TEST_F(TwoHosts, AnAddressThatMovesToAnotherInterface) {
    open(config(Transport::kUdp, "10.80.0.", "239.192.13.217"));
    exchange();
    if (!run("ip link add bridge1 type bridge mcast_snooping 0 forward_delay 0")) {
        GTEST_SKIP() << "this kernel has no bridges";
    }
    ASSERT_TRUE(
        run("ip addr del 10.80.0.1/24 dev cable1 && ip link set cable1 master bridge1 && "
            "ip link set bridge1 up && ip addr add 10.80.0.1/24 dev bridge1"));
    exchange();
    EXPECT_TRUE(one_.link.up());
    ASSERT_TRUE(run("ip link del bridge1 && ip addr add 10.80.0.1/24 dev cable1"));
    exchange();
}

TEST_F(TwoHosts, AnInterfaceThatGoesDownAndUp) {
    open(config(Transport::kUdpu, "10.80.0.", ""));
    exchange();
    ASSERT_TRUE(run("ip link set cable1 down"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false}; }));
    ASSERT_TRUE(run("ip link set cable1 up"));
    ASSERT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false, true}; }));
    exchange();
}

// What changed meanwhile is seen as soon as there is one again.
TEST_F(TwoHosts, AnInterfaceThatGoesDownWhileNoDescriptorIsLeft) {
    open(config(Transport::kUdpu, "10.80.0.", ""));
    exchange();
    ASSERT_TRUE(run("ip link set cable1 down"));
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{0, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    io_.restart();
    io_.run_for(config(Transport::kUdpu, "10.80.0.", "").downcheck * 20);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_TRUE(one_.changes.empty());
    EXPECT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false}; }));
    ASSERT_TRUE(run("ip link set cable1 up"));
    EXPECT_TRUE(run_until(io_, [&] { return one_.changes == std::vector{false, true}; }));
}

}  // namespace
