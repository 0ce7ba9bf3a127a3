// A program that is all of cfsd that decides, with its disk and with callers that use its files.
//
// It hosts cfs::Member as cfsd does: performs its effects in order, has one commit at a time on the
// disk, hands in what the ring daemon's node says about votes, and tells the recorder what becomes
// of the state, the disk and every wish.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "cfs/core/member.h"
#include "sim/file_callers.h"
#include "sim/file_record.h"
#include "sim/node_clock.h"
#include "sim/options.h"
#include "sim/program.h"
#include "sim/recorder.h"
#include "sim/store_disk.h"

namespace sim {

class CfsProgram final : public Program {
  public:
    CfsProgram(const Options& options, Recorder& recorder, std::uint32_t node);

    void start(const GroupWhere& at) override;
    void crash(const GroupWhere& at) override;
    void step(const GroupWhere& at, const totem::client::Input& input, Doors& doors) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;
    [[nodiscard]] std::optional<Instant> settle(Instant now) override;
    void look(const DaemonState& daemon) override;
    [[nodiscard]] std::optional<totem::client::Send> compose(const GroupWhere& /*at*/) override {
        return std::nullopt;
    }
    [[nodiscard]] const totem::client::GroupClient* client() const override {
        return member_ ? &member_->client() : nullptr;
    }

    // ---- what happens to it ---------------------------------------------------------------------
    // How the next crash leaves the disk; `other` is the disk that a clone is made from.
    void prepare_crash(DiskFate fate, const StoreDisk& other) {
        fate_ = fate;
        clone_of_ = &other;
    }
    [[nodiscard]] StoreDisk& disk() noexcept { return disk_; }
    void set_disk_latency(Duration latency) { disk_latency_ = latency; }
    void fail_disk() { disk_.fail_once(next_draw()); }
    [[nodiscard]] FileCallers& callers() noexcept { return callers_; }

    // Null while it does not run.
    [[nodiscard]] const cfs::Replica* replica() const {
        return member_ ? &member_->replica() : nullptr;
    }
    // Since when a caller may have waited in vain: wishes wait on as long as epochs open.
    [[nodiscard]] std::optional<Instant> waiting_since() const {
        const auto oldest = callers_.oldest_wish();
        return oldest ? std::optional(std::max(*oldest, last_open_)) : std::nullopt;
    }
    [[nodiscard]] const FilePlace& place() const noexcept { return seen_; }

  private:
    void load(const GroupWhere& at);
    void run(const GroupWhere& at, Doors& doors);
    void perform(const GroupWhere& at, Doors& doors);
    void watch_state(const Where& where);
    void watch_adoption(const Where& where);
    void answer(const Where& where, const cfs::Answer& answer);
    void let_callers_act(const Where& where);
    void ask(const Where& where, const cfs::Submit& wish);
    [[nodiscard]] std::uint64_t next_draw();
    [[nodiscard]] FilePlace durable_place(std::uint64_t& promise) const;
    [[nodiscard]] cfs::Voting voting() const;

    const Options* options_;
    Recorder* recorder_;
    std::uint32_t node_;
    NodeClock clock_;
    StoreDisk disk_;
    Duration disk_latency_;
    FileCallers callers_;
    std::unique_ptr<cfs::Member> member_;
    cfs::MemberEffects effects_;
    std::deque<cfs::ReplicaInput> inputs_;  // to be handed in next
    std::optional<Instant> wake_at_;        // the member's deadline, in the node's time
    FilePlace seen_;                        // of the state, as told to the recorder
    FilePlace shown_;                       // of what readers see
    Where where_;                           // of the present life
    std::uint32_t expected_ = 0;            // votes in force, as told to the replica
    bool open_ = false;                     // the replica takes part in an open epoch
    Instant last_open_{};                   // when it last did
    DiskFate fate_ = DiskFate::kKept;
    const StoreDisk* clone_of_ = nullptr;
    std::uint64_t draws_ = 0;
};

}  // namespace sim
