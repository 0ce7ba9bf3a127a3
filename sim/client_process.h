// A client of totemd in its own process, and the door between the two; what runs in the process is
// a Program (program.h).
//
// The seam is what libqb makes of it: two bounded queues with latency. A request is accepted when
// it is in the queue, and taken when the daemon reads it; the daemon stops reading while it
// synchronises or has no room; a client that does not read its events is disconnected. Each side
// crashes, pauses and restarts alone.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sim/event_queue.h"
#include "sim/options.h"
#include "sim/program.h"
#include "totem/group/service.h"

namespace sim {

class ClientProcess final : private Doors {
  public:
    struct Place {
        std::uint32_t node = 0;
        std::uint32_t client = 0;
    };
    ClientProcess(const Options& options, EventQueue& queue, Place place,
                  std::unique_ptr<Program> program);

    // ---- the process ----------------------------------------------------------------------------
    void start(Instant now);
    void crash(Instant now);
    void pause() { paused_ = true; }
    void resume(Instant now);
    // The daemon reads requests again.
    void resume_requests(Instant now) { wake(now + Duration{1}); }
    // Looks at what is due, soon.
    void poke(Instant now) { wake(now + Duration{1}); }
    // Hands in what has arrived and what is due; events of the queue come here.
    void run(Instant now, const DaemonState& daemon);
    void submit(Instant now, std::uint32_t count, const DaemonState& daemon);

    // ---- the daemon's side ----------------------------------------------------------------------
    enum class Asks : std::uint8_t { kOpen, kRequest, kClose };
    struct Item {
        Instant at{};
        Asks what{};
        totem::client::Door door{};
        totem::client::Bytes bytes;
    };
    // The next thing for the daemon that has arrived; nullptr when there is none.
    [[nodiscard]] const Item* for_daemon(Instant now) const;
    void taken(Instant now);
    // The answer to kOpen.
    void opened(Instant now, totem::client::Door door, bool accepted);
    void message(Instant now, totem::client::Door door, const totem::group::ClientMessage& message,
                 const RingId& ring);
    // The daemon broke every connection, or is gone.
    void disconnect(Instant now);
    // So much is unread that the daemon must disconnect this client.
    [[nodiscard]] bool overflows() const noexcept { return to_client_bytes_ > kUnreadMax; }

    [[nodiscard]] bool alive() const noexcept { return alive_; }
    [[nodiscard]] bool joined() const noexcept { return alive_ && program_->client()->joined(); }
    [[nodiscard]] bool paused() const noexcept { return paused_; }
    [[nodiscard]] std::uint32_t pid() const noexcept { return pid_; }
    [[nodiscard]] std::uint64_t open_sends() const noexcept {
        return alive_ ? program_->open_sends() : 0;
    }

  private:
    static constexpr std::size_t kUnreadMax = std::size_t{8} << 20U;
    static constexpr std::size_t kRequestsMax = std::size_t{1} << 20U;

    enum class News : std::uint8_t { kOpened, kRefused, kReply, kEvent, kGone };
    struct Arrival {
        Instant at{};
        News what{};
        totem::client::Door door{};
        RingId ring;  // of the daemon when it sent this
        totem::client::Bytes bytes;
    };

    void step(Instant now, const totem::client::Input& input, const DaemonState& daemon);
    void act(Instant now, const totem::client::Action& action) override;
    void settle(Instant now);
    void hand_in(Instant now, const Arrival& arrival, const DaemonState& daemon);
    void to_daemon(Instant now, Item item);
    void to_client(Instant now, Arrival arrival);
    void wake(Instant at);
    [[nodiscard]] GroupWhere where(Instant now) const;

    const Options* options_;
    EventQueue* queue_;
    Place place_;
    std::unique_ptr<Program> program_;
    DaemonState daemon_;  // of the present step
    std::deque<totem::client::Input> answers_;
    std::deque<Item> to_daemon_;
    std::deque<Arrival> to_client_;
    std::size_t to_daemon_bytes_ = 0;
    std::size_t to_client_bytes_ = 0;
    Instant daemon_last_{};
    Instant client_last_{};
    std::optional<Instant> deadline_;
    std::optional<Instant> planned_;  // the earliest event of this client in the queue
    RingId ring_;                     // of the news being heard
    bool alive_ = false;
    bool paused_ = false;
    std::uint32_t pid_ = 0;
    std::uint32_t lives_ = 0;
    std::uint64_t latencies_ = 0;
};

}  // namespace sim
