// The client's transport against our server: nothing waits, whatever the daemon does.
#include "totem/ipc/client_transport.h"

#include <csignal>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"
#include "totem/ipc/door_suffix.h"

namespace {

using totem::Instant;
using totem::client::Bytes;
using totem::client::Door;
using totem::client::Error;
using totem::group::ServiceId;
using totem::ipc::ClientTransport;
using totem::ipc::ServerOptions;

Instant now() {
    return Instant{std::chrono::duration_cast<totem::Duration>(
        std::chrono::steady_clock::now().time_since_epoch())};
}

// What came out of a transport, in words; replies and events with their sizes.
class ClientTransportTest : public ::testing::Test {
  protected:
    ClientTransportTest() : suffix_("-transport" + std::to_string(::getpid())) {}
    ~ClientTransportTest() override {
        if (silent_ >= 0) {
            ::close(silent_);
        }
    }

    ServerOptions options() {
        ServerOptions options;
        options.services = {ServiceId::kCmap, ServiceId::kCpg};
        options.name_suffix = suffix_;
        return options;
    }
    void start() {
        daemon_ = std::make_unique<toy::Daemon>(options());
        ASSERT_TRUE(daemon_->start()) << daemon_->problem;
        daemon_->server().set_ready(true);
    }
    // Somebody listens at the door of cpg and never answers.
    void listen_silently() {
        silent_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        const std::string text = "cpg" + suffix_;
        text.copy(&name.sun_path[1], text.size());
        ASSERT_EQ(::bind(silent_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        ASSERT_EQ(::listen(silent_, 10), 0);
    }

    void run() {
        transport.run(now(), [this](const totem::client::Input& input) {
            std::visit([this](const auto& value) { keep(value); }, input);
        });
    }
    // Sleeps as the owner would until `word` came; false after 10 s.
    bool came(const std::string& word) {
        const Instant end = now() + std::chrono::seconds(10);
        while (std::ranges::find(words, word) == words.end()) {
            if (now() > end) {
                return false;
            }
            const Instant wake = std::min(transport.wake_at().value_or(end), end);
            const auto wait = std::chrono::ceil<std::chrono::milliseconds>(wake - now());
            pollfd fd{transport.fd(), POLLIN, 0};
            ::poll(&fd, 1, static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
            run();
        }
        return true;
    }
    int count(const std::string& word) const {
        return static_cast<int>(std::ranges::count(words, word));
    }
    void connect(Door door) { transport.perform(now(), totem::client::Connect{door}); }
    void request(Door door, const Bytes& bytes) {
        transport.perform(now(), totem::client::Request{door, bytes});
    }
    static Bytes echo(std::size_t size) {
        Bytes bytes(size);
        totem::client::set_field<std::uint32_t>(bytes, 0, toy::kEcho);
        totem::client::set_field<std::uint32_t>(bytes, 8, static_cast<std::uint32_t>(size));
        return bytes;
    }
    static Bytes ask_events(std::uint32_t count) {
        Bytes bytes(sizeof(toy::EventsRequest));
        totem::client::set_field<std::uint32_t>(bytes, 0, toy::kEvents);
        totem::client::set_field<std::uint32_t>(bytes, 8, sizeof(toy::EventsRequest));
        totem::client::set_field<std::uint32_t>(bytes, 16, count);
        totem::client::set_field<std::uint32_t>(bytes, 24, 100);
        return bytes;
    }

    static std::string name(Door door) { return door == Door::kCpg ? "cpg" : "cmap"; }
    void keep(const totem::client::Connected& in) { words.push_back("connected " + name(in.door)); }
    void keep(const totem::client::ConnectFailed& in) {
        words.push_back("failed " + std::to_string(static_cast<unsigned>(in.error)));
    }
    void keep(const totem::client::Disconnected& in) { words.push_back("lost " + name(in.door)); }
    void keep(const totem::client::Accepted& /*in*/) { words.emplace_back("accepted"); }
    void keep(const totem::client::NotTaken& /*in*/) { words.emplace_back("not taken"); }
    void keep(const totem::client::Reply& in) {
        words.push_back("reply " + std::to_string(in.bytes.size()));
    }
    void keep(const totem::client::Event& in) {
        words.push_back("event");
        numbers.push_back(totem::client::u32_field(in.bytes, sizeof(qb_ipc_response_header)));
    }
    template <typename Other>
    void keep(const Other& /*in*/) {
        FAIL() << "not what a transport hands in";
    }

    std::string suffix_;
    std::unique_ptr<toy::Daemon> daemon_;
    ClientTransport transport{
        {.name_suffix = suffix_, .connect_wait = std::chrono::milliseconds(200)}};
    std::vector<std::string> words;
    std::vector<std::uint32_t> numbers;
    int silent_ = -1;
};

TEST_F(ClientTransportTest, RequestsRepliesAndEvents) {
    start();
    connect(Door::kCmap);
    ASSERT_TRUE(came("connected cmap"));
    request(Door::kCmap, echo(1000));
    ASSERT_TRUE(came("reply 1024"));
    EXPECT_EQ(words, (std::vector<std::string>{"connected cmap", "accepted", "reply 1024"}));
    connect(Door::kCpg);
    ASSERT_TRUE(came("connected cpg"));
    request(Door::kCpg, ask_events(1000));
    const Instant end = now() + std::chrono::seconds(10);
    while (numbers.size() < 1000 && now() < end) {
        run();
    }
    ASSERT_EQ(numbers.size(), 1000U);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        EXPECT_EQ(numbers[i], i);
    }
    EXPECT_EQ(count("reply 1024"), 1);
}

// libqb makes file names out of the names of doors.
TEST_F(ClientTransportTest, ADaemonBelowAnotherRoot) {
    suffix_ = totem::ipc::door_suffix("/run/root" + std::to_string(::getpid()));
    start();
    ClientTransport rooted({.name_suffix = suffix_});
    rooted.perform(now(), totem::client::Connect{Door::kCmap});
    EXPECT_TRUE(toy::eventually([&] {
        rooted.run(now(), [this](const totem::client::Input& input) {
            std::visit([this](const auto& value) { keep(value); }, input);
        });
        return !words.empty();
    }));
    EXPECT_EQ(words, (std::vector<std::string>{"connected cmap"}));
    EXPECT_EQ(totem::ipc::door_suffix(""), "");
}

TEST_F(ClientTransportTest, NobodyThere) {
    connect(Door::kCpg);
    ASSERT_TRUE(came("failed 2"));
}

TEST_F(ClientTransportTest, NotReadyIsTryAgain) {
    daemon_ = std::make_unique<toy::Daemon>(options());
    ASSERT_TRUE(daemon_->start());
    connect(Door::kCpg);
    ASSERT_TRUE(came("failed 6"));
}

TEST_F(ClientTransportTest, ADoorThatDoesNotAnswerFailsInTime) {
    listen_silently();
    const Instant before = now();
    connect(Door::kCpg);
    EXPECT_LT(now() - before, std::chrono::milliseconds(100)) << "connecting waited";
    ASSERT_TRUE(came("failed 6"));
    EXPECT_GE(now() - before, std::chrono::milliseconds(200));
    // Again and again: nothing is left of the tries.
    for (int i = 0; i < 3; ++i) {
        words.clear();
        connect(Door::kCpg);
        ASSERT_TRUE(came("failed 6"));
    }
    words.clear();
    connect(Door::kCpg);
    transport.perform(now(), totem::client::Disconnect{Door::kCpg});
    run();
    EXPECT_TRUE(words.empty()) << "what comes of a connection that was given up is not handed in";
}

TEST_F(ClientTransportTest, ADaemonThatIsGoneIsLost) {
    start();
    connect(Door::kCmap);
    ASSERT_TRUE(came("connected cmap"));
    daemon_.reset();
    ASSERT_TRUE(came("lost cmap"));
    EXPECT_EQ(count("lost cmap"), 1);
    connect(Door::kCmap);
    ASSERT_TRUE(came("failed 2"));
    start();
    connect(Door::kCmap);
    EXPECT_TRUE(came("connected cmap") && count("connected cmap") == 1);
    words.clear();
    connect(Door::kCmap);
    EXPECT_TRUE(came("connected cmap"));
}

// The daemon takes nothing: neither the ring nor the doorbell's socket may hold us up, and nothing
// is lost once it goes on.
TEST_F(ClientTransportTest, ADaemonThatTakesNothing) {
    start();
    daemon_->take_ordered = false;
    connect(Door::kCpg);
    ASSERT_TRUE(came("connected cpg"));
    Bytes multicast(1000);
    totem::client::set_field<std::uint32_t>(multicast, 0, 2);  // cpg's mcast, to the toy: no events
    totem::client::set_field<std::uint32_t>(multicast, 8, 1000);
    const Instant before = now();
    while (count("not taken") == 0 && words.size() < 200000) {
        request(Door::kCpg, multicast);
        run();
    }
    EXPECT_EQ(count("not taken"), 1);
    EXPECT_LT(now() - before, std::chrono::seconds(5));
    const int accepted = count("accepted");
    daemon_->take_ordered = true;
    EXPECT_TRUE(toy::eventually([&] { return daemon_->odd == accepted; }));
    words.clear();
    EXPECT_TRUE(toy::eventually([&] {
        request(Door::kCpg, multicast);
        run();
        return count("accepted") > 0;
    }));
}

// ipc.md 4: while the daemon synchronises its flag is 2, and a message written then would be lost.
TEST_F(ClientTransportTest, FlowControlIsRespected) {
    start();
    connect(Door::kCpg);
    ASSERT_TRUE(came("connected cpg"));
    Bytes count_me(16);
    totem::client::set_field<std::uint32_t>(count_me, 0, toy::kCount);
    totem::client::set_field<std::uint32_t>(count_me, 8, 16);
    daemon_->server().set_ordered_stopped(true);
    EXPECT_TRUE(toy::eventually([&] {
        words.clear();
        request(Door::kCpg, count_me);
        run();
        return count("not taken") == 1;
    }));
    const int counted = daemon_->counted;
    request(Door::kCpg, count_me);
    run();
    EXPECT_EQ(count("not taken"), 2);
    daemon_->server().set_ordered_stopped(false);
    EXPECT_TRUE(toy::eventually([&] {
        words.clear();
        request(Door::kCpg, count_me);
        run();
        return count("accepted") == 1;
    }));
    EXPECT_TRUE(toy::eventually([&] { return daemon_->counted > counted; }));
}

}  // namespace
