#include "totem/ipc/doors/layout.h"

#include <algorithm>
#include <utility>

#include "totem/core/check.h"

namespace totem::ipc {

namespace {

void write_response_header(std::span<std::byte> head, std::uint32_t id, std::size_t size,
                           CsError error) {
    group::StructWriter writer(head);
    writer.u32(0, id);
    writer.u32(8, static_cast<std::uint32_t>(size));
    writer.u32(16, static_cast<std::uint32_t>(error));
}

}  // namespace

RequestHeader read_request_header(std::span<const std::byte> request) noexcept {
    const StructReader reader(request);
    if (!reader.has(0, kRequestHeaderBytes)) {
        return {kNoRequest, 0};
    }
    const RequestHeader header{reader.u32(0), reader.u32(8)};
    if (header.size < kRequestHeaderBytes || header.size > request.size()) {
        return {kNoRequest, 0};
    }
    return header;
}

std::string_view read_name(const StructReader& request, std::size_t offset) {
    const std::size_t length = std::min<std::size_t>(request.u16(offset), kNameTextMax);
    return group::as_text(request.bytes(offset + 8, length));
}

std::uint16_t read_name_length(const StructReader& request, std::size_t offset) {
    return request.u16(offset);
}

MessageBuilder::MessageBuilder(ConnectionId connection, ClientMessage::Kind kind, std::uint32_t id,
                               std::size_t size, FramePool& pool, CsError error) {
    TOTEM_CHECK(size >= kResponseHeaderBytes);
    const std::size_t in_head = std::min(size, message_.head.size());
    message_.connection = connection;
    message_.kind = kind;
    message_.head_size = static_cast<std::uint16_t>(in_head);
    if (size > in_head) {
        message_.body = pool.allocate(size - in_head);
        std::ranges::fill(message_.body.writable(), std::byte{0});
    }
    write_response_header(message_.head, id, size, error);
}

MessageBuilder& MessageBuilder::ring(std::size_t offset, const RingId& value) {
    return u32(offset, raw(value.representative)).u64(offset + 8, value.seq);
}

MessageBuilder& MessageBuilder::bytes(std::size_t offset, std::span<const std::byte> value) {
    TOTEM_CHECK(offset + value.size() <= message_.head_size + message_.body.size());
    const std::size_t head_size = message_.head_size;
    if (offset < head_size) {
        const std::size_t count = std::min(value.size(), head_size - offset);
        group::StructWriter(message_.head).bytes(offset, value.first(count));
        value = value.subspan(count);
        offset = head_size;
    }
    if (!value.empty()) {
        group::StructWriter(message_.body.writable()).bytes(offset - head_size, value);
    }
    return *this;
}

MessageBuilder& MessageBuilder::name(std::size_t offset, std::string_view value) {
    value = value.substr(0, kNameTextMax);
    return u16(offset, static_cast<std::uint16_t>(value.size())).text(offset + 8, value);
}

ClientMessage bare_reply(ConnectionId connection, std::uint32_t id, CsError error) {
    ClientMessage message;
    message.connection = connection;
    message.kind = ClientMessage::Kind::kReply;
    message.head_size = kResponseHeaderBytes;
    write_response_header(message.head, id, kResponseHeaderBytes, error);
    return message;
}

ClientMessage event_with_body(ConnectionId connection, std::uint32_t id,
                              std::span<const std::byte> head, FrameRef body) {
    ClientMessage message;
    TOTEM_CHECK(head.size() >= kResponseHeaderBytes && head.size() <= message.head.size());
    message.connection = connection;
    message.kind = ClientMessage::Kind::kEvent;
    message.head_size = static_cast<std::uint16_t>(head.size());
    group::StructWriter(message.head).bytes(0, head);
    write_response_header(message.head, id, head.size() + body.size(), CsError::kOk);
    message.body = std::move(body);
    return message;
}

void refuse_malformed(ConnectionId connection, std::uint32_t request_id, std::string what,
                      Outbox& out) {
    out.send(bare_reply(connection, 0, CsError::kInvalidParam));
    note_malformed(connection, request_id, std::move(what), out);
}

void note_malformed(ConnectionId connection, std::uint32_t request_id, std::string what,
                    Outbox& out) {
    group::Notice notice;
    notice.kind = group::Notice::Kind::kMalformedRequest;
    notice.a = static_cast<std::uint32_t>(connection);
    notice.b = request_id;
    notice.text = std::move(what);
    out.notice(std::move(notice));
}

}  // namespace totem::ipc
