// The clients' server against libqb's own client: what every program linked with Debian's libraries
// relies on (ipc.md 1 to 4), and what a slow or hostile one must not be able to do.
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/totem/ipc/toy_daemon.h"

namespace {

using totem::group::ServiceId;
using totem::ipc::AccessRules;
using totem::ipc::LogLevel;
using totem::ipc::ServerOptions;
using toy::Client;
using toy::eventually;

// A client that cuts the memory that it shares with the daemon to nothing. It must not use libqb
// any more, not even to disconnect.
class Truncating {
  public:
    enum class When : std::uint8_t { kAtOnce, kOnceServed };
    explicit Truncating(const std::string& name, When when = When::kOnceServed) {
        const std::set<std::string> before = shared_files();
        qb_ipcc_connection_t* connection = qb_ipcc_connect(name.c_str(), 1024 * 1024);
        if (connection == nullptr || (when == When::kOnceServed && !served(connection))) {
            return;
        }
        qb_ipcc_fd_get(connection, &fd_);
        for (const std::string& file : shared_files()) {
            if (!before.contains(file)) {
                std::filesystem::resize_file(file, 0);
                ++truncated_;
            }
        }
    }
    [[nodiscard]] bool truncated() const { return truncated_ > 0; }
    // The daemon looks into its memory.
    void knock() const {
        const char byte = 0;
        static_cast<void>(::send(fd_, &byte, 1, MSG_NOSIGNAL));
    }

  private:
    static bool served(qb_ipcc_connection_t* connection) {
        qb_ipc_request_header request{toy::kEcho, sizeof request};
        std::array<char, 256> reply{};
        bool good = true;
        for (int i = 0; i < 20; ++i) {  // long enough to be lent to the protocol thread
            good = good && qb_ipcc_send(connection, &request, sizeof request) > 0 &&
                   qb_ipcc_recv(connection, reply.data(), reply.size(), 5000) > 0;
        }
        return good;
    }
    // Only of this test's daemon and clients, both of this process.
    static std::set<std::string> shared_files() {
        const std::string pid = std::to_string(::getpid());
        std::set<std::string> files;
        for (const auto& directory : std::filesystem::directory_iterator("/dev/shm")) {
            if (directory.path().filename().string().starts_with("qb-" + pid + "-" + pid + "-")) {
                for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
                    files.insert(file.path().string());
                }
            }
        }
        return files;
    }

    int fd_ = -1;
    int truncated_ = 0;
};

class ServerTest : public ::testing::Test {
  protected:
    ServerTest() : suffix_("-test" + std::to_string(::getpid())) {}

    ServerOptions options() {
        ServerOptions options;
        options.services = {ServiceId::kCmap, ServiceId::kCpg};
        options.name_suffix = suffix_;
        options.lend = true;
        options.log = [this](LogLevel, std::string_view, const std::string& text) {
            std::unique_lock lock(mutex_);
            log_.push_back(text);
            changed_.wait(lock, [this, &text] {
                return held_at_.empty() || text.find(held_at_) == std::string::npos;
            });
        };
        return options;
    }
    bool logged(std::string_view part) {
        const std::lock_guard lock(mutex_);
        return std::any_of(log_.begin(), log_.end(), [part](const std::string& line) {
            return line.find(part) != std::string::npos;
        });
    }
    // The clients' thread waits at the next line with `part`; empty: it goes on.
    void hold_at(const std::string& part) {
        const std::lock_guard lock(mutex_);
        held_at_ = part;
        changed_.notify_all();
    }
    [[nodiscard]] std::string cmap() const { return "cmap" + suffix_; }
    [[nodiscard]] std::string cpg() const { return "cpg" + suffix_; }

