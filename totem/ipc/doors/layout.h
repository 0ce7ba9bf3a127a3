// What all doors share: error codes, request and response headers, and building a reply or an
// event.
//
// Source: ipc.md 5 (error codes) and 6 (headers and common types). Offsets in the doors are those
// of ipc.md's tables, which count from the start of the message, header included.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "totem/core/frame.h"
#include "totem/group/service.h"
#include "totem/group/struct_io.h"

namespace totem::ipc {

using group::ClientMessage;
using group::ConnectionId;
using group::Outbox;
using group::StructReader;

// cs_error_t (ipc.md 5).
enum class CsError : std::uint32_t {
    kOk = 1,
    kLibrary = 2,
    kVersion = 3,
    kInit = 4,
    kTimeout = 5,
    kTryAgain = 6,
    kInvalidParam = 7,
    kNoMemory = 8,
    kBadHandle = 9,
    kBusy = 10,
    kAccess = 11,
    kNotExist = 12,
    kNameTooLong = 13,
    kExist = 14,
    kNoSpace = 15,
    kInterrupt = 16,
    kNameNotFound = 17,
    kNoResources = 18,
    kNotSupported = 19,
    kBadOperation = 20,
    kFailedOperation = 21,
    kMessageError = 22,
    kQueueFull = 23,
    kQueueNotAvailable = 24,
    kBadFlags = 25,
    kTooBig = 26,
    kNoSections = 27,
    kContextNotFound = 28,
    kTooManyGroups = 30,
    kSecurity = 100,
};

inline constexpr std::size_t kRequestHeaderBytes = 16;
inline constexpr std::size_t kResponseHeaderBytes = 24;
// A name of cmap and cfg (mar_name): u16 length, padding, 256 bytes.
inline constexpr std::size_t kNameBytes = 264;
inline constexpr std::size_t kNameTextMax = 256;

// ---- requests -----------------------------------------------------------------------------------

struct RequestHeader {
    std::uint32_t id = 0;
    std::uint32_t size = 0;
};

// The header when the bytes hold one and its size field does not claim more than there is (that
// field lies in the client's memory and is checked by nobody before). Otherwise id is kNoRequest.
inline constexpr std::uint32_t kNoRequest = 0xFFFFFFFFU;
[[nodiscard]] RequestHeader read_request_header(std::span<const std::byte> request) noexcept;

// The bytes of a mar_name at `offset`. Its length field is cut to what a name can hold.
[[nodiscard]] std::string_view read_name(const StructReader& request, std::size_t offset);
// Its length field as sent, for those who must refuse what is too long.
[[nodiscard]] std::uint16_t read_name_length(const StructReader& request, std::size_t offset);

// ---- replies and events -------------------------------------------------------------------------

// One reply or event of `size` bytes in all. Header written, the rest zero until put; what does not
// fit ClientMessage::head goes to a frame of the pool.
class MessageBuilder {
  public:
    MessageBuilder(ConnectionId connection, ClientMessage::Kind kind, std::uint32_t id,
                   std::size_t size, FramePool& pool, CsError error = CsError::kOk);

    template <std::unsigned_integral Number>
    MessageBuilder& put(std::size_t offset, Number value) {
        return bytes(offset, std::as_bytes(std::span(&value, 1)));
    }
    MessageBuilder& u8(std::size_t offset, std::uint8_t value) { return put(offset, value); }
    MessageBuilder& u16(std::size_t offset, std::uint16_t value) { return put(offset, value); }
    MessageBuilder& u32(std::size_t offset, std::uint32_t value) { return put(offset, value); }
    MessageBuilder& u64(std::size_t offset, std::uint64_t value) { return put(offset, value); }
    // ring id: {nodeid@0:4, seq@8:8}.
    MessageBuilder& ring(std::size_t offset, const RingId& value);
    MessageBuilder& bytes(std::size_t offset, std::span<const std::byte> value);
    MessageBuilder& text(std::size_t offset, std::string_view value) {
        return bytes(offset, group::as_byte_span(value));
    }
    // A mar_name; the text is cut to kNameTextMax.
    MessageBuilder& name(std::size_t offset, std::string_view value);

    [[nodiscard]] ClientMessage take() { return std::move(message_); }

  private:
    ClientMessage message_;
};

// The 24 bytes of a response header and nothing else.
[[nodiscard]] ClientMessage bare_reply(ConnectionId connection, std::uint32_t id, CsError error);

// An event whose fixed part is `head` (header included, at most what ClientMessage::head holds) and
// whose tail is `body`, shared and not copied. Writes the header's id, size and error (OK).
[[nodiscard]] ClientMessage event_with_body(ConnectionId connection, std::uint32_t id,
                                            std::span<const std::byte> head, FrameRef body);

// Answers what cannot be understood: 24 bytes, id 0, INVALID_PARAM (ipc.md 4), and a notice.
void refuse_malformed(ConnectionId connection, std::uint32_t request_id, std::string what,
                      Outbox& out);
// The notice alone, where a request has no reply.
void note_malformed(ConnectionId connection, std::uint32_t request_id, std::string what,
                    Outbox& out);

}  // namespace totem::ipc
