// One simulated node: its cores, its clock, its disk, its socket buffer, and how it lives and dies.
//
// It is the host of its cores as totemd is: it hands frames and deadlines in, and performs the
// effects in the one order that totem/group/perform.h knows. What it does goes to the recorder.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sim/cfs_program.h"
#include "sim/client_process.h"
#include "sim/disk.h"
#include "sim/event_queue.h"
#include "sim/frame_rules.h"
#include "sim/machine.h"
#include "sim/node_clock.h"
#include "sim/options.h"
#include "sim/recorder.h"
#include "sim/sealed_port.h"
#include "sim/stack_machine.h"
#include "sim/wire.h"
#include "totem/core/effects.h"
#include "totem/core/used_numbers.h"

namespace sim {

struct Surroundings {
    const Options& options;
    EventQueue& queue;
    Wire& wire;
    Recorder& recorder;
};

// The clients of a node with files: a plain one, one of the group of another configuration
// filesystem, which runs only when a fault says so, and the cfsd.
inline constexpr std::uint32_t kForeigner = 1;
inline constexpr std::uint32_t kCfsd = 2;

class SimNode {
  public:
    SimNode(const Surroundings& world, std::uint32_t index);
    ~SimNode();
    SimNode(const SimNode&) = delete;
    SimNode& operator=(const SimNode&) = delete;
    SimNode(SimNode&&) = delete;
    SimNode& operator=(SimNode&&) = delete;

    // Life cycle. `other` is the node whose disks clones are made from.
    void boot(Instant now);
    void crash(Instant now, DiskFate fate, const SimNode& other);
    // Crashes as soon as it has performed this many more effects, in the middle of a step.
    // Forgotten by heal() and cancel_crash() when it has not happened yet.
    void crash_during(std::uint32_t effects, DiskFate fate);
    void cancel_crash() {
        effects_left_ = 0;
        ambush_.reset();
    }
    // Crashes in step number `steps` within one stay in `state`, before anything of it is done;
    // forgotten likewise.
    struct Ambush {
        totem::State state{};
        std::uint32_t steps = 0;
    };
    void lie_in_wait(const Ambush& ambush) { ambush_ = ambush; }
    void leave(Instant now);
    void pause(Instant now);
    void resume(Instant now);
    void heal(Instant now);  // ends pauses and slowness

    void set_service(Duration service) { service_ = service; }
    void set_disk_latency(Duration latency);
    void jump_clock(Instant now, Duration ahead);
    void force_gather(Instant now);

    // Events of the queue. Those of an earlier life are ignored.
    void arrive(Instant now, Packet packet);
    void on_wake(Instant now, std::uint32_t life);
    void on_run(Instant now, std::uint32_t life);
    void on_persisted(Instant now, std::uint32_t life, std::uint64_t ring_seq);
    void on_client(Instant now, std::uint32_t client);
    void on_hang_up(Instant now, std::uint32_t life, std::uint32_t client);
    // The applications send `count` messages.
    void submit(Instant now, std::uint32_t count);

    [[nodiscard]] bool alive() const noexcept { return machine_ != nullptr; }
    [[nodiscard]] bool paused() const noexcept { return pauses_ > 0; }
    [[nodiscard]] totem::State state() const { return machine_->node().state(); }
    [[nodiscard]] const std::optional<Configured>& configuration() const { return configuration_; }
    [[nodiscard]] Disk& disk() noexcept { return disk_; }
    [[nodiscard]] std::uint32_t life() const noexcept { return life_; }
    // Rings that it installed, over all lives.
    [[nodiscard]] std::uint64_t installs() const noexcept { return installs_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    // Of a cfsd the crash leaves the store as `fate` says.
    void crash_client(Instant now, std::uint32_t index, DiskFate fate, const SimNode& other);
    void set_client_paused(Instant now, std::uint32_t index, bool paused);
    void start_client(Instant now, std::uint32_t index);
    // False of what runs only when a fault says so.
    [[nodiscard]] bool starts_itself(std::uint32_t client) const {
        return files_ == nullptr || client != kForeigner;
    }
    // An administrator says how many votes are to be expected.
    void expect_votes(Instant now, std::uint32_t votes);
    // Null where no cfsd is.
    [[nodiscard]] CfsProgram* files() const noexcept { return files_; }
    [[nodiscard]] ClientProcess& client(std::uint32_t index) { return *clients_.at(index); }
    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }
    // Messages of its clients whose fate is not known yet.
    [[nodiscard]] std::uint64_t open_sends() const;
    // The machine, when it is the whole stack.
    [[nodiscard]] const StackMachine* stack() const noexcept { return stack_machine_; }

    // ---- the host of perform.h -----------------------------------------------------------------
    void persist(std::uint64_t ring_seq);
    void send(const totem::Datagram& datagram);
    void deliver(const totem::Delivery& delivery);
    void trace(const totem::Trace& trace);
    void wake_at(std::optional<totem::Instant> deadline);
    void flush() {}  // a datagram of the simulator is under way at once
    void deliver_client(const totem::group::ClientMessage& message);
    void publish();
    void notice(const totem::group::Notice& notice);
    void request_host(const totem::group::HostRequest& request);

