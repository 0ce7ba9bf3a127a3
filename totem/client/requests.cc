// Requests to bytes (ipc.md 7 to 11).
#include "totem/client/messages.h"

namespace totem::client {

namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kKeyMax = 255;

Bytes request(std::uint32_t id, std::size_t size) {
    Bytes bytes(size);
    set_field<std::uint32_t>(bytes, 0, id);
    set_field<std::uint32_t>(bytes, 8, static_cast<std::uint32_t>(size));
    return bytes;
}

Bytes request_with_number(std::uint32_t id, std::uint32_t number) {
    constexpr std::size_t kBytes = 24;
    Bytes bytes = request(id, kBytes);
    set_field(bytes, 16, number);
    return bytes;
}

ByteView bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

void set_group(Bytes& bytes, std::string_view group) {
    TOTEM_CHECK(group.size() <= kGroupNameMax);
    set_field(bytes, 16, static_cast<std::uint32_t>(group.size()));
    set_bytes(bytes, 24, bytes_of(group));
}

void set_group(Bytes& bytes, const GroupRequest& group) {
    set_group(bytes, group.group);
    set_field(bytes, 152, group.pid);
}

void set_key(Bytes& bytes, std::string_view key) {
    TOTEM_CHECK(key.size() <= kKeyMax);
    set_field(bytes, 16, static_cast<std::uint16_t>(key.size()));
    set_bytes(bytes, 24, bytes_of(key));
}

}  // namespace

Bytes cpg_join(const GroupRequest& group, InitialRing ring) {
    Bytes bytes = request(0, 168);
    set_group(bytes, group);
    set_field<std::uint32_t>(bytes, 160, ring == InitialRing::kWanted ? 1 : 0);
    return bytes;
}

Bytes cpg_leave(const GroupRequest& group) {
    Bytes bytes = request(1, 160);
    set_group(bytes, group);
    return bytes;
}

Bytes cpg_multicast(Guarantee guarantee, ByteView message) {
    constexpr std::size_t kFixed = 40;
    constexpr std::uint32_t kAgreed = 2;
    constexpr std::uint32_t kSafe = 3;
    TOTEM_CHECK(message.size() <= kMessageMax);
    Bytes bytes = request(2, kFixed + message.size());
    set_field(bytes, 24, guarantee == Guarantee::kSafe ? kSafe : kAgreed);
    set_field(bytes, 32, static_cast<std::uint32_t>(message.size()));
    set_bytes(bytes, kFixed, message);
    return bytes;
}

Bytes cpg_membership_get(std::string_view group) {
    Bytes bytes = request(3, 152);
    set_group(bytes, group);
    return bytes;
}

Bytes cpg_local_get() { return request(4, kHeaderBytes); }
Bytes cpg_finalize() { return request(8, kHeaderBytes); }

Bytes quorum_get_quorate() { return request(0, kHeaderBytes); }
Bytes quorum_get_type(std::uint32_t model) { return request_with_number(4, model); }
Bytes quorum_track_start(std::uint32_t flags) { return request_with_number(1, flags); }
Bytes quorum_track_stop() { return request(2, kHeaderBytes); }

Bytes votequorum_get_info(NodeId node) { return request_with_number(0, raw(node)); }
Bytes votequorum_set_expected(std::uint32_t expected) { return request_with_number(1, expected); }

Bytes votequorum_track_start(std::uint32_t flags) {
    Bytes bytes = request(3, 32);
    set_field(bytes, 24, flags);
    return bytes;
}

Bytes cmap_get(std::string_view key, std::uint64_t value_bytes_max) {
    Bytes bytes = request(2, 288);
    set_key(bytes, key);
    set_field(bytes, 280, value_bytes_max);
    return bytes;
}

Bytes cmap_track_add(const CmapTrack& track) {
    Bytes bytes = request(7, 296);
    set_key(bytes, track.key);
    set_field(bytes, 280, track.what);
    set_field(bytes, 288, track.instance);
    return bytes;
}

Bytes cmap_track_delete(std::uint64_t handle) {
    Bytes bytes = request(8, 24);
    set_field(bytes, 16, handle);
    return bytes;
}

Bytes cfg_local_get() { return request(6, kHeaderBytes); }
Bytes cfg_reload() { return request(7, kHeaderBytes); }

}  // namespace totem::client
