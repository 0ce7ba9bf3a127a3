// What the commands of a protocol script do, and how what happens is written down.
//
// Message numbers are printed as their distance from first_seq, so that a script says the same of a
// ring whose numbers are about to wrap. A frame to everybody is one line; who lost it follows. The
// order within a step is that of perform(): sent, delivered, then what the node says of itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/datadriven.h"
#include "tests/support/mini_ring.h"

namespace totem::testing {

using datadriven::Command;

class ScriptedRing {
  public:
    explicit ScriptedRing(std::uint32_t first_seq)
        : ring_(options(first_seq)), first_seq_(first_seq) {
        ring_.drop = [this](const Flight& flight) { return sees(flight); };
        ring_.on_trace = [this](NodeId node, const Trace& trace) { write(node, trace); };
    }

    // ---- commands -------------------------------------------------------------------------------

    std::string start(const Command& command) {
        for (const std::uint32_t id : command.numbers("ids")) {
            ids_.insert(id);
            ring_.start(id);
        }
        return written();
    }
    std::string form(const Command& command) {
        const bool formed = ring_.form(command.numbers("ids"));
        return written() + (formed ? "" : "no ring\n");
    }
    // Both at once, and what happened on the way is not written down.
    std::string ring(const Command& command) {
        start(command);
        const bool formed = ring_.form(command.numbers("ids"));
        written();
        return formed ? "ok\n" : "no ring\n";
    }
    std::string submit(const Command& command) {
        const bool safe = command.text("guarantee") == "safe";
        ring_.submit(command.number("node"), command.input,
                     safe ? Guarantee::kSafe : Guarantee::kAgreed);
        return written();
    }
    // Loses the next frames of a kind: count=1 of them, from=, to= anybody unless said.
    std::string lose(const Command& command) {
        const auto from = command.numbers("from");
        const auto to = command.numbers("to");
        const auto count = command.numbers("count");
        losses_.push_back({.kind = command.word(0),
                           .from = from.empty() ? 0 : from.front(),
                           .to = {to.begin(), to.end()},
                           .left = count.empty() ? 1 : count.front()});
        return written();
    }
    // Nothing more is lost.
    std::string restore(const Command& /*command*/) {
        losses_.clear();
        return written();
    }
    // Which kinds of frames are written down from now on; none to begin with.
    std::string watch(const Command& command) {
        watched_ = {command.args.begin(), command.args.end()};
        return written();
    }
    // Until node 1 has got the token so many times.
    std::string rotate(const Command& command) {
        const std::size_t wanted = visits_ + command.number("count");
        const bool reached = ring_.run_until([&] { return visits_ >= wanted; });
        return written() + (reached ? "" : "no token\n");
    }
    std::string advance(const Command& command) {
        ring_.run_for(std::chrono::milliseconds(command.number("ms")));
        return written();
    }
    std::string kill(const Command& command) {
        write_deliveries();
        ids_.erase(command.number("node"));
        ring_.kill(command.number("node"));
        return written();
    }
    std::string leave(const Command& command) {
        ring_.leave(command.number("node"));
        write_deliveries();
        ids_.erase(command.number("node"));
        return written();
    }
    std::string partition(const Command& command) {
        const auto one = command.numbers("one");
        const auto other = command.numbers("other");
        ring_.partition({{one.begin(), one.end()}, {other.begin(), other.end()}});
        return written();
    }
    std::string heal(const Command& /*command*/) {
        ring_.heal();
        return written();
    }
    std::string show(const Command& command) {
        const std::uint32_t id = command.number("node");
        const Snapshot now = ring_.node(id).snapshot();
        line(std::to_string(id) + " " + name(now.state) + " ring=" + to_text(now.ring) +
             " aru=" + number(now.aru) + " high=" + number(now.high_seq) +
             " delivered=" + number(now.delivered) + " stable=" + number(now.stable) +
             " released=" + number(now.released));
        return written();
    }

  private:
    struct Loss {
        std::string kind;
        std::uint32_t from = 0;
        std::set<std::uint32_t> to;
        std::uint32_t left = 0;
    };

    static MiniRing::Options options(std::uint32_t first_seq) {
        MiniRing::Options options;
        options.config.first_seq = first_seq;
        options.mask = trace_bit(TraceKind::kState) | trace_bit(TraceKind::kFailed) |
                       trace_bit(TraceKind::kTokenHeld) | trace_bit(TraceKind::kTokenRetransmitted);
        return options;
    }

    // ---- what happens ---------------------------------------------------------------------------

