#include "totem/group/cmap_store.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "totem/group/struct_io.h"

namespace totem::group {

namespace {

constexpr std::array<std::string_view, 7> kReadOnlyPrefixes{
    "internal_configuration.", "runtime.services.", "runtime.config.", "runtime.totem.",
    "uidgid.config.",          "system.",           "nodelist.",
};
constexpr std::array<std::string_view, 24> kReadOnlyKeys{
    "totem.crypto_cipher",
    "totem.crypto_hash",
    "totem.crypto_model",
    "totem.keyfile",
    "totem.key",
    "totem.secauth",
    "totem.ip_version",
    "totem.rrp_mode",
    "totem.transport",
    "totem.cluster_name",
    "totem.netmtu",
    "totem.threads",
    "totem.version",
    "totem.nodeid",
    "totem.clear_node_high_bit",
    "config.reload_in_progress",
    "config.totemconfig_reload_in_progress",
    "quorum.allow_downscale",
    "quorum.wait_for_all",
    "quorum.last_man_standing",
    "quorum.last_man_standing_window",
    "quorum.expected_votes_tracking",
    "quorum.auto_tie_breaker",
    "quorum.auto_tie_breaker_node",
};

constexpr std::size_t kKeyMin = 3;
constexpr std::size_t kKeyMax = 255;

template <typename Number>
CmapValue number(CmapType type, Number value) {
    CmapValue result{type, std::string(sizeof(Number), '\0')};
    std::memcpy(result.bytes.data(), &value, sizeof(Number));
    return result;
}

// Bytes of a value of a type with a fixed size; 0 for the others.
std::size_t fixed_size(CmapType type) {
    switch (type) {
        case CmapType::kInt8:
        case CmapType::kUint8:
            return 1;
        case CmapType::kInt16:
        case CmapType::kUint16:
            return 2;
        case CmapType::kInt32:
        case CmapType::kUint32:
        case CmapType::kFloat:
            return 4;
        case CmapType::kInt64:
        case CmapType::kUint64:
        case CmapType::kDouble:
            return 8;
        case CmapType::kString:
        case CmapType::kBinary:
            return 0;
    }
    return 0;
}

bool is_integer(CmapType type) { return type >= CmapType::kInt8 && type <= CmapType::kUint64; }

template <typename Number>
std::optional<Number> read_number(const CmapValue* value, CmapType type) {
    if (value == nullptr || value->type != type || value->bytes.size() != sizeof(Number)) {
        return std::nullopt;
    }
    Number result{};
    std::memcpy(&result, value->bytes.data(), sizeof(Number));
    return result;
}

bool concerns(const CmapStore::Tracking& tracking, const CmapChange& change) {
    if ((tracking.flags & static_cast<std::uint32_t>(change.event)) == 0) {
        return false;
    }
    return (tracking.flags & kCmapTrackPrefix) != 0 ? change.key.starts_with(tracking.key)
                                                    : change.key == tracking.key;
}

}  // namespace

CmapValue CmapValue::u8(std::uint8_t value) { return number(CmapType::kUint8, value); }
CmapValue CmapValue::u16(std::uint16_t value) { return number(CmapType::kUint16, value); }
CmapValue CmapValue::u32(std::uint32_t value) { return number(CmapType::kUint32, value); }
CmapValue CmapValue::u64(std::uint64_t value) { return number(CmapType::kUint64, value); }
CmapValue CmapValue::i32(std::int32_t value) { return number(CmapType::kInt32, value); }
CmapValue CmapValue::f64(double value) { return number(CmapType::kDouble, value); }
CmapValue CmapValue::text(std::string_view value) {
    CmapValue result{CmapType::kString, std::string(value)};
    result.bytes.push_back('\0');
    return result;
}

std::optional<CmapValue> CmapValue::from(std::uint8_t type, std::span<const std::byte> bytes) {
    if (type < static_cast<std::uint8_t>(CmapType::kInt8) ||
        type > static_cast<std::uint8_t>(CmapType::kBinary)) {
        return std::nullopt;
    }
    CmapValue value{static_cast<CmapType>(type), std::string(as_text(bytes))};
    const std::size_t size = fixed_size(value.type);
    if (size != 0 && size != bytes.size()) {
        return std::nullopt;
    }
    if (value.type == CmapType::kString) {
        if (value.bytes.empty() || value.bytes.back() != '\0') {
            value.bytes.push_back('\0');
        }
        if (value.bytes.find('\0') + 1 != value.bytes.size()) {
            return std::nullopt;
        }
    }
    return value;
}

bool CmapStore::is_valid_key(std::string_view key) noexcept {
    return key.size() >= kKeyMin && key.size() <= kKeyMax && std::ranges::all_of(key, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-' || c == '/' || c == ':';
           });
}

bool CmapStore::is_read_only(std::string_view key) noexcept {
    return std::ranges::find(kReadOnlyKeys, key) != kReadOnlyKeys.end() ||
           std::ranges::any_of(kReadOnlyPrefixes,
                               [key](std::string_view prefix) { return key.starts_with(prefix); });
}

// ---- changing
// -------------------------------------------------------------------------------------

