// bad_client: clients as they should not be, one way each. Says "ready" once it has begun.
//
//   bad_client slow         joins the group "quorate-load" and reads one message a second
//   bad_client deaf         joins it and reads nothing
//   bad_client sender       joins another one and sends messages of 1 MB without pause, reading now
//   and then bad_client silent       puts a request where the daemon looks for it, without the byte
//   that
//                           tells of it, and another one with it; then sleeps
//   bad_client truncate     cuts the memory that it shares with the daemon to nothing, then asks
//   bad_client crowd N      N connections that do nothing
//
// All but the last end only when they are killed or lose the daemon.
#include <array>
#include <chrono>
#include <corosync/cpg.h>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <qb/qbipcc.h>

namespace {

constexpr std::size_t kBufferBytes = 1024 * 1024;

int ready() {
    std::puts("ready");
    std::fflush(stdout);
    return 0;
}

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// ---- on the cpg library
// ------------------------------------------------------------------------------------

cpg_handle_t join(const std::string& group) {
    cpg_callbacks_t callbacks{};
    callbacks.cpg_deliver_fn = [](cpg_handle_t, const cpg_name*, std::uint32_t, std::uint32_t,
                                  void*, std::size_t) {};
    callbacks.cpg_confchg_fn = [](cpg_handle_t, const cpg_name*, const cpg_address*, std::size_t,
                                  const cpg_address*, std::size_t, const cpg_address*,
                                  std::size_t) {};
    cpg_handle_t handle = 0;
    while (cpg_initialize(&handle, &callbacks) != CS_OK) {
        pause_ms(10);
    }
    cpg_name name{};
    name.length = static_cast<std::uint32_t>(group.size());
    std::memcpy(name.value, group.data(), group.size());
    while (cpg_join(handle, &name) == CS_ERR_TRY_AGAIN) {
        pause_ms(10);
    }
    ready();
    return handle;
}

int read_slowly(bool anything) {
    const cpg_handle_t handle = join("quorate-load");
    while (!anything || cpg_dispatch(handle, CS_DISPATCH_ONE) == CS_OK) {
        pause_ms(1000);
    }
    std::puts("gone");
    return 0;
}

int send_much() {
    const cpg_handle_t handle = join("quorate-bad");
    std::vector<char> content(1'000'000, 'x');
    for (;;) {
        iovec part{content.data(), content.size()};
        const cs_error_t sent = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1);
        if (sent != CS_OK && sent != CS_ERR_TRY_AGAIN) {
            std::printf("gone %d\n", sent);
            return 0;
        }
        cpg_dispatch(handle, CS_DISPATCH_ALL);
        pause_ms(50);
    }
}

// ---- on the transport itself
// --------------------------------------------------------------------------------

qb_ipcc_connection_t* connect() {
    qb_ipcc_connection_t* connection = nullptr;
    while ((connection = qb_ipcc_connect("cpg", kBufferBytes)) == nullptr) {
        pause_ms(10);
    }
    return connection;
}

void ask_local_get(qb_ipcc_connection_t* connection) {
    const qb_ipc_request_header request{4, sizeof request};
    static_cast<void>(qb_ipcc_send(connection, &request, sizeof request));
}

int stay_silent() {
    qb_ipcc_connection_t* connection = connect();
    int fd = -1;
    qb_ipcc_fd_get(connection, &fd);
    const int to_daemon = ::dup(fd);
    std::array<int, 2> elsewhere{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, elsewhere.data()) != 0) {
        return 1;
    }
    ::dup2(elsewhere[0], fd);
    ask_local_get(connection);
    ::dup2(to_daemon, fd);
    ask_local_get(connection);
    ready();
    for (;;) {
        pause_ms(1000);
    }
}

int truncate_memory() {
    qb_ipcc_connection_t* connection = connect();
    const std::string mine = "-" + std::to_string(::getpid()) + "-";
    for (const auto& entry : std::filesystem::recursive_directory_iterator("/dev/shm")) {
        if (entry.is_regular_file() && entry.path().string().find(mine) != std::string::npos) {
            std::filesystem::resize_file(entry.path(), 0);
        }
    }
    int fd = -1;
    qb_ipcc_fd_get(connection, &fd);
    ready();
    // Only the byte: this process must not touch what is no longer there.
    const char byte = 0;
    static_cast<void>(!::send(fd, &byte, 1, MSG_NOSIGNAL));
    pollfd ended{fd, POLLIN, 0};
    ::poll(&ended, 1, -1);
    std::puts("gone");
    return 0;
}

int crowd(int size) {
    for (int i = 0; i < size; ++i) {
        connect();
    }
    ready();
    for (;;) {
        pause_ms(1000);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "slow" || mode == "deaf") {
        return read_slowly(mode == "slow");
    }
    if (mode == "sender") {
        return send_much();
    }
    if (mode == "silent") {
        return stay_silent();
    }
    if (mode == "truncate") {
        return truncate_memory();
    }
    if (mode == "crowd") {
        return crowd(argc > 2 ? std::stoi(argv[2]) : 1);
    }
    std::fputs("bad_client slow|deaf|sender|silent|truncate|crowd N\n", stderr);
    return 2;
}
