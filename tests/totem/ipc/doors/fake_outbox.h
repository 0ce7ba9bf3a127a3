// An Outbox that keeps what a service or door asked for, and the bytes of requests to give to a
// door.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "totem/group/service.h"
#include "totem/group/struct_io.h"

namespace doors_test {

using totem::FramePool;
using totem::FrameRef;
using totem::NodeId;
using totem::group::ClientMessage;
using totem::group::ConnectionId;
using totem::group::ServiceId;

// A message that was multicast, with the service header that the stack would write.
struct Sent {
    ServiceId service{};
    std::uint16_t function = 0;
    totem::Guarantee guarantee{};
    std::vector<std::byte> bytes;
};

class FakeOutbox final : public totem::group::Outbox {
  public:
    explicit FakeOutbox(FramePool& pool) : pool_(pool) {}

    [[nodiscard]] totem::Instant now() const override { return time; }
    [[nodiscard]] FramePool& pool() override { return pool_; }
    [[nodiscard]] bool multicast(ServiceId service, std::uint16_t function,
                                 std::span<const std::span<const std::byte>> parts,
                                 totem::Guarantee guarantee) override {
        if (!room) {
            return false;
        }
        Sent message{service, function, guarantee, std::vector<std::byte>(16)};
        for (const auto part : parts) {
            message.bytes.insert(message.bytes.end(), part.begin(), part.end());
        }
        totem::group::StructWriter writer(message.bytes);
        writer.u32(0, (static_cast<std::uint32_t>(service) << 16U) | function);
        writer.u32(8, static_cast<std::uint32_t>(message.bytes.size()));
        sent.push_back(std::move(message));
        return true;
    }
    [[nodiscard]] bool has_room(std::size_t /*bytes*/) const override { return room; }
    void send(ClientMessage message) override { clients.push_back(std::move(message)); }
    void notice(totem::group::Notice what) override { notices.push_back(std::move(what)); }
    void request_host(totem::group::HostRequest what) override { host.push_back(what); }
    void wake_at(ServiceId /*service*/, totem::Instant when) override { wake = when; }

    bool room = true;
    totem::Instant time{};
    std::vector<Sent> sent;
    std::vector<ClientMessage> clients;
    std::vector<totem::group::Notice> notices;
    std::vector<totem::group::HostRequest> host;
    std::optional<totem::Instant> wake;

  private:
    FramePool& pool_;
};

// Reads any message to a client by the offsets of ipc.md.
class Reply {
  public:
    explicit Reply(const ClientMessage& message)
        : kind_(message.kind), connection_(message.connection) {
        const auto head = std::span(message.head).first(message.head_size);
        bytes_.assign(head.begin(), head.end());
        const auto body = message.body.bytes();
        bytes_.insert(bytes_.end(), body.begin(), body.end());
    }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const { return reader().u32(at); }
    [[nodiscard]] std::uint64_t u64(std::size_t at) const { return reader().u64(at); }
    [[nodiscard]] std::uint8_t u8(std::size_t at) const { return reader().u8(at); }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const { return reader().u16(at); }
    [[nodiscard]] std::string text(std::size_t at, std::size_t size) const {
        return std::string(totem::group::as_text(reader().bytes(at, size)));
    }
    [[nodiscard]] std::string c_string(std::size_t at, std::size_t size) const {
        return text(at, size).c_str();
    }
    [[nodiscard]] std::uint32_t id() const { return u32(0); }
    [[nodiscard]] std::uint32_t error() const { return u32(16); }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] bool is_event() const { return kind_ == ClientMessage::Kind::kEvent; }
    [[nodiscard]] ConnectionId to() const { return connection_; }
    // The size field tells the truth, and there is a whole response header.
    [[nodiscard]] bool is_sound() const { return size() >= 24 && u32(8) == size(); }

  private:
    [[nodiscard]] totem::group::StructReader reader() const {
        return totem::group::StructReader(bytes_);
    }
    ClientMessage::Kind kind_;
    ConnectionId connection_;
    std::vector<std::byte> bytes_;
};