    // A frame on its way to one node; true when it is to be lost.
    bool sees(const Flight& flight) {
        write_deliveries();
        const std::string kind = name(flight.type);
        const bool everybody =
            flight.type != FrameType::kOrfToken && flight.type != FrameType::kCommitToken;
        const bool same = everybody && flight.from == last_from_ && last_to_ < flight.to &&
                          flight.bytes.data() == last_bytes_;
        last_from_ = flight.from;
        last_to_ = flight.to;
        last_bytes_ = flight.bytes.data();
        const bool lost = loses(flight, kind);
        if (flight.type == FrameType::kOrfToken && flight.to == NodeId{1} && !lost) {
            ++visits_;
        }
        if (!watched_.contains(kind)) {
            if (lost) {
                line(node(flight.from) + " -> " + node(flight.to) + " " + kind + " lost");
            }
            return lost;
        }
        if (!same) {
            line(node(flight.from) + " -> " + (everybody ? "*" : node(flight.to)) + " " + kind +
                 fields(flight));
        }
        if (lost) {
            line("    lost on the way to " + node(flight.to));
        }
        return lost;
    }
    bool loses(const Flight& flight, const std::string& kind) {
        for (Loss& loss : losses_) {
            const bool meant = loss.left > 0 && loss.kind == kind &&
                               (loss.from == 0 || loss.from == raw(flight.from)) &&
                               (loss.to.empty() || loss.to.contains(raw(flight.to)));
            if (meant) {
                --loss.left;
                return true;
            }
        }
        return false;
    }
    void write(NodeId at, const Trace& trace) {
        write_deliveries();
        switch (trace.kind) {
            case TraceKind::kState:
                return line(node(at) + " " + name(static_cast<State>(trace.b)) +
                            (trace.b == static_cast<std::uint64_t>(State::kGather)
                                 ? " reason=" + std::to_string(trace.c)
                                 : ""));
            case TraceKind::kFailed:
                return line(node(at) + " fails " + node(trace.peer));
            case TraceKind::kTokenHeld:
                return line(node(at) + " holds the token");
            case TraceKind::kTokenRetransmitted:
                return line(node(at) + " sends its stored token");
            default:
                return;
        }
    }
    void write_deliveries() {
        for (const std::uint32_t id : ids_) {
            const auto& records = ring_.records(id);
            for (std::size_t& next = seen_[id]; next < records.size(); ++next) {
                const Record& record = records[next];
                if (record.kind == Record::Kind::kMessage) {
                    line(std::to_string(id) + " deliver seq=" + number(record.seq) + " " +
                         to_text(record));
                } else if (record.kind != Record::Kind::kStart) {
                    line(std::to_string(id) + " " + to_text(record));
                }
            }
        }
    }

    // ---- as text --------------------------------------------------------------------------------

    void line(const std::string& text) { text_ += text + "\n"; }
    // All since the last call; "ok" when there is nothing to say.
    std::string written() {
        write_deliveries();
        const std::string text = std::exchange(text_, {});
        return text.empty() ? "ok\n" : text;
    }
    [[nodiscard]] std::string number(Seq seq) const {
        const std::uint32_t distance = seq - Seq{first_seq_};
        return std::to_string(static_cast<std::int32_t>(distance));
    }
    static std::string node(NodeId id) { return id == kNoNode ? "-" : std::to_string(raw(id)); }
    static std::string name(State state) {
        static const std::map<State, std::string> kNames = {{State::kOperational, "operational"},
                                                            {State::kGather, "gather"},
                                                            {State::kCommit, "commit"},
                                                            {State::kRecovery, "recovery"}};
        return kNames.at(state);
    }
    static std::string name(FrameType type) {
        static const std::map<FrameType, std::string> kNames = {
            {FrameType::kOrfToken, "token"},     {FrameType::kData, "data"},
            {FrameType::kMergeDetect, "merge"},  {FrameType::kJoin, "join"},
            {FrameType::kCommitToken, "commit"}, {FrameType::kHoldCancel, "cancel"}};
        return kNames.at(type);
    }
    static std::string list(const NodeList& nodes) {
        return to_text(std::vector<NodeId>(nodes.begin(), nodes.end()));
    }
    [[nodiscard]] std::string fields(const Flight& flight) const {
        switch (flight.type) {
            case FrameType::kOrfToken:
                return fields(decode_orf_token(flight.bytes).value());
            case FrameType::kData:
                return data_fields(flight.bytes);
            case FrameType::kMergeDetect:
                return " ring=" + to_text(decode_merge_detect(flight.bytes).value().ring);
            case FrameType::kJoin: {
                const Join join = decode_join(flight.bytes).value();
                return " from=" + node(join.from) + " proc=" + list(join.proc) +
                       " failed=" + list(join.failed);
            }
            case FrameType::kCommitToken:
                return fields(decode_commit_token(flight.bytes).value());
            case FrameType::kHoldCancel:
                return "";
        }
        return "";
    }
    [[nodiscard]] std::string fields(const OrfToken& token) const {
        std::string wanted;
        for (const RtrEntry& entry : token.rtr) {
            wanted += (wanted.empty() ? "" : ",") + number(entry.seq);
        }
        return " seq=" + number(token.seq) + " aru=" + number(token.aru) +
               " aru_id=" + node(token.aru_addr) + " rtr=(" + wanted + ")" +
               (token.retrans_flg ? " recovering" : "");
    }
    [[nodiscard]] std::string fields(const CommitToken& token) const {
        std::string text =
            " ring=" + to_text(token.ring) + " index=" + std::to_string(token.memb_index);
        for (std::size_t i = 0; i < token.memb_index && i < token.entries.size(); ++i) {
            const CommitEntry& entry = token.entries[i];
            text += " " + node(token.addresses[i]) + ":" + to_text(entry.ring) + "/" +
                    number(entry.aru) + (entry.received_flg ? "" : "!");
        }
        return text;
    }
    [[nodiscard]] std::string data_fields(Bytes bytes) const {
        const DataHeader header = decode_data_header(bytes).value();
        const Bytes rest = bytes.subspan(kDataHeaderBytes);
        const std::string own = " seq=" + number(header.seq);
        if (header.encapsulated) {
            return own + " carries" + data_fields(rest);
        }
        return own + (header.guarantee == Guarantee::kSafe ? " safe" : "") + " \"" + to_text(rest) +
               "\"";
    }

    MiniRing ring_;
    std::uint32_t first_seq_;
    std::set<std::uint32_t> ids_;  // those that run
    std::map<std::uint32_t, std::size_t> seen_;
    std::vector<Loss> losses_;
    std::set<std::string> watched_;
    std::size_t visits_ = 0;
    NodeId last_from_ = kNoNode;
    NodeId last_to_ = kNoNode;
    const std::byte* last_bytes_ = nullptr;
    std::string text_;
};

}  // namespace totem::testing
