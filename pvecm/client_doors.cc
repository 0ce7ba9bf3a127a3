#include "pvecm/client_doors.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <span>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

#include "totem/host/facts.h"

namespace pvecm {

namespace {

using std::chrono::steady_clock;
using totem::NodeId;
using totem::Unexpected;

constexpr std::chrono::seconds kTryAgain{10};  // a synchronisation is over long before
constexpr unsigned kSilenceSeconds = 20;

// Ends the program when the engine is silent for too long while one of these exists.
class Patience {
  public:
    Patience() {
        std::signal(SIGALRM, [](int) {
            constexpr std::string_view kLine =
                "the cluster engine does not answer: it is stopped or stuck; look at its log\n";
            static_cast<void>(!::write(STDERR_FILENO, kLine.data(), kLine.size()));
            ::_exit(1);
        });
        ::alarm(kSilenceSeconds);
    }
    ~Patience() { ::alarm(0); }
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;
    Patience(Patience&&) = delete;
    Patience& operator=(Patience&&) = delete;
};

template <typename Call>
cs_error_t patiently(Call call) {
    constexpr std::chrono::milliseconds kPause{50};
    const auto deadline = steady_clock::now() + kTryAgain;
    cs_error_t error = call();
    while (error == CS_ERR_TRY_AGAIN && steady_clock::now() < deadline) {
        std::this_thread::sleep_for(kPause);
        error = call();
    }
    return error;
}

DoorError failed(const std::string& what, cs_error_t error) {
    return {what + ": " + ::cs_strerror(error)};
}

DoorError unreachable(const std::string& text) {
    return {text + "\nIs the cluster engine running here? systemctl status totemd"};
}

// Closed with its library's function.
class Door {
  public:
    using Close = cs_error_t (*)(std::uint64_t);
    explicit Door(Close close) : close_(close) {}
    ~Door() {
        if (open) {
            close_(handle);
        }
    }
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    Door(Door&&) = delete;
    Door& operator=(Door&&) = delete;

    std::uint64_t handle = 0;
    bool open = false;

  private:
    Close close_;
};

// ---- the configuration map ---------------------------------------------------------------------

class Map {
  public:
    [[nodiscard]] bool open() {
        door_.open = patiently([&] { return ::cmap_initialize(&door_.handle); }) == CS_OK;
        return door_.open;
    }
    [[nodiscard]] std::optional<std::uint32_t> number(const std::string& key) const {
        std::uint32_t value = 0;
        const bool there = ::cmap_get_uint32(door_.handle, key.c_str(), &value) == CS_OK;
        return there ? std::optional{value} : std::nullopt;
    }
    [[nodiscard]] std::string text(const std::string& key) const {
        char* value = nullptr;
        if (::cmap_get_string(door_.handle, key.c_str(), &value) != CS_OK) {
            return {};
        }
        const std::unique_ptr<char, decltype(&std::free)> owned(value, &std::free);
        return owned == nullptr ? std::string{} : std::string{owned.get()};
    }
    // N of every nodelist.node.N, ascending.
    [[nodiscard]] std::vector<std::uint32_t> positions() const;