// A request of `size` bytes; its header is written.
class Request {
  public:
    Request(std::uint32_t id, std::size_t size) : bytes_(size) {
        totem::group::StructWriter writer(bytes_);
        writer.u32(0, id);
        writer.u32(8, static_cast<std::uint32_t>(size));
    }
    Request& u8(std::size_t at, std::uint8_t value) { return put(at, value); }
    Request& u16(std::size_t at, std::uint16_t value) { return put(at, value); }
    Request& u32(std::size_t at, std::uint32_t value) { return put(at, value); }
    Request& u64(std::size_t at, std::uint64_t value) { return put(at, value); }
    Request& text(std::size_t at, std::string_view value) {
        totem::group::StructWriter(bytes_).bytes(at, totem::group::as_byte_span(value));
        return *this;
    }
    // cpg name
    Request& group(std::size_t at, std::string_view name) {
        return u32(at, static_cast<std::uint32_t>(name.size())).text(at + 8, name);
    }
    // mar_name
    Request& name(std::size_t at, std::string_view name) {
        return u16(at, static_cast<std::uint16_t>(name.size())).text(at + 8, name);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  private:
    template <typename Number>
    Request& put(std::size_t at, Number value) {
        totem::group::StructWriter(bytes_).put(at, value);
        return *this;
    }
    std::vector<std::byte> bytes_;
};

// splitmix64: the same numbers on every machine.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    [[nodiscard]] std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    [[nodiscard]] std::size_t below(std::size_t bound) { return next() % bound; }
    [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }

  private:
    std::uint64_t state_;
};

// `bytes` cut, grown, or with some bytes and 32-bit fields replaced; sometimes untouched. The copy
// has no spare capacity, so that a sanitizer sees every read past its end.
inline std::vector<std::byte> mutated(std::span<const std::byte> bytes, Dice& dice) {
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    for (std::size_t n = dice.below(4); n > 0 && !copy.empty(); --n) {
        switch (dice.below(4)) {
            case 0:
                copy.resize(dice.below(copy.size() + 1));
                break;
            case 1:
                copy[dice.below(copy.size())] = static_cast<std::byte>(dice.next());
                break;
            case 2: {
                constexpr std::array<std::uint32_t, 8> kNasty{
                    0, 1, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU, 0xFFFFFFF0U, 257, 1048576};
                const std::uint32_t value = kNasty.at(dice.below(kNasty.size()));
                const std::size_t at = dice.below(copy.size()) / 4 * 4;
                std::memcpy(copy.data() + at, &value, std::min<std::size_t>(4, copy.size() - at));
                break;
            }
            default:
                copy.resize(copy.size() + dice.below(64), static_cast<std::byte>(dice.next()));
        }
    }
    return {copy.begin(), copy.end()};
}

// Gives `door` mutations of `requests` on connections that come and go; every answer must be sound,
// and the sender of one request gets at most one reply.
template <typename AfterEach>
void throw_rubbish_at(totem::group::Door& door, FakeOutbox& out,
                      const std::vector<Request>& requests, Dice& dice, AfterEach after_each) {
    constexpr std::uint32_t kConnections = 4;
    for (std::uint32_t i = 0; i < kConnections; ++i) {
        door.on_open(ConnectionId{i}, 100 + i, out);
    }
    for (int round = 0; round < 4000; ++round) {
        const ConnectionId connection{static_cast<std::uint32_t>(dice.below(kConnections))};
        if (dice.one_in(50)) {
            door.on_close(connection, out);
            door.on_open(connection, 100, out);
        }
        const auto bytes = mutated(requests[dice.below(requests.size())].bytes(), dice);
        const std::size_t before = out.clients.size();
        static_cast<void>(door.on_request(connection, bytes, out));
        std::size_t replies = 0;
        for (std::size_t at = before; at < out.clients.size(); ++at) {
            const Reply reply(out.clients[at]);
            ASSERT_TRUE(reply.is_sound());
            replies += !reply.is_event() && reply.to() == connection ? 1 : 0;
        }
        ASSERT_LE(replies, 1U);
        out.clients.clear();
        out.notices.clear();
        after_each();
    }
    for (std::uint32_t i = 0; i < kConnections; ++i) {
        door.on_close(ConnectionId{i}, out);
    }
    out.clients.clear();
}

}  // namespace doors_test
