#include "sim/coverage.h"

namespace sim {

namespace {

constexpr std::array<const char*, Coverage::kStates> kStateNames = {"operational", "gather",
                                                                    "commit", "recovery"};
constexpr std::array<const char*, Coverage::kInputs> kInputNames = {
    "token", "data", "merge", "join", "commit", "hold-cancel", "damaged", "wake"};
constexpr std::array<const char*, Coverage::kFates> kFateNames = {"ignored", "taken", "moves"};

// What can happen to each kind of frame in each state: i = ignored, t = taken, m = moves. All else
// is against the table, and most of it against sim/frame_rules as well.
using Row = std::array<const char*, Coverage::kKinds>;
constexpr std::array<Row, Coverage::kStates> kPossible = {{
    // token, data, merge, join, commit, hold-cancel
    {"itm", "itm", "im", "im", "i", "it"},  // operational
    {"i", "itm", "im", "tm", "im", "i"},    // gather
    {"i", "i", "i", "tm", "im", "i"},       // commit
    {"itm", "it", "i", "tm", "it", "it"},   // recovery
}};

struct Move {
    totem::State from;
    totem::State to;
};
constexpr std::array<Move, 7> kMoves = {{
    {totem::State::kOperational, totem::State::kGather},
    {totem::State::kGather, totem::State::kGather},
    {totem::State::kGather, totem::State::kCommit},
    {totem::State::kCommit, totem::State::kGather},
    {totem::State::kCommit, totem::State::kRecovery},
    {totem::State::kRecovery, totem::State::kGather},
    {totem::State::kRecovery, totem::State::kOperational},
}};

bool possible(std::size_t state, std::size_t kind, std::size_t fate) {
    const std::string row = kPossible.at(state).at(kind);
    return row.find("itm"[fate]) != std::string::npos;
}

}  // namespace

void Coverage::add(const Coverage& other) {
    for (std::size_t i = 0; i < kStates; ++i) {
        for (std::size_t j = 0; j < kStates; ++j) {
            transitions.at(i).at(j) += other.transitions.at(i).at(j);
        }
        for (std::size_t j = 0; j < kInputs; ++j) {
            inputs.at(i).at(j) += other.inputs.at(i).at(j);
        }
        for (std::size_t j = 0; j < kKinds * kFates; ++j) {
            fates.at(i).at(j / kFates).at(j % kFates) +=
                other.fates.at(i).at(j / kFates).at(j % kFates);
        }
    }
    for (std::size_t i = 0; i < kReasons; ++i) {
        reasons.at(i) += other.reasons.at(i);
    }
}

std::string Coverage::text() const {
    std::string out = "transitions:";
    for (std::size_t i = 0; i < kStates; ++i) {
        for (std::size_t j = 0; j < kStates; ++j) {
            if (const auto count = transitions.at(i).at(j); count != 0) {
                out += std::string(" ") + kStateNames.at(i) + ">" + kStateNames.at(j) + "=" +
                       std::to_string(count);
            }
        }
    }
    out += "\ngather reasons:";
    for (std::size_t i = 0; i < kReasons; ++i) {
        out += " " + std::to_string(i) + "=" + std::to_string(reasons.at(i));
    }
    for (std::size_t i = 0; i < kStates; ++i) {
        out += std::string("\ninputs in ") + kStateNames.at(i) + ":";
        for (std::size_t j = 0; j < kInputs; ++j) {
            out += std::string(" ") + kInputNames.at(j) + "=" + std::to_string(inputs.at(i).at(j));
            if (j < kKinds) {
                const auto& fate = fates.at(i).at(j);
                out += "(" + std::to_string(fate[0]) + "/" + std::to_string(fate[1]) + "/" +
                       std::to_string(fate[2]) + ")";
            }
        }
    }
    return out;
}

std::vector<std::string> Coverage::missing() const {
    std::vector<std::string> out;
    for (const Move& move : kMoves) {
        const auto from = static_cast<std::size_t>(move.from);
        const auto to = static_cast<std::size_t>(move.to);
        if (transitions.at(from).at(to) == 0) {
            out.push_back(std::string(kStateNames.at(from)) + " > " + kStateNames.at(to));
        }
    }
    for (std::size_t reason = 0; reason < kReasons; ++reason) {
        constexpr std::size_t kNotUsed = 1;  // corosync has no such reason
        if (reason != kNotUsed && reasons.at(reason) == 0) {
            out.push_back("gather for reason " + std::to_string(reason));
        }
    }
    for (std::size_t cell = 0; cell < kStates * kKinds * kFates; ++cell) {
        const std::size_t fate = cell % kFates;
        const std::size_t kind = cell / kFates % kKinds;
        const std::size_t state = cell / kFates / kKinds;
        if (possible(state, kind, fate) && fates.at(state).at(kind).at(fate) == 0) {
            out.push_back(std::string(kInputNames.at(kind)) + " " + kFateNames.at(fate) + " in " +
                          kStateNames.at(state));
        }
    }
    return out;
}

}  // namespace sim
