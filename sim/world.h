// The simulated world: one cluster, one seed, one thread, virtual time.
//
// It runs everything that can happen in the order (time, id), switches the schedule's faults on and
// off, and judges: safety always, liveness after each heal. Phases (properties.md section 11):
// chaos; then only the core is connected and whole; then everybody.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/event_queue.h"
#include "sim/options.h"
#include "sim/recorder.h"
#include "sim/schedule.h"
#include "sim/sim_node.h"
#include "sim/wire.h"

namespace sim {

// What a run was and how it ended.
struct Outcome {
    std::uint64_t trace_hash = 0;
    std::uint64_t rings_installed = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t events = 0;
    std::uint64_t datagrams = 0;
    // While the graph of who hears whom was not transitive: its time, and the rings installed then,
    // counted once at each node. No ring can hold there; how often they change is only told.
    Duration torn{};
    std::uint64_t torn_rings = 0;
    // Most rings that one node installed after one heal.
    std::uint64_t rings_after_heal = 0;
    Coverage coverage;
    FilesDone files;
    std::optional<Violation> violation;
    std::vector<std::string> evidence;  // the last events before a violation
};

class World {
  public:
    World(const Options& options, Schedule schedule);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    World(World&&) = delete;
    World& operator=(World&&) = delete;

    // Runs to the end, or to the first violation.
    [[nodiscard]] Outcome run();

    [[nodiscard]] Recorder& recorder() noexcept { return recorder_; }
    [[nodiscard]] Instant now() const noexcept { return now_; }

  private:
    enum class Phase : std::uint8_t { kHeal, kWhole, kEnd, kCut, kProbe };

    void dispatch(const Event& event);
    void begin_fault(const Fault& fault);
    void end_fault(const Fault& fault);
    void begin_node_fault(const Fault& fault, SimNode& node, std::uint32_t index);
    void end_node_fault(const Fault& fault, SimNode& node);
    void watch_graph();
    void enter(Phase phase);
    void heal(NodeMask core);
    void next_submit(std::uint32_t node);
    void submit(std::uint32_t node);
    // Every connected set of nodes is one operational ring (L1).
    void check_formed(bool quiet);
    [[nodiscard]] bool messages_move();
    void check_churn();
    void check_services(std::uint32_t node, NodeMask members, bool quiet);
    void check_member(std::uint32_t node, NodeMask expected);
    // ---- with files (world_files.cc)
    [[nodiscard]] static std::uint32_t client_of(const Fault& fault, const SimNode& node);
    static void begin_disk_fault(const Fault& fault, SimNode& node);
    void cut_power_of_all();
    void probe_files();
    void check_files(std::uint32_t node, NodeMask members, bool quiet);
    void check_writable(const SimNode& node, const Where& where, NodeMask members);
    [[nodiscard]] bool should_write(const SimNode& node, NodeMask members) const;
    [[nodiscard]] FilesDone told_of_files() const;
    [[nodiscard]] static Instant after(Duration since_start) { return Instant{since_start}; }

    Options options_;
    Schedule schedule_;
    EventQueue queue_;
    Recorder recorder_;
    Wire wire_;
    std::vector<std::unique_ptr<SimNode>> nodes_;
    Instant now_{};
    NodeMask core_;
    NodeMask dead_ = 0;  // for good
    std::uint64_t power_cuts_ = 0;
    bool torn_ = false;  // the graph is not transitive
    Instant torn_since_{};
    std::uint64_t torn_from_rings_ = 0;
    Duration torn_time_{};
    std::uint64_t torn_rings_ = 0;
    std::uint64_t rings_after_heal_ = 0;
    std::vector<std::uint64_t> installs_;    // of each node, before the last heal
    std::vector<std::uint64_t> open_sends_;  // of each node, when the end was last looked at
    bool healed_ = false;
    bool ended_ = false;
    std::vector<std::uint32_t> submits_;
};

}  // namespace sim
