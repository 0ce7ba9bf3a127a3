// The driver between a stack, a link on the loopback interface and the doors, with the other member
// of the ring in the test's hand: the order in which things are handed over.
//
// No test sleeps: what must arrive "meanwhile" is sent from inside the driver, at the moment when
// it hands over what came before.
#include "totem/daemon/driver.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/totem/group/probe_service.h"
#include "tests/totem/ipc/toy_daemon.h"
#include "tests/totem/net/link_fixture.h"
#include "totem/core/codec.h"
#include "totem/core/stats.h"

namespace totem::daemon {
namespace {

using namespace std::chrono_literals;
using net::test::ip;

constexpr NodeId kSelf{1};
constexpr NodeId kPeer{2};

RingConfig config_of(NodeId self) {
    RingConfig config;
    config.self = self;
    return config;
}

// The other member: a stack and a socket. What it sends is the test's to pass on.
class Peer {
  public:
    Peer(const net::IpAddress& address, std::uint16_t port, const net::IpAddress& driver)
        : socket_(net::open_socket(address, port, {})), to_(net::to_socket_address(driver, port)) {
        stack_.add(service_);
        stack_.add(door_);
        step(Input(Start{0}));
        step(group::ClientOpened{service_.id(), kClient, 1});
    }

    void step(const group::StackInput& input) {
        group::StackEffects effects;
        stack_.step(now(), input, effects);
        wake_at_ = effects.ring.wake_at;
        for (const Datagram& datagram : effects.ring.datagrams) {
            std::vector<std::byte> bytes(datagram.head.begin(),
                                         datagram.head.begin() + datagram.head_size);
            std::ranges::copy(datagram.body.bytes(), std::back_inserter(bytes));
            if (datagram.to == kPeer) {
                step(Input(Received{{}, pool_.copy(bytes)}));
            } else {
                outbox.push_back(std::move(bytes));
            }
        }
        if (effects.ring.persist) {
            step(Input(Persisted{*effects.ring.persist}));
        }
    }
    // A message that fills a frame, so that each travels in one of its own.
    void ask() { step(group::ClientRequest{kClient, std::vector<std::byte>(1300)}); }
    void wake() {
        if (wake_at_ && *wake_at_ <= now()) {
            step(Input(Wake{}));
        }
    }
    std::optional<std::vector<std::byte>> receive() {
        std::vector<std::byte> bytes(65536);
        const ssize_t size =
            ::recv(socket_.value().get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size < 0) {
            return std::nullopt;
        }
        bytes.resize(static_cast<std::size_t>(size));
        return bytes;
    }
    void take(const std::vector<std::byte>& frame) { step(Input(Received{{}, pool_.copy(frame)})); }
    void send(const std::vector<std::byte>& frame) {
        ASSERT_EQ(::sendto(socket_.value().get(), frame.data(), frame.size(), 0,
                           reinterpret_cast<const sockaddr*>(&to_.storage), to_.size),
                  static_cast<ssize_t>(frame.size()));
    }
    void send_all() {
        for (const auto& frame : std::exchange(outbox, {})) {
            send(frame);
        }
    }
    [[nodiscard]] bool ready() const { return stack_.ready(); }
    [[nodiscard]] std::uint64_t sent() const { return stack_.node().stats().mcast_tx; }

    std::vector<std::vector<std::byte>> outbox;

  private:
    static constexpr group::ConnectionId kClient{1};

    FramePool pool_;
    group_test::ProbeService service_{1, false};
    group_test::ProbeDoor door_{service_};
    group::Stack stack_{config_of(kPeer), pool_};
    Result<net::FileDescriptor, net::SocketError> socket_;
    net::SocketAddress to_;
    std::optional<Instant> wake_at_;
};

class DriverTest : public ::testing::Test, public DriverListener {
  protected:
    DriverTest()
        : suffix_("-driver" + std::to_string(::getpid())),
          stack_(config_of(kSelf), pool_),
          server_(options()),
          link_(io_, ready_, pool_),
          driver_({io_, ready_, pool_, stack_, link_, server_, *this}, kSelf),
          port_(net::test::free_port()),
          peer_(ip("127.0.0.2"), port_, ip("127.0.0.1")) {}
    ~DriverTest() override { link_.close(); }
    DriverTest(const DriverTest&) = delete;
    DriverTest& operator=(const DriverTest&) = delete;
    DriverTest(DriverTest&&) = delete;
    DriverTest& operator=(DriverTest&&) = delete;

