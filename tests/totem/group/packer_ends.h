// What the tests of packing and of reassembly share: a sender, a receiver, and frames by hand.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "totem/core/codec.h"
#include "totem/group/packer.h"
#include "totem/group/reassembly.h"

namespace totem::group::test {

using std::string_literals::operator""s;

inline std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A packer of clients' messages, and what comes out of it.
class Sender {
  public:
    explicit Sender(std::size_t frame_data_max = 1410) : packer(pool, frame_data_max) {
        packer.end_transition(false);
    }

    bool push(const std::string& text, Guarantee guarantee = Guarantee::kAgreed) {
        return packer.push(Lane::kNormal, guarantee, {bytes_of(text), {}});
    }
    // The next frame's payload.
    std::string take() { return text_of(packer.take().frame.bytes().subspan(kDataHeaderBytes)); }
    std::vector<std::string> take_all() {
        std::vector<std::string> frames;
        while (packer.backlog() > 0) {
            frames.push_back(take());
        }
        return frames;
    }

    FramePool pool;
    Packer packer;
};

class Receiver {
  public:
    Receiver() { reassembly.select(Lane::kNormal); }

    Reassembly::Outcome accept(const std::string& frame, std::uint32_t sender = 1) {
        std::vector<FrameRef> whole;
        const Reassembly::Outcome outcome =
            reassembly.accept(NodeId{sender}, pool.copy(bytes_of(frame)), whole);
        for (const FrameRef& message : whole) {
            messages.push_back(text_of(message.bytes()));
        }
        return outcome;
    }

    FramePool pool;
    Reassembly reassembly{pool};
    std::vector<std::string> messages;
};

inline std::string frame_of(char fragmented, char continuation,
                            std::initializer_list<std::string_view> parts) {
    std::string head =
        "\0\0\0\0"s + fragmented + continuation + static_cast<char>(parts.size()) + '\0';
    std::string data;
    for (const std::string_view part : parts) {
        head += static_cast<char>(part.size() & 0xFFU);
        head += static_cast<char>(part.size() >> 8U);
        data += part;
    }
    return head + data;
}

}  // namespace totem::group::test