    // Runs `body` in a child as another user; its exit status.
    template <typename Body>
    int as_user(uid_t uid, gid_t gid, Body body) {
        const pid_t child = ::fork();
        if (child == 0) {
            const bool changed = ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
            ::_exit(changed ? body() : 99);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    std::string suffix_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> log_;
    std::string held_at_;
};

TEST_F(ServerTest, tells_clients_to_try_again_until_ready) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    const Client early(cmap());
    EXPECT_FALSE(early.connected());
    EXPECT_EQ(early.error, EAGAIN);
    daemon.server().set_ready(true);
    Client client(cmap());
    ASSERT_TRUE(client.connected());
    EXPECT_TRUE(client.echo(64));
    EXPECT_TRUE(eventually([&] { return daemon.opened == 1; }));
}

TEST_F(ServerTest, a_second_daemon_with_the_same_names_is_refused_by_name) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    toy::Daemon second(options());
    EXPECT_FALSE(second.start());
    EXPECT_NE(second.problem.find(cmap()), std::string::npos) << second.problem;
    EXPECT_NE(second.problem.find("another cluster daemon"), std::string::npos) << second.problem;
}

TEST_F(ServerTest, carries_requests_of_every_size) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client client(cpg());
    ASSERT_TRUE(client.connected());
    for (const std::size_t size : {16, 17, 40, 104, 1500, 4096, 65536, 300000, 1000000}) {
        EXPECT_TRUE(client.echo(size)) << size;
    }
    for (int i = 0; i < 40; ++i) {
        EXPECT_TRUE(client.echo(900000)) << i;
    }
}

TEST_F(ServerTest, serves_many_clients_at_once) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            Client client(t % 2 == 0 ? cmap() : cpg());
            bool all = client.connected();
            for (int i = 0; i < 300 && all; ++i) {
                all = client.echo(static_cast<std::size_t>(16 + i * 7));
            }
            good += all ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(good, 8);
    EXPECT_TRUE(eventually([&] { return daemon.closed == 8; }));
}

TEST_F(ServerTest, delivers_events_in_order_far_beyond_the_shared_ring) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client client(cpg());
    ASSERT_TRUE(client.connected());
    constexpr std::uint32_t kEvents = 30000;  // some 6 MB through a ring of 1 MiB
    ASSERT_TRUE(client.ask_events(kEvents, 200));
    for (std::uint32_t i = 0; i < kEvents; ++i) {
        ASSERT_EQ(client.event(200, 5000), i);
    }
}

TEST_F(ServerTest, a_client_that_does_not_read_is_disconnected_and_named_and_others_go_on) {
    ServerOptions limited = options();
    limited.backlog_bytes_max = std::size_t{2} * 1024 * 1024;
    toy::Daemon daemon(std::move(limited));
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client slow(cpg());
    Client good(cpg());
    ASSERT_TRUE(slow.connected() && good.connected());
    ASSERT_TRUE(slow.ask_events(20000, 1000));
    ASSERT_TRUE(good.ask_events(1000, 200));
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(good.event(200, 5000), i);
    }
    EXPECT_TRUE(good.echo(100));
    EXPECT_TRUE(eventually([&] { return daemon.closed == 1; }));
    EXPECT_TRUE(
        logged("server_test (pid " + std::to_string(::getpid()) + ") of cpg does not read"));
    EXPECT_TRUE(good.echo(100));
}

TEST_F(ServerTest, stops_ordered_senders_without_losing_a_request_and_leaves_others_alone) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client sender(cpg());
    Client other(cmap());
    ASSERT_TRUE(sender.connected() && other.connected());
    EXPECT_TRUE(sender.echo(16));
    daemon.server().set_ordered_stopped(true);
    EXPECT_TRUE(eventually([&] { return sender.send(toy::kCount, 100) == -EAGAIN; }));
    Client late(cpg());  // connects while sending is stopped: it must see the flag as well
    ASSERT_TRUE(late.connected());
    EXPECT_TRUE(eventually([&] { return late.send(toy::kCount, 100) == -EAGAIN; }));
    EXPECT_TRUE(other.echo(100));

    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    const long spent = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                       after.ru_utime.tv_usec - before.ru_utime.tv_usec;
    EXPECT_LT(spent, 50000) << "the stopped service spins";

    daemon.server().set_ordered_stopped(false);
    int sent = 0;
    EXPECT_TRUE(eventually([&] {
        sent += sender.send(toy::kCount, 100) > 0 ? 1 : 0;
        return sent == 100;
    }));
    EXPECT_TRUE(eventually([&] { return daemon.counted >= 100; }));
    EXPECT_TRUE(sender.echo(16));
    EXPECT_TRUE(late.echo(16));
}