  private:
    Door door_{&::cmap_finalize};
};

std::vector<std::uint32_t> Map::positions() const {
    constexpr std::string_view kPrefix = "nodelist.node.";
    std::map<std::uint32_t, bool> found;
    cmap_iter_handle_t iterator = 0;
    if (::cmap_iter_init(door_.handle, kPrefix.data(), &iterator) != CS_OK) {
        return {};
    }
    std::array<char, CMAP_KEYNAME_MAXLEN + 1> key{};
    while (::cmap_iter_next(door_.handle, iterator, key.data(), nullptr, nullptr) == CS_OK) {
        found[static_cast<std::uint32_t>(std::strtoul(key.data() + kPrefix.size(), nullptr, 10))] =
            true;
    }
    ::cmap_iter_finalize(door_.handle, iterator);
    std::vector<std::uint32_t> positions;
    positions.reserve(found.size());
    for (const auto& [position, ignored] : found) {
        positions.push_back(position);
    }
    return positions;
}

// Votes of the node list and of the device, unless the file says how many to expect.
void read_map(const Map& map, View& view) {
    std::uint32_t sum = 0;
    const auto positions = map.positions();
    for (const std::uint32_t position : positions) {
        const std::string node = "nodelist.node." + std::to_string(position) + '.';
        const auto id = map.number(node + "nodeid");
        const auto name = map.text(node + "name");
        const std::uint32_t votes = map.number(node + "quorum_votes").value_or(1);
        sum += votes;
        if (id) {
            view.listed.push_back(
                {NodeId{*id}, name.empty() ? map.text(node + "ring0_addr") : name, votes});
        }
    }
    if (!positions.empty() && !map.text("quorum.device.model").empty()) {
        const auto others = static_cast<std::uint32_t>(positions.size() - 1);
        sum += map.number("quorum.device.votes").value_or(others);
    }
    view.configured_votes = map.number("quorum.expected_votes").value_or(sum);
    view.provider = map.text("quorum.provider");
}

// ---- quorum and votequorum
// -----------------------------------------------------------------------

struct Told {
    bool told = false;
    bool quorate = false;
    totem::RingId ring;
    std::vector<NodeId> members;
};

// The libraries call back without the pointer of the caller where it would be of use.
Told& told() {
    static Told now;
    return now;
}

void on_quorum(quorum_handle_t /*door*/, std::uint32_t quorate, std::uint64_t /*ring*/,
               std::uint32_t count, std::uint32_t* members) {
    Told& now = told();
    now.told = true;
    now.quorate = quorate != 0;
    now.members.clear();
    for (const std::uint32_t member : std::span(members, count)) {
        now.members.push_back(NodeId{member});
    }
}

void on_nodelist(votequorum_handle_t /*door*/, std::uint64_t /*context*/, votequorum_ring_id_t ring,
                 std::uint32_t /*count*/, std::uint32_t* /*members*/) {
    told().told = true;
    told().ring = {NodeId{ring.nodeid}, ring.seq};
}

// Dispatches until the callback was called; a deadline when it never is.
template <typename Dispatch>
cs_error_t dispatch_until_told(int fd, Dispatch dispatch) {
    told().told = false;
    const auto deadline = steady_clock::now() + kTryAgain;
    while (!told().told) {
        constexpr int kPollMs = 100;
        pollfd ready{fd, POLLIN, 0};
        static_cast<void>(::poll(&ready, 1, kPollMs));
        const cs_error_t error = dispatch(CS_DISPATCH_ONE_NONBLOCKING);
        if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
            return error;
        }
        if (steady_clock::now() >= deadline) {
            return CS_ERR_TIMEOUT;
        }
    }
    return CS_OK;
}

// Members, and whether they are quorate. `type` tells whether there is a provider.
std::optional<DoorError> ask_quorum(View& view) {
    Door door{&::quorum_finalize};
    quorum_callbacks_t callbacks{&on_quorum};
    std::uint32_t type = QUORUM_FREE;
    door.open =
        patiently([&] { return ::quorum_initialize(&door.handle, &callbacks, &type); }) == CS_OK;
    if (!door.open) {
        return unreachable("Cannot initialize QUORUM service");
    }
    int quorate = 0;
    if (const auto error = patiently([&] { return ::quorum_getquorate(door.handle, &quorate); });
        error != CS_OK) {
        return failed("Unable to get cluster quorate status", error);
    }
    if (const auto error =
            patiently([&] { return ::quorum_trackstart(door.handle, CS_TRACK_CURRENT); });
        error != CS_OK) {
        return failed("Unable to start quorum status tracking", error);
    }
    int fd = -1;
    ::quorum_fd_get(door.handle, &fd);
    if (const auto error =
            dispatch_until_told(fd, [&](auto how) { return ::quorum_dispatch(door.handle, how); });
        error != CS_OK) {
        return failed("Unable to dispatch quorum status", error);
    }
    view.votequorum = type != QUORUM_FREE && view.provider == "corosync_votequorum";
    view.quorate = quorate != 0;
    for (const NodeId id : told().members) {
        view.members.push_back({.id = id});
    }
    return std::nullopt;
}

void ask_votes(std::uint64_t handle, View& view, Member& member) {
    votequorum_info info{};
    const auto error =
        patiently([&] { return ::votequorum_getinfo(handle, totem::raw(member.id), &info); });
    if (error != CS_OK) {
        view.complaints.push_back("Unable to get node " + std::to_string(totem::raw(member.id)) +
                                  " info");
        return;
    }
    member.votes = info.node_votes;
    member.flags = info.flags;
    member.device_votes = info.qdevice_votes;
    member.device_name.assign(info.qdevice_name,
                              ::strnlen(info.qdevice_name, sizeof info.qdevice_name));
}

std::optional<DoorError> ask_votequorum(View& view) {
    Door door{&::votequorum_finalize};
    votequorum_callbacks_t callbacks{};
    callbacks.votequorum_nodelist_notify_fn = &on_nodelist;
    door.open =
        patiently([&] { return ::votequorum_initialize(&door.handle, &callbacks); }) == CS_OK;
    if (!door.open) {
        return unreachable("Cannot initialise VOTEQUORUM service");
    }
    if (const auto error =
            patiently([&] { return ::votequorum_trackstart(door.handle, 0, CS_TRACK_CURRENT); });
        error != CS_OK) {
        return failed("Unable to start votequorum status tracking", error);
    }
    int fd = -1;
    ::votequorum_fd_get(door.handle, &fd);
    if (const auto error = dispatch_until_told(
            fd, [&](auto how) { return ::votequorum_dispatch(door.handle, how); });
        error != CS_OK) {
        return failed("Unable to dispatch votequorum status", error);
    }
    view.ring = told().ring;
    votequorum_info own{};
    if (const auto error = patiently([&] { return ::votequorum_getinfo(door.handle, 0, &own); });
        error != CS_OK) {
        return failed("Unable to get node info", error);
    }
    view.self = NodeId{own.node_id};
    view.sums = {own.node_expected_votes, own.highest_expected, own.total_votes, own.quorum,
                 own.flags};
    for (Member& member : view.members) {
        ask_votes(door.handle, view, member);
    }
    return std::nullopt;
}

// ---- addresses
// -----------------------------------------------------------------------------------

std::string address_text(const corosync_cfg_node_address_t& address) {
    sockaddr_storage storage{};
    std::memcpy(&storage, address.address, sizeof address.address);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as sockets have it
    const auto value = totem::host::to_address(reinterpret_cast<const sockaddr*>(&storage));
    return value ? value->to_string() : std::string{};
}

std::optional<DoorError> ask_addresses(View& view) {
    Door door{&::corosync_cfg_finalize};
    corosync_cfg_callbacks_t callbacks{};
    door.open =
        patiently([&] { return ::corosync_cfg_initialize(&door.handle, &callbacks); }) == CS_OK;
    if (!door.open) {
        return unreachable("Cannot initialise CFG service");
    }
    for (Member& member : view.members) {
        std::array<corosync_cfg_node_address_t, 8> addresses{};
        int count = 0;
        const auto error = patiently([&] {
            return ::corosync_cfg_get_node_addrs(door.handle, totem::raw(member.id),
                                                 addresses.size(), &count, addresses.data());
        });
        if (error == CS_OK && count > 0) {
            member.address = address_text(addresses.front());
        } else {
            view.complaints.push_back("Unable to get node address for nodeid " +
                                      std::to_string(totem::raw(member.id)) + ": " +
                                      ::cs_strerror(error));
        }
    }
    return std::nullopt;
}

}  // namespace

totem::Result<View, DoorError> ClientDoors::look() {
    const Patience patience;
    View view;
    Map map;
    if (!map.open()) {
        return Unexpected{unreachable("Cannot initialize CMAP service")};
    }
    read_map(map, view);
    if (auto error = ask_quorum(view)) {
        return Unexpected{std::move(*error)};
    }
    if (view.votequorum) {
        if (auto error = ask_votequorum(view)) {
            return Unexpected{std::move(*error)};
        }
    }
    if (auto error = ask_addresses(view)) {
        return Unexpected{std::move(*error)};
    }
    return view;
}

std::optional<DoorError> ClientDoors::set_expected(std::uint32_t votes) {
    const Patience patience;
    Door door{&::votequorum_finalize};
    votequorum_callbacks_t callbacks{};
    door.open =
        patiently([&] { return ::votequorum_initialize(&door.handle, &callbacks); }) == CS_OK;
    if (!door.open) {
        return unreachable("Cannot initialise VOTEQUORUM service");
    }
    const auto error = patiently([&] { return ::votequorum_setexpected(door.handle, votes); });
    return error == CS_OK ? std::nullopt
                          : std::optional{failed("Unable to set expected votes", error)};
}

}  // namespace pvecm
