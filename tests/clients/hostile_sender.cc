// hostile_sender: throws datagrams at the ports of a ring.
//
//   hostile_sender SEED SECONDS any|malformed ADDRESS...
//
// Random bytes, and frames that it hears on its own machine's eth0, changed, to ports 5404 and 5405
// of each address, some 5000 a second. "any": cut, doubled, and with any of their bits turned.
// "malformed": only so that they are no frames any more; a frame that is one, but for another
// number in it, is a forgery, which only secauth can tell when it comes from a member's address.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kHeaders = 28;  // of IPv4 and UDP
constexpr std::size_t kSamples = 256;

std::uint64_t next_random(std::uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

using Bytes = std::vector<unsigned char>;

class Hostile {
  public:
    Hostile(std::uint64_t seed, bool any, const std::vector<std::string>& addresses)
        : any_(any),
          random_(seed * 2654435761U + 88172645463325252ULL),
          out_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
          ear_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP))) {
        sockaddr_ll where{};
        where.sll_family = AF_PACKET;
        where.sll_protocol = htons(ETH_P_IP);
        where.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
        ::bind(ear_, reinterpret_cast<const sockaddr*>(&where), sizeof where);
        for (const std::string& address : addresses) {
            for (const std::uint16_t port : {std::uint16_t{5405}, std::uint16_t{5404}}) {
                sockaddr_in to{};
                to.sin_family = AF_INET;
                to.sin_port = htons(port);
                ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
                targets_.push_back(to);
            }
        }
    }

    void hear() {
        for (int i = 0; i < 16; ++i) {
            Bytes packet(65536);
            const ssize_t size = ::recv(ear_, packet.data(), packet.size(), MSG_DONTWAIT);
            if (size <= static_cast<ssize_t>(kHeaders)) {
                return;
            }
            const Bytes frame(packet.begin() + kHeaders, packet.begin() + size);
            if (heard_.size() < kSamples) {
                heard_.push_back(frame);
            } else {
                heard_[draw(kSamples)] = frame;
            }
        }
    }

    void throw_one() {
        const Bytes bytes =
            heard_.empty() || draw(4) == 0 ? noise() : changed(heard_[draw(heard_.size())]);
        const sockaddr_in& to = targets_[draw(targets_.size())];
        static_cast<void>(!::sendto(out_, bytes.data(), bytes.size(), MSG_DONTWAIT,
                                    reinterpret_cast<const sockaddr*>(&to), sizeof to));
        ++thrown;
    }

    std::uint64_t thrown = 0;

  private:
    std::size_t draw(std::size_t below) { return next_random(random_) % below; }

    Bytes noise() {
        Bytes bytes(draw(any_ ? 1500 : 30));
        for (unsigned char& byte : bytes) {
            byte = static_cast<unsigned char>(next_random(random_));
        }
        // Half of it looks like a frame at first sight; none of a size that one could have.
        constexpr std::array<unsigned char, 3> kStart{0x70, 0xC0, 3};
        if (draw(2) == 0 && bytes.size() > kStart.size()) {
            std::ranges::copy(kStart, bytes.begin());
            bytes[3] = static_cast<unsigned char>(draw(7));
        }
        return bytes;
    }

    Bytes changed(Bytes frame) { return any_ ? changed_anywhere(frame) : no_frame(frame); }

    Bytes changed_anywhere(Bytes frame) {
        constexpr std::size_t kLongest = 60000;
        const std::size_t kind = draw(6);
        if (kind == 0) {
            frame.resize(draw(frame.size()));
        } else if (kind == 1) {
            const Bytes again = frame;
            frame.insert(frame.end(), again.begin(), again.end());
            frame.resize(std::min(frame.size(), kLongest));
        }
        for (std::size_t i = draw(4) + 1; i > 0 && !frame.empty(); --i) {
            frame[draw(frame.size())] ^= static_cast<unsigned char>(1U << draw(8));
        }
        return frame;
    }

    // Magic or version wrong, or shorter than the shortest head of a message.
    Bytes no_frame(Bytes frame) {
        constexpr std::size_t kChecked = 3;
        constexpr std::size_t kShortestHead = 45;
        if (draw(2) == 0 || frame.size() <= kChecked) {
            frame.resize(draw(std::min(kShortestHead, frame.size())));
        } else {
            frame[draw(kChecked)] ^= static_cast<unsigned char>(1U << draw(8));
        }
        return frame;
    }

    bool any_;
    std::uint64_t random_;
    int out_;
    int ear_;
    std::vector<sockaddr_in> targets_;
    std::vector<Bytes> heard_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fputs("hostile_sender SEED SECONDS any|malformed ADDRESS...\n", stderr);
        return 2;
    }
    Hostile hostile(std::stoull(argv[1]), std::string(argv[3]) == "any", {argv + 4, argv + argc});
    const auto end = Clock::now() + std::chrono::seconds(std::stoi(argv[2]));
    while (Clock::now() < end) {
        hostile.hear();
        for (int i = 0; i < 10; ++i) {
            hostile.throw_one();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    std::printf("thrown %llu\n", static_cast<unsigned long long>(hostile.thrown));
}