TEST_F(ServerTest, a_protocol_thread_that_takes_nothing_loses_nothing) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    daemon.take_ordered = false;
    std::vector<Client> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back(cpg());
    }
    Client other(cmap());
    int sent = 0;
    for (int round = 0; round < 400; ++round) {
        for (Client& client : clients) {
            sent += client.send(toy::kCount, 60000) > 0 ? 1 : 0;
        }
    }
    EXPECT_GT(sent, 20);
    EXPECT_TRUE(other.echo(100));
    daemon.take_ordered = true;
    EXPECT_TRUE(eventually([&] { return daemon.counted == sent; }))
        << daemon.counted << " of " << sent;
}

TEST_F(ServerTest, a_client_killed_at_any_moment_is_noticed_and_costs_the_others_nothing) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client good(cpg());
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            const Client* doomed = new Client(i % 2 == 0 ? cpg() : cmap());
            for (;;) {
                const_cast<Client*>(doomed)->send(toy::kCount, 5000);
            }
        }
        children.push_back(child);
    }
    EXPECT_TRUE(eventually([&] { return daemon.opened == 7 && daemon.counted > 1000; }));
    for (const pid_t child : children) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    EXPECT_TRUE(eventually([&] { return daemon.closed == 6; })) << daemon.closed;
    EXPECT_TRUE(good.echo(100));
}

TEST_F(ServerTest, lets_in_root_and_listed_users_only) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root to become other users";
    }
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    const std::string name = cmap();
    const auto try_it = [&name] {
        Client client(name);
        return client.connected() ? (client.echo(100) ? 0 : 1) : client.error;
    };
    EXPECT_EQ(as_user(0, 0, try_it), 0);
    EXPECT_EQ(as_user(65534, 65534, try_it), EACCES);
    EXPECT_TRUE(logged("Denied connection attempt from 65534:65534"));
    EXPECT_EQ(as_user(65534, 0, try_it), 0);
    daemon.server().set_access({{65534}, {}});
    EXPECT_EQ(as_user(65534, 65534, try_it), 0);
    daemon.server().set_access({{}, {4711}});
    EXPECT_EQ(as_user(65534, 65534, try_it), EACCES);
    EXPECT_EQ(as_user(65534, 4711, try_it), 0);
}

TEST_F(ServerTest, survives_requests_that_lie_about_themselves) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client good(cpg());
    std::mt19937 generator(1);
    const auto random = [&generator] { return static_cast<std::uint32_t>(generator()); };
    for (int round = 0; round < 60; ++round) {
        Client liar(round % 2 == 0 ? cpg() : cmap());
        ASSERT_TRUE(liar.connected());
        std::vector<std::uint32_t> bytes(4 + random() % 200);
        std::generate(bytes.begin(), bytes.end(), random);
        bytes[0] = random() % 5 == 0 ? 0x7fffffff : random() % 100 + 10;
        // The size that libqb's server goes by is this field, not what was really sent.
        const bool impossible = random() % 2 == 0;
        bytes[2] = impossible ? random() | 0x1000000 : 16 + random() % 1000000;
        const int odd = daemon.odd;
        const int closed = daemon.closed;
        ASSERT_GT(qb_ipcc_send(liar.handle(), bytes.data(), bytes.size() * 4), 0);
        if (impossible) {
            EXPECT_TRUE(eventually([&] { return daemon.closed > closed; })) << bytes[2];
        } else {
            EXPECT_TRUE(eventually([&] { return daemon.odd > odd; })) << bytes[2];
        }
    }
    EXPECT_TRUE(good.echo(100));
    EXPECT_TRUE(logged("sent a request of impossible size"));
}

