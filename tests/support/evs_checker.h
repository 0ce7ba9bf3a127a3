// Extended virtual synchrony over the histories of a MiniRing (properties.md E1 to E7).
//
// Small and slow on purpose: it compares whole histories after the fact. Each function returns what
// is wrong in words, or nothing. A history that was cut short by a crash or is still running owes
// only what its configurations so far owe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/mini_ring.h"

namespace totem::testing {

// What one process delivered from one regular configuration to the next.
struct Passage {
    NodeId node = kNoNode;
    std::size_t life = 0;
    RingId ring{};  // the regular configuration; empty for the time before the first
    std::vector<NodeId> members{};
    std::vector<Record> in_regular{};
    std::optional<RingId> next{};  // the transitional one that followed
    std::vector<NodeId> along{};   // its members
    std::vector<Record> in_transitional{};
    bool complete = false;  // the next regular one was delivered
};

[[nodiscard]] inline std::vector<Passage> passages_of(NodeId node,
                                                      const std::vector<Record>& records) {
    std::vector<Passage> passages;
    std::size_t life = 0;
    for (const Record& record : records) {
        switch (record.kind) {
            case Record::Kind::kStart:
                passages.push_back({.node = node, .life = ++life});
                break;
            case Record::Kind::kTransitional:
                passages.back().next = record.ring;
                passages.back().along = record.members;
                break;
            case Record::Kind::kRegular:
                passages.back().complete = true;
                passages.push_back(
                    {.node = node, .life = life, .ring = record.ring, .members = record.members});
                break;
            case Record::Kind::kMessage: {
                auto& passage = passages.back();
                (passage.next ? passage.in_transitional : passage.in_regular).push_back(record);
                break;
            }
        }
    }
    return passages;
}

using Passages = std::vector<Passage>;

[[nodiscard]] inline std::string name(const Passage& passage) {
    return "node " + std::to_string(raw(passage.node)) + " life " + std::to_string(passage.life) +
           " ring " + to_text(passage.ring);
}

// E1.3, E6.1, E6.3: one message per number, numbers grow, no gap in a regular configuration.
[[nodiscard]] inline std::string check_order(const Passages& passages) {
    std::map<std::pair<RingId, std::uint32_t>, std::string> texts;
    for (const Passage& passage : passages) {
        std::optional<Seq> last;
        const auto walk = [&](const std::vector<Record>& records, bool gaps_allowed) {
            for (const Record& record : records) {
                const auto [known, fresh] =
                    texts.try_emplace({record.ring, record.seq.value}, to_text(record));
                if (known->second != to_text(record)) {
                    return "two messages share a number: " + known->second + " and " +
                           to_text(record);
                }
                const bool in_order =
                    !last || (gaps_allowed ? *last < record.seq : record.seq == *last + 1);
                if (!(record.ring == passage.ring) || !in_order) {
                    return name(passage) + ": " + to_text(record) + " is out of place";
                }
                last = record.seq;
            }
            return std::string();
        };
        for (const auto& wrong :
             {walk(passage.in_regular, false), walk(passage.in_transitional, true)}) {
            if (!wrong.empty()) {
                return wrong;
            }
        }
    }
    return {};
}

[[nodiscard]] inline std::vector<std::string> texts(const std::vector<Record>& records) {
    std::vector<std::string> lines;
    for (const Record& record : records) {
        lines.push_back(std::to_string(record.seq.value) + "=" + to_text(record));
    }
    return lines;
}

// E2.1, E2.4, E2.6, E4: those who go together see the same, cut at the same place.
[[nodiscard]] inline std::string check_together(const Passages& passages) {
    std::map<std::pair<RingId, RingId>, const Passage*> seen;
    std::map<RingId, std::vector<NodeId>> members;
    for (const Passage& passage : passages) {
        if (passage.ring.seq != 0) {
            const auto [known, fresh] = members.try_emplace(passage.ring, passage.members);
            if (known->second != passage.members) {
                return name(passage) + ": two member lists";
            }
        }
        if (!passage.complete || passage.ring.seq == 0) {
            continue;
        }
        if (std::ranges::find(passage.along, passage.node) == passage.along.end()) {
            return name(passage) + ": not in its own transitional configuration";
        }
        const auto [known, fresh] = seen.try_emplace({passage.ring, *passage.next}, &passage);
        const Passage& other = *known->second;
        if (other.along != passage.along || texts(other.in_regular) != texts(passage.in_regular) ||
            texts(other.in_transitional) != texts(passage.in_transitional)) {
            return name(passage) + " and " + name(other) + " go to " + to_text(*passage.next) +
                   " together and differ";
        }
    }
    return {};
}

[[nodiscard]] inline bool delivers(const Passage& passage, const Record& message) {
    const auto has = [&](const std::vector<Record>& records) {
        return std::ranges::any_of(records,
                                   [&](const Record& record) { return record.seq == message.seq; });
    };
    return has(passage.in_regular) || has(passage.in_transitional);
}

// E7: who delivers a safe message knows that every member of the configuration delivers it as well,
// unless it fails first.
[[nodiscard]] inline std::string check_safe(const Passages& passages) {
    std::map<std::pair<RingId, NodeId>, const Passage*> by_ring;
    for (const Passage& passage : passages) {
        by_ring[{passage.ring, passage.node}] = &passage;
    }
    for (const Passage& passage : passages) {
        const auto owed = [&](const std::vector<Record>& records,
                              const std::vector<NodeId>& members) {
            for (const Record& record : records) {
                for (const NodeId member : members) {
                    const auto other = by_ring.find({passage.ring, member});
                    if (record.guarantee == Guarantee::kSafe && other != by_ring.end() &&
                        other->second->complete && !delivers(*other->second, record)) {
                        return name(passage) + " delivered safe " + to_text(record) + ", " +
                               name(*other->second) + " never does";
                    }
                }
            }
            return std::string();
        };
        for (const auto& wrong : {owed(passage.in_regular, passage.members),
                                  owed(passage.in_transitional, passage.along)}) {
            if (!wrong.empty()) {
                return wrong;
            }
        }
    }
    return {};
}

// What was put on a ring: (node, ring, seq).
using Originated = std::set<std::tuple<NodeId, RingId, std::uint32_t>>;

// E3: what a node originated on a ring it delivers before the next one.
[[nodiscard]] inline std::string check_self_delivery(const Passages& passages,
                                                     const Originated& originated) {
    for (const Passage& passage : passages) {
        if (!passage.complete) {
            continue;
        }
        for (const auto& [node, ring, seq] : originated) {
            if (node == passage.node && ring == passage.ring &&
                !delivers(passage, Record{.seq = Seq{seq}})) {
                return name(passage) + " never delivered its own message " + std::to_string(seq);
            }
        }
    }
    return {};
}

// E5, E6.3: behind a gap nothing is delivered that may depend on what is missing. Here: of one
// sender, never a message without all of its earlier ones.
[[nodiscard]] inline std::string check_no_sender_gap(const Passages& passages,
                                                     const Originated& originated) {
    for (const Passage& passage : passages) {
        for (const Record& record : passage.in_transitional) {
            for (const auto& [node, ring, seq] : originated) {
                if (node == record.sender && ring == passage.ring && Seq{seq} < record.seq &&
                    !delivers(passage, Record{.seq = Seq{seq}})) {
                    return name(passage) + " delivered " + to_text(record) + " without " +
                           std::to_string(seq) + " of the same sender";
                }
            }
        }
    }
    return {};
}

}  // namespace totem::testing
