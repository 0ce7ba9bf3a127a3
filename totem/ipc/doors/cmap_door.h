// The door of the configuration map: what libcmap sends and expects, to the byte.
//
// Each connection looks at one of two maps: the configuration map, which clients may change within
// limits, or the statistics, which the host fills whenever somebody looks.
//
// Source: ipc.md 11 to 13; error codes as corosync 3.1.7 answers them (in the statistics map a
// change is refused with ACCESS).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "totem/group/cmap_store.h"
#include "totem/ipc/doors/layout.h"

namespace totem::ipc {

// Who knows the statistics: the host.
class StatsSource {
  public:
    StatsSource() = default;
    StatsSource(const StatsSource&) = delete;
    StatsSource& operator=(const StatsSource&) = delete;
    StatsSource(StatsSource&&) = delete;
    StatsSource& operator=(StatsSource&&) = delete;
    virtual ~StatsSource() = default;

    // Puts the present numbers into the map (set_internal, erase_internal).
    virtual void fill(group::CmapStore& stats) = 0;
    // Starts counting again: `what` is totem, knet, ipc, schedmiss or all.
    virtual void clear(std::string_view what) = 0;
};

class CmapDoor final : public group::Door, private group::CmapTracker {
  public:
    // `store` must outlive the door.
    explicit CmapDoor(group::CmapStore& store) : icmap_(store) {}
    ~CmapDoor() override;
    CmapDoor(const CmapDoor&) = delete;
    CmapDoor& operator=(const CmapDoor&) = delete;
    CmapDoor(CmapDoor&&) = delete;
    CmapDoor& operator=(CmapDoor&&) = delete;

    // Without a source the statistics are empty.
    void set_stats(StatsSource& source) noexcept { stats_source_ = &source; }
    // Asks the source now and tells who tracks keys that came or went (a client connected, ...).
    void refresh_stats(Outbox& out);

    [[nodiscard]] group::ServiceId id() const override { return group::ServiceId::kCmap; }
    void on_open(ConnectionId connection, std::uint32_t pid, Outbox& out) override;
    void on_close(ConnectionId connection, Outbox& out) override;
    [[nodiscard]] bool on_request(ConnectionId connection, std::span<const std::byte> bytes,
                                  Outbox& out) override;

  private:
    struct Iteration {
        std::string prefix;
        std::optional<std::string> last;
    };
    struct Client {
        ConnectionId connection{};
        group::CmapStore* map = nullptr;
        std::map<std::uint64_t, Iteration> iterations;
        std::vector<std::uint64_t> trackers;
        std::uint64_t last_iteration = 0;
    };
    struct Tracked {
        ConnectionId connection{};
        std::uint64_t instance = 0;  // the client's own name for it
    };
    struct Event {
        std::uint64_t tracker = 0;
        group::CmapEvent event{};
        std::string key;
        std::optional<group::CmapValue> old_value;
        std::optional<group::CmapValue> new_value;
    };

    // Requests; each has been checked to be as long as its fixed part.
    void set(Client& client, const StructReader& request, Outbox& out);
    [[nodiscard]] CsError try_set(Client& client, const StructReader& request, Outbox& out);
    [[nodiscard]] CsError try_set_stats(std::string_view key);
    void erase(Client& client, const StructReader& request, Outbox& out);
    void get(Client& client, const StructReader& request, Outbox& out);
    void adjust(Client& client, const StructReader& request, Outbox& out);
    void iter_init(Client& client, const StructReader& request, Outbox& out);
    void iter_next(Client& client, const StructReader& request, Outbox& out);
    void iter_finalize(Client& client, const StructReader& request, Outbox& out);
    void track_add(Client& client, const StructReader& request, Outbox& out);
    void track_delete(Client& client, const StructReader& request, Outbox& out);
    void set_current_map(Client& client, const StructReader& request, Outbox& out);
    void answer(Client& client, std::uint32_t id, const StructReader& request, Outbox& out);

    // CmapTracker
    void on_change(std::uint64_t id, const group::CmapChange& change) override;
    void flush(Outbox& out) override;

    void fill_stats(const Client& client);
    void forget_tracker(Client& client, std::uint64_t id);

    group::CmapStore& icmap_;
    group::CmapStore stats_;
    StatsSource* stats_source_ = nullptr;
    std::map<ConnectionId, Client> clients_;
    std::map<std::uint64_t, Tracked> trackers_;
    std::uint64_t last_tracker_ = 0;
    std::vector<Event> events_;  // until there is an Outbox
};

}  // namespace totem::ipc