    void SetUp() override {
        net::LinkConfig config;
        config.self = kSelf;
        config.local = ip("127.0.0.1");
        config.port = port_;
        config.peers = {{kSelf, config.local}, {kPeer, ip("127.0.0.2")}};
        ASSERT_TRUE(link_.open(config, driver_.link_listener()));
        ASSERT_TRUE(server_.start());
        server_.set_ready(true);
        driver_.input(Input(Start{0}));
        ASSERT_TRUE(toy::eventually([this] {
            pump();
            return peer_.ready() && stack_.ready();
        }));
    }

    // Lets the driver and the peer go on for a moment. The last token that reached the peer.
    std::optional<OrfToken> pump() {
        peer_.send_all();
        driver_.run(now() + 200us);
        if (const auto bound = std::exchange(persist_, std::nullopt)) {
            driver_.input(Input(Persisted{*bound}));
        }
        std::optional<OrfToken> token;
        while (const auto frame = peer_.receive()) {
            if (const auto passed = decode_orf_token(*frame)) {
                token = passed.value();
            }
            peer_.take(*frame);
        }
        peer_.wake();
        return token;
    }

    void on_persist(std::uint64_t ring_seq) override { persist_ = ring_seq; }
    void on_notice(const group::Notice& /*notice*/) override {}
    void on_trace(const Trace& /*trace*/) override {}
    void on_host_request(const group::HostRequest& /*request*/) override {}
    void on_link_change(bool /*up*/) override {}
    void on_seal_event(const net::SealEvent& /*event*/) override {}
    void on_stranger(NodeId /*node*/, const net::IpAddress& /*source*/) override {}
    void before_effects(bool /*news*/) override {
        if (meanwhile_ && stack_.node().stats().mcast_rx > mcast_rx_) {
            peer_.send(*meanwhile_);
            meanwhile_.reset();
        }
    }
    void on_ready() override {}

    // The peer's next visit brings two messages and a token. The first and the token lie before the
    // driver, the second comes once the driver has the first.
    bool set_trap() {
        const std::uint64_t sent = peer_.sent();
        peer_.ask();
        peer_.ask();
        if (!toy::eventually([&] {
                pump();
                return peer_.sent() >= sent + 2;
            })) {
            return false;
        }
        if (peer_.outbox.size() != 3) {
            return false;
        }
        meanwhile_ = peer_.outbox.at(1);
        mcast_rx_ = stack_.node().stats().mcast_rx;
        peer_.outbox.erase(peer_.outbox.begin() + 1);
        return true;
    }

    std::string suffix_;
    boost::asio::io_context io_;
    net::ReadySet ready_{io_};
    FramePool pool_;
    group::Stack stack_;
    ipc::Server server_;
    net::UdpLink link_;
    Driver driver_;
    std::uint16_t port_;
    Peer peer_;
    std::optional<std::uint64_t> persist_;
    std::optional<std::vector<std::byte>> meanwhile_;
    std::uint64_t mcast_rx_ = 0;

  private:
    ipc::ServerOptions options() const {
        ipc::ServerOptions options;
        options.services = {group::ServiceId::kCpg};
        options.name_suffix = suffix_;
        return options;
    }
};

// While the token is kept for a client, what arrives is read before it is stepped: the token that
// goes on does not ask others to keep what this node has already. Only a token that is kept does
// so, which depends on the clients' thread; so it is tried until one is.
TEST_F(DriverTest, ReadsWhatArrivesWhileTheTokenWaitsForAClient) {
    toy::Client client("cpg" + suffix_);
    ASSERT_TRUE(client.connected());
    EXPECT_TRUE(toy::eventually([&] {
        if (!set_trap()) {
            return false;
        }
        server_.set_coming(true);
        for (int i = 0; i < 3; ++i) {
            static_cast<void>(client.send(toy::kCount, 100));  // refused while the ring changes
        }
        for (int i = 0; i < 1000 && !server_.streaming(); ++i) {
            std::this_thread::yield();
        }
        const auto token = pump();
        return token && token->aru == token->seq;
    }));
}

}  // namespace
}  // namespace totem::daemon
