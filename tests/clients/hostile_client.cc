// hostile_client: throws requests at a door of the daemon that no library would send.
//
//   hostile_client SERVICE SEED SECONDS
//
// Connects to SERVICE (cmap, cfg, cpg, quorum, votequorum) again and again and sends requests of
// random and of known ids, with sizes that lie, and with contents that are random, all zero, all
// ones or counting up. A connection that the daemon ends is made anew. Ends with status 1 when the
// daemon cannot be reached for 5 s; prints how many requests went out.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <qb/qbipcc.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBufferBytes = 1024 * 1024;
constexpr std::int32_t kKnownIds = 24;  // no door has more

std::uint64_t next_random(std::uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

qb_ipcc_connection_t* connect(const char* service) {
    const auto until = Clock::now() + std::chrono::seconds(5);
    while (Clock::now() < until) {
        if (qb_ipcc_connection_t* connection = qb_ipcc_connect(service, kBufferBytes)) {
            return connection;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return nullptr;
}

// Mostly of the sizes that requests have; now and then as large as one can be.
std::size_t random_size(std::uint64_t& random) {
    constexpr std::size_t kUsual = 600;
    const std::size_t most = next_random(random) % 50 == 0 ? kBufferBytes / 2 : kUsual;
    return std::max(next_random(random) % most, sizeof(qb_ipc_request_header));
}

void fill(std::vector<unsigned char>& request, std::uint64_t& random) {
    const std::uint64_t kind = next_random(random) % 4;
    for (std::size_t i = 0; i < request.size(); ++i) {
        const auto noise = static_cast<unsigned char>(next_random(random) >> 32U);
        request[i] = kind == 0   ? noise
                     : kind == 1 ? 0
                     : kind == 2 ? 0xFF
                                 : static_cast<unsigned char>(i % 8 == 0 ? noise % 8 : 0);
    }
}

// Never "disconnect me", and never what stops the daemon as it should: cfg's try_shutdown and kill.
bool is_an_order(const std::string& service, std::int32_t id) {
    return id == -3 || (service == "cfg" && (id == 2 || id == 3));
}

bool send_one(qb_ipcc_connection_t* connection, const std::string& service, std::uint64_t& random) {
    std::vector<unsigned char> request(random_size(random));
    fill(request, random);
    qb_ipc_request_header header{};
    do {
        header.id = next_random(random) % 8 == 0
                        ? static_cast<std::int32_t>(next_random(random))
                        : static_cast<std::int32_t>(next_random(random) % kKnownIds);
    } while (is_an_order(service, header.id));
    header.size = static_cast<std::int32_t>(request.size());
    if (next_random(random) % 4 == 0) {
        header.size = static_cast<std::int32_t>(next_random(random));
    }
    std::memcpy(request.data(), &header, sizeof header);
    const ssize_t sent = qb_ipcc_send(connection, request.data(), request.size());
    std::vector<unsigned char> answer(kBufferBytes);
    while (qb_ipcc_recv(connection, answer.data(), answer.size(), 0) > 0 ||
           qb_ipcc_event_recv(connection, answer.data(), answer.size(), 0) > 0) {
    }
    return (sent >= 0 || sent == -EAGAIN) && qb_ipcc_is_connected(connection) != 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("hostile_client SERVICE SEED SECONDS\n", stderr);
        return 2;
    }
    const std::string service = argv[1];
    std::uint64_t random = std::stoull(argv[2]) * 2654435761U + 88172645463325252ULL;
    const auto end = Clock::now() + std::chrono::seconds(std::stoi(argv[3]));
    std::uint64_t sent = 0;
    while (Clock::now() < end) {
        qb_ipcc_connection_t* connection = connect(service.c_str());
        if (connection == nullptr) {
            std::printf("%s: out of reach after %llu requests\n", argv[1],
                        static_cast<unsigned long long>(sent));
            return 1;
        }
        bool good = true;
        for (int i = 0; i < 1000 && good && Clock::now() < end; ++i) {
            good = send_one(connection, service, random);
            ++sent;
        }
        qb_ipcc_disconnect(connection);
    }
    std::printf("%s: sent %llu\n", argv[1], static_cast<unsigned long long>(sent));
    return 0;
}
