// Which parts of the protocol a run, or many, went through (properties.md section 13): the rows of
// the transition table of totem.md 4.1, as states, reasons, and what became of each kind of frame.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "totem/core/trace.h"

namespace sim {

// What a frame did to the node that received it.
enum class Fate : std::uint8_t {
    kIgnored,  // the rules or the node itself turned it away
    kTaken,
    kMoved,  // it made the node change its state, or gather anew
};

struct Coverage {
    static constexpr std::size_t kStates = 4;
    static constexpr std::size_t kReasons = 17;
    static constexpr std::size_t kKinds = 6;   // of frames
    static constexpr std::size_t kInputs = 8;  // the six kinds, damaged ones, Wake
    static constexpr std::size_t kFates = 3;

    std::array<std::array<std::uint64_t, kStates>, kStates> transitions{};
    std::array<std::uint64_t, kReasons> reasons{};
    std::array<std::array<std::uint64_t, kInputs>, kStates> inputs{};
    std::array<std::array<std::array<std::uint64_t, kFates>, kKinds>, kStates> fates{};

    void add(const Coverage& other);
    void add_fate(totem::State state, std::size_t kind, Fate fate) {
        ++fates.at(static_cast<std::size_t>(state)).at(kind).at(static_cast<std::size_t>(fate));
    }
    [[nodiscard]] std::string text() const;
    // The rows of the table that were never gone through. Empty: all were.
    [[nodiscard]] std::vector<std::string> missing() const;
};

}  // namespace sim