TEST_F(ServerTest, a_small_buffer_cannot_take_a_large_event) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client small(cmap(), 12288);
    ASSERT_TRUE(small.connected());
    ASSERT_TRUE(small.ask_events(1, 900000));
    EXPECT_TRUE(eventually([&] { return daemon.closed == 1; }));
}

constexpr const char* kTookMemory = "took away the memory that it shares";

TEST_F(ServerTest, memory_that_is_gone_does_not_keep_older_clients_from_being_stopped) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client older(cpg());
    const Truncating bad(cpg());
    const Truncating worse(cpg());
    Client younger(cpg());
    ASSERT_TRUE(older.connected() && younger.connected());
    ASSERT_TRUE(bad.truncated() && worse.truncated());
    ASSERT_TRUE(older.echo(16) && younger.echo(16));

    // Several times: a connection that libqb still holds on to would be met again.
    for (int i = 0; i < 3; ++i) {
        daemon.server().set_ordered_stopped(true);
        for (Client* client : {&younger, &older}) {
            EXPECT_TRUE(eventually([&] { return client->send(toy::kCount, 16) == -EAGAIN; }));
        }
        daemon.server().set_ordered_stopped(false);
        for (Client* client : {&younger, &older}) {
            EXPECT_TRUE(eventually([&] { return client->send(toy::kCount, 16) > 0; }));
            EXPECT_TRUE(client->echo(16));
        }
    }
    EXPECT_TRUE(eventually([&] { return daemon.closed == 2; })) << daemon.closed;
    EXPECT_TRUE(logged(kTookMemory));
}

TEST_F(ServerTest, memory_of_several_clients_that_is_gone_at_once_does_not_kill) {
    toy::Daemon daemon(options());
    ASSERT_TRUE(daemon.start()) << daemon.problem;
    daemon.server().set_ready(true);
    Client good(cpg());
    const std::vector<Truncating> bad{Truncating(cpg()), Truncating(cmap()), Truncating(cpg())};
    hold_at(kTookMemory);
    bad[0].knock();
    EXPECT_TRUE(eventually([&] { return logged(kTookMemory); }));
    bad[1].knock();
    bad[2].knock();
    hold_at({});
    EXPECT_TRUE(eventually([&] { return daemon.closed == 3; })) << daemon.closed;
    EXPECT_TRUE(good.echo(16));
}

TEST_F(ServerTest, ends_although_the_memory_of_several_clients_is_gone) {
    auto daemon = std::make_unique<toy::Daemon>(options());
    ASSERT_TRUE(daemon->start()) << daemon->problem;
    daemon->server().set_ready(true);
    const std::vector<Truncating> bad{Truncating(cpg()), Truncating(cpg()), Truncating(cmap())};
    daemon.reset();
}

TEST_F(ServerTest, knows_clients_whose_memory_is_gone_before_they_are_let_in) {
    auto daemon = std::make_unique<toy::Daemon>(options());
    ASSERT_TRUE(daemon->start()) << daemon->problem;
    daemon->server().set_ready(true);
    for (int i = 0; i < 20; ++i) {
        const Truncating bad(cmap(), Truncating::When::kAtOnce);
        bad.knock();
    }
    EXPECT_TRUE(eventually([&] { return daemon->opened == 20 && daemon->closed == 20; }))
        << daemon->closed << " of " << daemon->opened;
    daemon.reset();
}

TEST_F(ServerTest, stopping_disconnects_everybody) {
    auto daemon = std::make_unique<toy::Daemon>(options());
    ASSERT_TRUE(daemon->start()) << daemon->problem;
    daemon->server().set_ready(true);
    Client client(cmap());
    ASSERT_TRUE(client.echo(20));
    daemon.reset();
    EXPECT_FALSE(client.echo(20, 1000));
    EXPECT_TRUE(logged("withdrawing server sockets"));
}

}  // namespace
