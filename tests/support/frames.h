// Frames of real rings, kept in tests/data/frames as one line of hex each, and changes to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace frames {

using Frame = std::vector<std::byte>;

inline Frame from_hex(const std::string& hex) {
    Frame frame;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        frame.push_back(static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return frame;
}

// The lines of tests/data/<name>.hex that are no comments.
inline std::vector<Frame> corpus(const std::string& name) {
    std::vector<Frame> found;
    std::ifstream in(std::string(QUORATE_SOURCE_DIR) + "/tests/data/" + name + ".hex");
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.front() != '#') {
            found.push_back(from_hex(line));
        }
    }
    return found;
}

// The frames of tests/data/frames/<kind>.hex.
inline std::vector<Frame> captured(const std::string& kind) { return corpus("frames/" + kind); }

inline const std::vector<std::string>& kinds() {
    static const std::vector<std::string> kKinds{"orf_token", "data",         "merge_detect",
                                                 "join",      "commit_token", "hold_cancel"};
    return kKinds;
}

// Small seeded generator (xorshift): the same frames in every run and build.
class Random {
  public:
    explicit Random(std::uint64_t seed)
        : state_(seed * 2685821657736338717ULL + 88172645463325252ULL) {}
    std::uint64_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_;
    }
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

  private:
    std::uint64_t state_;
};

// A frame made from a real one: bytes changed, cut, extended, numbers set to their extremes.
inline Frame mutated(Frame frame, Random& random) {
    const std::size_t changes = 1 + random.below(4);
    for (std::size_t i = 0; i < changes && !frame.empty(); ++i) {
        const std::size_t at = random.below(frame.size());
        switch (random.below(5)) {
            case 0:
                frame[at] = static_cast<std::byte>(random.below(256));
                break;
            case 1:
                frame[at] ^= static_cast<std::byte>(1U << random.below(8));
                break;
            case 2:
                frame.resize(at);
                break;
            case 3:
                frame.resize(frame.size() + random.below(64),
                             static_cast<std::byte>(random.below(256)));
                break;
            default:
                for (std::size_t k = at; k < frame.size() && k < at + 4; ++k) {
                    frame[k] = static_cast<std::byte>(random.below(2) * 255);
                }
                break;
        }
    }
    return frame;
}

}  // namespace frames