void CmapStore::set_internal(std::string_view key, CmapValue value) {
    const auto at = values_.find(key);
    if (at == values_.end()) {
        const auto added = values_.emplace(key, std::move(value)).first;
        notify({CmapEvent::kAdd, added->first, nullptr, &added->second});
        return;
    }
    if (at->second == value) {
        return;
    }
    std::swap(at->second, value);
    notify({CmapEvent::kModify, at->first, &value, &at->second});
}

void CmapStore::erase_at(Values::iterator at) {
    const auto gone = values_.extract(at);
    notify({CmapEvent::kDelete, gone.key(), &gone.mapped(), nullptr});
}

void CmapStore::erase_internal(std::string_view key) {
    if (const auto at = values_.find(key); at != values_.end()) {
        erase_at(at);
    }
}

void CmapStore::erase_prefix_internal(std::string_view prefix) {
    for (auto at = values_.lower_bound(prefix);
         at != values_.end() && at->first.starts_with(prefix);) {
        erase_at(at++);
    }
}

CmapStore::Status CmapStore::set(std::string_view key, CmapValue value) {
    if (is_read_only(key)) {
        return Status::kReadOnly;
    }
    if (!is_valid_key(key)) {
        return Status::kBadKey;
    }
    set_internal(key, std::move(value));
    return Status::kOk;
}

CmapStore::Status CmapStore::erase(std::string_view key) {
    if (is_read_only(key)) {
        return Status::kReadOnly;
    }
    const auto at = values_.find(key);
    if (at == values_.end()) {
        return Status::kNoKey;
    }
    erase_at(at);
    return Status::kOk;
}

CmapStore::Status CmapStore::adjust(std::string_view key, std::int32_t step) {
    if (is_read_only(key)) {
        return Status::kReadOnly;
    }
    const CmapValue* known = find(key);
    if (known == nullptr) {
        return Status::kNoKey;
    }
    if (!is_integer(known->type)) {
        return Status::kBadValue;
    }
    // Little-endian two's complement: the low bytes of the sum are the sum of the low bytes.
    CmapValue changed = *known;
    std::uint64_t sum = 0;
    std::memcpy(&sum, changed.bytes.data(), changed.bytes.size());
    sum += static_cast<std::uint64_t>(std::int64_t{step});
    std::memcpy(changed.bytes.data(), &sum, changed.bytes.size());
    set_internal(key, std::move(changed));
    return Status::kOk;
}

// ---- reading
// --------------------------------------------------------------------------------------

const CmapValue* CmapStore::find(std::string_view key) const {
    const auto at = values_.find(key);
    return at == values_.end() ? nullptr : &at->second;
}

std::optional<std::uint8_t> CmapStore::find_u8(std::string_view key) const {
    return read_number<std::uint8_t>(find(key), CmapType::kUint8);
}
std::optional<std::uint32_t> CmapStore::find_u32(std::string_view key) const {
    return read_number<std::uint32_t>(find(key), CmapType::kUint32);
}
std::optional<std::uint64_t> CmapStore::find_u64(std::string_view key) const {
    return read_number<std::uint64_t>(find(key), CmapType::kUint64);
}
std::optional<std::string_view> CmapStore::find_text(std::string_view key) const {
    const CmapValue* value = find(key);
    if (value == nullptr || value->type != CmapType::kString) {
        return std::nullopt;
    }
    return std::string_view(value->bytes).substr(0, value->bytes.size() - 1);
}

std::optional<CmapStore::Item> CmapStore::next(std::string_view prefix,
                                               const std::optional<std::string>& after) const {
    const auto at = after ? values_.upper_bound(*after) : values_.lower_bound(prefix);
    if (at == values_.end() || !at->first.starts_with(prefix)) {
        return std::nullopt;
    }
    return Item{at->first, &at->second};
}

// ---- tracking
// -------------------------------------------------------------------------------------

void CmapStore::track(Tracking tracking, CmapTracker& tracker) {
    listeners_.push_back({std::move(tracking), &tracker});
}

void CmapStore::untrack(const CmapTracker& tracker, std::uint64_t id) {
    std::erase_if(listeners_, [&](const Listener& listener) {
        return listener.tracker == &tracker && listener.tracking.id == id;
    });
}

void CmapStore::notify(const CmapChange& change) {
    for (const Listener& listener : listeners_) {
        if (concerns(listener.tracking, change)) {
            owes_events_ = true;
            listener.tracker->on_change(listener.tracking.id, change);
        }
    }
}

void CmapStore::flush(Outbox& out) {
    // A tracker may change the store while it is flushed, which owes events again.
    while (std::exchange(owes_events_, false)) {
        std::vector<CmapTracker*> trackers;
        for (const Listener& listener : listeners_) {
            if (std::ranges::find(trackers, listener.tracker) == trackers.end()) {
                trackers.push_back(listener.tracker);
            }
        }
        for (CmapTracker* tracker : trackers) {
            tracker->flush(out);
        }
    }
}

void CmapStore::hash(StateHash& into) const {
    for (const auto& [key, value] : values_) {
        into.add(key).add(static_cast<std::uint64_t>(value.type)).add(value.bytes);
    }
    for (const Listener& listener : listeners_) {
        into.add(listener.tracking.key).add(std::uint64_t{listener.tracking.flags});
        into.add(listener.tracking.id);
    }
}

}  // namespace totem::group
