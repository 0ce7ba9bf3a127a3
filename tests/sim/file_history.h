// A history of replicated files on three nodes, told to every checker, for the tests that plant
// bugs into it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/history.h"

namespace sim {

// States are told apart by their digests, which are made from the operations that led to them.
class FileTale : public History {
  public:
    // All have started empty and promised the first epoch.
    void open(std::uint64_t epoch, NodeMask nodes = 0b111) {
        for (std::uint32_t node = 0; node < 3; ++node) {
            if ((nodes & mask_of(node)) != 0) {
                promise_[node] = epoch;
                store(node);
            }
        }
        epoch_ = epoch;
    }
    void start(std::uint32_t node) {
        publish(FilesStarted{at(node), stored_[node], promise_[node]});
    }
    void crash(std::uint32_t node, DiskFate fate = DiskFate::kPowerCut) {
        publish(FilesFailed{at(node), fate, stored_[node], promise_[node]});
        applied_[node] = stored_[node];
    }
    std::uint64_t ask(std::uint32_t node) {
        const std::uint64_t ticket = kTickets + ++tickets_;
        publish(FileAsked{at(node), ticket, std::make_shared<std::vector<std::byte>>()});
        return ticket;
    }
    // The operation gets its place after what the node has.
    void apply(std::uint32_t node, std::uint64_t ticket) {
        const FilePlace& before = applied_[node];
        cfs::Record record;
        record.position = {epoch_, before.position.index + 1};
        record.kind = 1;
        record.time = ticket;
        record.state = before.digest;
        record.state.words[0] = mix(before.digest.words[0] ^ ticket ^ epoch_ << 40U);
        tell(node, record);
    }
    void tell(std::uint32_t node, const cfs::Record& record) {
        publish(FileApplied{at(node), applied_[node], &record});
        applied_[node] = {record.position, record.state};
    }
    void store(std::uint32_t node) {
        stored_[node] = applied_[node];
        publish(FileStored{at(node), stored_[node], promise_[node]});
    }
    void answer(std::uint32_t node, std::uint64_t ticket,
                cfs::Refusal refusal = cfs::Refusal::kNone) {
        publish(FileAnswered{at(node), ticket, refusal, {}, epoch_});
    }
    void adopt(std::uint32_t node, const FilePlace& place, NodeMask members = 0b111) {
        publish(FileAdopted{at(node), applied_[node], place, members});
        applied_[node] = place;
    }
    void settle(NodeMask members = 0b111) {
        for (std::uint32_t node = 0; node < 3; ++node) {
            if ((members & mask_of(node)) != 0) {
                publish(FilesSettled{at(node), members, applied_[node], true});
            }
        }
    }

    // Node `node` wants something, `nodes` apply and store it, and the caller hears so.
    std::uint64_t write(std::uint32_t node, NodeMask nodes = 0b111) {
        const std::uint64_t ticket = ask(node);
        for (std::uint32_t other = 0; other < 3; ++other) {
            if ((nodes & mask_of(other)) != 0) {
                apply(other, ticket);
                store(other);
            }
        }
        answer(node, ticket);
        return ticket;
    }
    void form_files() {
        for (std::uint32_t node = 0; node < 3; ++node) {
            start(node);
        }
        open(1);
        static_cast<void>(write(0));
        static_cast<void>(write(1));
    }

    [[nodiscard]] const FilePlace& place(std::uint32_t node) const { return applied_[node]; }

  private:
    FilePlace applied_[3];
    FilePlace stored_[3];
    std::uint64_t promise_[3] = {};
    std::uint64_t epoch_ = 0;
    std::uint64_t tickets_ = 0;
};

}  // namespace sim
