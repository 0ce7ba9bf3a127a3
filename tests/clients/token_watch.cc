// token_watch: how long the token stays away, seen on the wire of the machine that it runs on.
//
//   <milliseconds since boot> gap 12.345      the token came after so many ms; gaps from 2 ms on
//   <milliseconds since boot> tokens 4711     every 200 ms: how many came until now
//   <milliseconds since boot> late 7.890      so many ms passed in which one of the processors ran
//                                             nothing, not even at the highest priority; from 2 ms
//                                             on
//
// Counts tokens that arrive over eth0 for port 5405, in the frames of a ring without secauth. The
// kernel filters and stamps them, so a watcher that gets no processor for a while measures the
// same.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr std::uint32_t kPort = 5405;
constexpr std::uint32_t kMagic = 0x70C0;  // as the bytes lie in the frame
constexpr std::uint32_t kUdp = 8;         // length of its header
constexpr std::uint32_t kAllOfIt = 128;
constexpr double kGapMs = 2.0;
constexpr int kReportMs = 200;

// A UDP datagram for kPort, not sent by this machine, with a frame of type 0 (wire.md 2.1).
std::array<sock_filter, 12> filter() {
    constexpr auto kOfPacket = static_cast<std::uint32_t>(SKF_AD_OFF);
    return {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kOfPacket + SKF_AD_PKTTYPE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 9, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 7),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kPort, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, kUdp),
        // Magic, version 3, type 0.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMagic << 16 | 0x0300, 0, 2),
        BPF_STMT(BPF_RET | BPF_K, kAllOfIt),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
}

int open_socket() {
    const int fd = ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
    auto code = filter();
    const sock_fprog program{code.size(), code.data()};
    const int on = 1;
    const int room = 64 * 1024 * 1024;  // for all that comes while the watcher itself must wait
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_IP);
    where.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0 ||
        ::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
        std::perror("token_watch");
        return -1;
    }
    return fd;
}

// When the kernel got it, in ms; negative: nothing was there.
double receive(int fd) {
    std::array<char, 256> data{};
    std::array<char, 256> control{};
    iovec part{data.data(), data.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(fd, &message, MSG_DONTWAIT) < 0) {
        return -1;
    }
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_TIMESTAMPNS) {
            timespec when{};
            std::memcpy(&when, CMSG_DATA(at), sizeof when);
            return static_cast<double>(when.tv_sec) * 1e3 + static_cast<double>(when.tv_nsec) / 1e6;
        }
    }
    return -1;
}

long long now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void watch(int fd) {
    double last = -1;
    std::uint64_t tokens = 0;
    long long report = 0;
    for (;;) {
        pollfd ready{fd, POLLIN, 0};
        ::poll(&ready, 1, kReportMs);
        for (double at = receive(fd); at >= 0; at = receive(fd)) {
            if (last >= 0 && at - last >= kGapMs) {
                std::printf("%lld gap %.3f\n", now_ms(), at - last);
            }
            last = at;
            ++tokens;
        }
        if (now_ms() >= report) {
            report = now_ms() + kReportMs;
            std::printf("%lld tokens %llu\n", now_ms(), static_cast<unsigned long long>(tokens));
            std::fflush(stdout);
        }
    }
}

// Asks for a processor every few ms and says when it came late: what happens in that time happens
// to everybody on this machine.
void watch_processor(int processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    ::sched_setaffinity(0, sizeof only, &only);
    const sched_param most{::sched_get_priority_max(SCHED_RR)};
    ::sched_setscheduler(0, SCHED_RR, &most);
    for (;;) {
        constexpr std::chrono::milliseconds kStep{5};
        const auto due = std::chrono::steady_clock::now() + kStep;
        std::this_thread::sleep_until(due);
        const std::chrono::duration<double, std::milli> late =
            std::chrono::steady_clock::now() - due;
        if (late.count() >= kGapMs) {
            std::printf("%lld late %.3f\n", now_ms(), late.count());
        }
    }
}

}  // namespace

int main() {
    const int fd = open_socket();
    if (fd < 0) {
        return 2;
    }
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) {
        std::thread(watch_processor, static_cast<int>(i)).detach();
    }
    watch(fd);
}
