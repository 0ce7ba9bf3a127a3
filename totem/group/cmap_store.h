// The configuration map: typed values under dotted keys, and who wants to know of changes.
//
// Holds what is known (configuration, members, votes, counters) for clients to read, and takes what
// clients may set. Trackers are told of a change at once; whoever cannot act on it without an
// Outbox keeps it until flush().
//
// Source: ipc.md 11 (values, keys, tracking) and 12 (what clients may not change); details that the
// page leaves open as corosync 3.1.7 answers them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "totem/group/service.h"
#include "totem/group/state_hash.h"

namespace totem::group {

enum class CmapType : std::uint8_t {
    kInt8 = 1,
    kUint8 = 2,
    kInt16 = 3,
    kUint16 = 4,
    kInt32 = 5,
    kUint32 = 6,
    kInt64 = 7,
    kUint64 = 8,
    kFloat = 9,
    kDouble = 10,
    kString = 11,
    kBinary = 12,
};

// A value as clients see it: numbers in host order, a string with its NUL.
struct CmapValue {
    CmapType type = CmapType::kBinary;
    std::string bytes;

    [[nodiscard]] static CmapValue u8(std::uint8_t value);
    [[nodiscard]] static CmapValue u16(std::uint16_t value);
    [[nodiscard]] static CmapValue u32(std::uint32_t value);
    [[nodiscard]] static CmapValue u64(std::uint64_t value);
    [[nodiscard]] static CmapValue i32(std::int32_t value);
    [[nodiscard]] static CmapValue f64(double value);
    [[nodiscard]] static CmapValue text(std::string_view value);
    // Bytes of a client or of another node; nothing when they cannot be a value of that type. A
    // string needs no NUL but may not have one inside.
    [[nodiscard]] static std::optional<CmapValue> from(std::uint8_t type,
                                                       std::span<const std::byte> bytes);

    friend bool operator==(const CmapValue&, const CmapValue&) = default;
};

enum class CmapEvent : std::uint32_t { kDelete = 1, kModify = 2, kAdd = 4 };
// Flags of a tracker: a set of events, and whether its key is a prefix.
inline constexpr std::uint32_t kCmapTrackPrefix = 8;
inline constexpr std::uint32_t kCmapTrackAll = 15;

struct CmapChange {
    CmapEvent event{};
    std::string_view key;
    const CmapValue* old_value = nullptr;  // absent when added
    const CmapValue* new_value = nullptr;  // absent when deleted
};

// Who tracks keys. It must not change the store from on_change().
class CmapTracker {
  public:
    CmapTracker() = default;
    CmapTracker(const CmapTracker&) = delete;
    CmapTracker& operator=(const CmapTracker&) = delete;
    CmapTracker(CmapTracker&&) = delete;
    CmapTracker& operator=(CmapTracker&&) = delete;
    virtual ~CmapTracker() = default;

    // `id` is what was given to track().
    virtual void on_change(std::uint64_t id, const CmapChange& change) = 0;
    // There is an Outbox now for what on_change() could not do.
    virtual void flush(Outbox& out) { static_cast<void>(out); }
};

class CmapStore {
  public:
    // Why a client's request was refused; the door gives each its code.
    enum class Status { kOk, kNoKey, kReadOnly, kBadKey, kBadValue };

    // ---- for those who own the facts: no key is read-only
    // -----------------------------------------
    void set_internal(std::string_view key, CmapValue value);
    void erase_internal(std::string_view key);
    // Removes every key with the prefix.
    void erase_prefix_internal(std::string_view prefix);

    // ---- for clients
    // --------------------------------------------------------------------------------
    [[nodiscard]] Status set(std::string_view key, CmapValue value);
    [[nodiscard]] Status erase(std::string_view key);
    // Adds to an integer, wrapping within its type.
    [[nodiscard]] Status adjust(std::string_view key, std::int32_t step);

    // ---- reading
    // ------------------------------------------------------------------------------------
    [[nodiscard]] const CmapValue* find(std::string_view key) const;
    // The number under the key when there is one of exactly this type.
    [[nodiscard]] std::optional<std::uint8_t> find_u8(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint32_t> find_u32(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint64_t> find_u64(std::string_view key) const;
    // Without its NUL.
    [[nodiscard]] std::optional<std::string_view> find_text(std::string_view key) const;
    struct Item {
        std::string_view key;
        const CmapValue* value = nullptr;
    };
    // The first key with `prefix` that comes after `after` in byte order; absent `after`: the first
    // of all. Walking so is safe against any change in between.
    [[nodiscard]] std::optional<Item> next(std::string_view prefix,
                                           const std::optional<std::string>& after) const;
    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }

    // ---- tracking
    // -----------------------------------------------------------------------------------
    struct Tracking {
        std::string key;
        std::uint32_t flags = 0;
        std::uint64_t id = 0;
    };
    // `tracker` must stay valid until untrack() of every id of its.
    void track(Tracking tracking, CmapTracker& tracker);
    void untrack(const CmapTracker& tracker, std::uint64_t id);
    // Lets trackers act on what they were told. Services and doors of cmap and cfg do this in every
    // call; a host that sets keys between steps steps a HostReply of token 0 while owes_events().
    void flush(Outbox& out);
    [[nodiscard]] bool owes_events() const noexcept { return owes_events_; }

    // A key that a client may use for a new value: 3 to 255 of letters, digits and ". _ - / :".
    [[nodiscard]] static bool is_valid_key(std::string_view key) noexcept;
    // ipc.md 12: keys that clients may not change.
    [[nodiscard]] static bool is_read_only(std::string_view key) noexcept;

    void hash(StateHash& into) const;

  private:
    using Values = std::map<std::string, CmapValue, std::less<>>;
    struct Listener {
        Tracking tracking;
        CmapTracker* tracker = nullptr;
    };

    void erase_at(Values::iterator at);
    void notify(const CmapChange& change);

    Values values_;
    std::vector<Listener> listeners_;
    bool owes_events_ = false;
};

}  // namespace totem::group
