// What the tests of links share: nodes on one io_context that record what their link tells them.
//
// No test sleeps: it runs the io_context until what it waits for has happened. That something does
// not arrive is shown by sending something after it that does.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "totem/core/effects.h"
#include "totem/core/frame.h"
#include "totem/net/receive_batch.h"
#include "totem/net/udp_link.h"
#include "totem/net/udp_socket.h"

namespace totem::net::test {

inline IpAddress ip(std::string_view text) {
    const auto address = IpAddress::parse(text);
    EXPECT_TRUE(address.has_value()) << text;
    return address.value_or(IpAddress{});
}

enum class Type : std::uint8_t {
    kToken = 0,
    kMulticast = 1,
    kMergeDetect = 2,
    kJoin = 3,
    kCommit = 4
};

inline constexpr std::size_t kHeaderBytes = 13;

// The header of a frame (wire.md 2.1), then the text.
inline std::vector<std::byte> frame_bytes(Type type, std::string_view text,
                                          NodeId from = totem::kNoNode) {
    std::vector<std::byte> bytes{std::byte{0x70}, std::byte{0xC0},
                                 std::byte{3},    static_cast<std::byte>(type),
                                 std::byte{0},    static_cast<std::byte>(totem::raw(from))};
    bytes.resize(kHeaderBytes);
    for (const char c : text) {
        bytes.push_back(static_cast<std::byte>(c));
    }
    return bytes;
}

inline std::string text_of(const FrameRef& frame) {
    std::string text;
    for (const std::byte b : frame.bytes().subspan(std::min(kHeaderBytes, frame.size()))) {
        text.push_back(static_cast<char>(b));
    }
    return text;
}

// One node: its pool, its link and everything that the link told it.
struct Host : LinkListener {
    Host(boost::asio::io_context& io, NodeId id) : node(id), ready(io), link(io, ready, pool) {}

    void on_frames(LinkId /*link*/, std::span<FrameRef> frames) override {
        for (const FrameRef& frame : frames) {
            received.push_back(text_of(frame));
        }
        batches.push_back(frames.size());
        if (during_frames != nullptr) {
            during_frames(*this);
        }
    }
    void on_link_change(LinkId /*link*/, bool up) override { changes.push_back(up); }
    void on_stranger(NodeId from, const IpAddress& source) override {
        if (during_stranger != nullptr) {
            during_stranger(*this);
        }
        strangers.push_back(from);
        stranger_sources.push_back(source);
    }

    // Body in a frame of the pool, header in the datagram, as the ring does.
    void send(NodeId to, Type type, std::string_view text, NodeId from = totem::kNoNode) {
        Datagram datagram;
        datagram.to = to;
        const auto head = frame_bytes(type, "", from);
        std::ranges::copy(head, datagram.head.begin());
        datagram.head_size = static_cast<std::uint8_t>(head.size());
        datagram.body = pool.copy(std::as_bytes(std::span(text)));
        link.queue(datagram);
    }
    [[nodiscard]] bool got(std::string_view text) const {
        return std::ranges::find(received, text) != received.end();
    }

    NodeId node;
    FramePool pool;
    ReadySet ready;
    UdpLink link;
    std::vector<std::string> received;
    std::vector<std::size_t> batches;
    std::vector<NodeId> strangers;
    std::vector<IpAddress> stranger_sources;
    std::vector<bool> changes;
    void (*during_frames)(Host&) = nullptr;
    void (*during_stranger)(Host&) = nullptr;
};

// A port that nobody uses now.
inline std::uint16_t free_port() {
    const auto socket = open_socket(ip("127.0.0.1"), 0, {});
    sockaddr_in name{};
    socklen_t size = sizeof name;
    EXPECT_EQ(getsockname(socket.value().get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return ntohs(name.sin_port);
}

template <typename Predicate>
bool run_until(boost::asio::io_context& io, Predicate done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
        io.restart();
        if (io.run_one_until(deadline) == 0) {
            return done();
        }
    }
    return true;
}

}  // namespace totem::net::test