  private:
    struct Connection {
        totem::group::ConnectionId id{};
        std::uint32_t client = 0;
        totem::client::Door door{};
    };

    [[nodiscard]] Where where() const { return {now_, index_, life_}; }
    void step(Instant now, const totem::group::StackInput& input);
    void run_one(Instant now);
    void schedule_run(Instant at);
    void receive(Instant now, const Packet& packet);
    void arm();
    void stop(Instant now);
    void fall(Instant now, DiskFate fate, const SimNode& other);
    [[nodiscard]] Packet next_packet();
    [[nodiscard]] bool deadline_passed(Instant now) const;
    void strike_from_ambush();
    // False once the node has crashed inside the present step.
    [[nodiscard]] bool effect_happens();
    void publish_held(totem::Bytes frame);
    // `type`: none when what came is not to be taken for a frame.
    void publish_input(std::optional<totem::FrameType> type, totem::Bytes frame);
    [[nodiscard]] bool ordinary(const FrameRule& rule, totem::Bytes frame) const;
    // False when the node did not survive it.
    bool settle_pause(Instant now);
    void publish_progress(const totem::Snapshot& now);
    void publish_recovered(const totem::DataHeader& outer, totem::Bytes frame);
    void publish_data(const totem::Datagram& datagram);
    void deliver_message(const totem::DeliveredMessage& message);
    void deliver_configuration(const totem::Configuration& change);
    void make_machine();
    void plan_persisted(Instant at, std::uint64_t ring_seq);
    void check_invariants();
    // The frame of an arrived packet as the ring may see it; empty when the seal rejects it.
    [[nodiscard]] totem::FrameRef open(Instant now, const Packet& packet);
    void put_on_wire(totem::FrameType kind, const totem::Datagram& datagram);
    // clients (sim_node_clients.cc)
    [[nodiscard]] DaemonState daemon_state() const;
    [[nodiscard]] const Connection* find_connection(std::uint32_t client,
                                                    totem::client::Door door) const;
    void serve(Instant now, std::uint32_t client);
    [[nodiscard]] bool serve_one(Instant now, std::uint32_t client,
                                 const ClientProcess::Item& item);
    void close_connection(Instant now, std::uint32_t client, totem::client::Door door);
    void disconnect_slow_clients();
    void resume_clients();
    void tell_quorum();
    void watch_gain(totem::group::Notice::Kind kind);
    void report_gain();
    void disconnect_clients(Instant now);
    void start_clients(Instant now);
    void heal_files(Instant now);
    void make_clients();
    [[nodiscard]] std::uint64_t ring_seq_to_start_with(Instant now) const;

    Surroundings world_;
    std::uint32_t index_;
    NodeClock clock_;
    Disk disk_;
    totem::UsedNumbers memo_;
    totem::FramePool pool_;  // before everything that refers to its frames
    totem::group::StackEffects effects_;
    std::deque<Packet> inbox_;
    std::unique_ptr<SealedPort> port_;  // when the ring is sealed
    std::unique_ptr<Machine> machine_;
    RingMachine* ring_machine_ = nullptr;      // machine_, when it is the ring alone
    StackMachine* stack_machine_ = nullptr;    // machine_, when it is everything
    std::optional<totem::Snapshot> snapshot_;  // after the last step

    std::vector<std::unique_ptr<ClientProcess>> clients_;
    CfsProgram* files_ = nullptr;  // what runs in client kCfsd
    totem::group::ConnectionId operator_{};
    std::vector<Connection> connections_;
    std::uint32_t last_connection_ = 0;
    bool clients_wait_ = false;  // a request was not taken
    std::optional<QuorumView> quorum_view_;
    bool synchronising_ = false;  // as the notices of the present step have it so far
    bool gained_early_ = false;   // and quorum was gained since that synchronisation began

    std::uint32_t life_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t installs_ = 0;
    std::uint64_t moves_ = 0;  // changes of its state
    Instant now_{};
    std::optional<Configured> configuration_;
    RingId originated_;  // of the last token that it sent
    Idle idle_;          // as published last

    std::optional<Instant> deadline_;  // in the node's time
    std::optional<Instant> armed_;     // the earliest kWake in the queue, in the world's time
    bool run_scheduled_ = false;
    Instant busy_until_{};
    std::optional<Instant> late_until_;  // it has not yet got over a pause; in its own time
    Duration service_{};
    Duration disk_latency_{};
    std::uint64_t writes_ = 0;
    Instant write_free_at_{};
    std::vector<std::uint64_t> writing_;  // not yet on the disk
    std::uint32_t pauses_ = 0;
    std::size_t inbox_bytes_ = 0;

    std::optional<Ambush> ambush_;
    std::uint32_t steps_in_state_ = 0;
    std::uint32_t effects_left_ = 0;  // before the planned crash; 0: none planned
    bool dying_ = false;
    DiskFate dying_fate_ = DiskFate::kKept;
};

}  // namespace sim
