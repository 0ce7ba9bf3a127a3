// Result<T, E>: a value or the reason there is none, with std::expected's member names (C++23).
//
// No exceptions cross a room's border, so every call that can fail for reasons of its caller or of
// the outside returns one of these. E must differ from T.
#pragma once

#include <utility>
#include <variant>

#include "totem/core/check.h"

namespace totem {

// Wraps an error on its way into a Result: `return Unexpected{DecodeError::kTooShort};`
template <typename E>
struct Unexpected {
    E error;
};
template <typename E>
Unexpected(E) -> Unexpected<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
  public:
    // Implicit by intent: `return value;` and `return Unexpected{...};` both read well.
    Result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {
    }                            // NOLINT(google-explicit-constructor,hicpp-explicit-conversions)
    Result(Unexpected<E> error)  // NOLINT(google-explicit-constructor,hicpp-explicit-conversions)
        : state_(std::in_place_index<1>, std::move(error.error)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & { return checked_value(); }
    [[nodiscard]] const T& value() const& {
        TOTEM_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && { return std::move(checked_value()); }
    T& operator*() & { return checked_value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &checked_value(); }
    const T* operator->() const { return &value(); }

    [[nodiscard]] const E& error() const {
        TOTEM_CHECK(!has_value());
        return *std::get_if<1>(&state_);
    }

  private:
    T& checked_value() {
        TOTEM_CHECK(has_value());
        return *std::get_if<0>(&state_);
    }

    std::variant<T, E> state_;
};

}  // namespace totem
