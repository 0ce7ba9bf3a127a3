#include "totem/ipc/clients_thread.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "totem/ipc/lost_memory.h"

namespace totem::ipc {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): of its thread
thread_local ClientsThread* ClientsThread::current_ = nullptr;

namespace {

ClientsThread& of(qb_ipcs_connection_t* handle) {
    return *static_cast<ClientsThread*>(qb_ipcs_connection_service_context_get(handle));
}

std::int32_t on_accept(qb_ipcs_connection_t* handle, uid_t uid, gid_t gid) {
    const OwnCode own;
    return of(handle).accept(handle, uid, gid);
}
void on_created(qb_ipcs_connection_t* handle) {
    const OwnCode own;
    of(handle).created(handle);
}
std::int32_t on_request(qb_ipcs_connection_t* handle, void* data, std::size_t size) {
    const OwnCode own;
    ClientsThread& clients = of(handle);
    clients.request(handle, {static_cast<const std::byte*>(data), size});
    return clients.loop().next_is_announced() ? 0 : -1;  // -1: taken, but no more for now
}
std::int32_t on_closed(qb_ipcs_connection_t* handle) {
    const OwnCode own;
    of(handle).closed(handle);
    return 0;
}
void on_destroyed(qb_ipcs_connection_t* /*handle*/) {}

std::int32_t add_job(qb_loop_priority /*priority*/, void* data, qb_loop_job_dispatch_fn run) {
    const OwnCode own;
    ClientsThread::current().loop().add_job(run, data);
    return 0;
}
template <Lane lane>
std::int32_t watch(qb_loop_priority /*priority*/, std::int32_t fd, std::int32_t events, void* data,
                   qb_ipcs_dispatch_fn_t dispatch) {
    const OwnCode own;
    ClientsThread::current().loop().add({fd, static_cast<short>(events), lane, data, dispatch});
    return 0;
}
template <Lane lane>
std::int32_t rewatch(qb_loop_priority /*priority*/, std::int32_t fd, std::int32_t events,
                     void* data, qb_ipcs_dispatch_fn_t dispatch) {
    const OwnCode own;
    auto* handle = static_cast<qb_ipcs_connection_t*>(data);
    ClientsThread::set_bytes_left(handle, (events & POLLOUT) != 0);
    const bool known =
        of(handle).loop().modify({fd, static_cast<short>(events), lane, data, dispatch});
    return known ? 0 : -ENOENT;
}
std::int32_t unwatch(std::int32_t fd) {
    const OwnCode own;
    return ClientsThread::current().loop().remove(fd) ? 0 : -ENOENT;
}

template <Lane lane>
qb_ipcs_poll_handlers handlers_of_lane() {
    return {add_job, watch<lane>, rewatch<lane>, unwatch};
}

// The kernel hands out the lowest free number, so a high one says that few are left.
bool descriptors_left(int reserve) {
    rlimit limit{};
    const int probe = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (probe < 0) {
        return false;
    }
    ::close(probe);
    return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           static_cast<rlim_t>(probe) + static_cast<rlim_t>(reserve) < limit.rlim_cur;
}

}  // namespace

ClientsThread::ClientsThread(const ServerOptions& options, Channel& channel)
    : options_(options), channel_(channel) {}

ClientsThread::~ClientsThread() = default;

std::string ClientsThread::open() {
    current_ = this;
    // Nothing to do for it: round() looks at everything after each wake-up.
    const auto bell = [](std::int32_t, std::int32_t, void*) -> std::int32_t { return 0; };
    loop_.add({channel_.clients_bell.fd(), POLLIN, Lane::kLocal, nullptr, bell});
    for (const group::ServiceId id : options_.services) {
        auto door = std::make_unique<Door>();
        door->id = id;
        door->lane = id == group::ServiceId::kCpg ? Lane::kOrdered : Lane::kLocal;
        door->handlers = {on_accept, on_created, on_request, on_closed, on_destroyed};
        door->poll_handlers = door->lane == Lane::kOrdered ? handlers_of_lane<Lane::kOrdered>()
                                                           : handlers_of_lane<Lane::kLocal>();
        std::string problem = open_door(*door);
        if (!problem.empty()) {
            return problem;
        }
        doors_.push_back(std::move(door));
    }
    return {};
}

std::string ClientsThread::open_door(Door& door) {
    const std::string name = std::string(door_name(door.id)) + options_.name_suffix;
    door.service = qb_ipcs_create(name.c_str(), static_cast<std::int32_t>(door.id), QB_IPC_NATIVE,
                                  &door.handlers);
    if (door.service == nullptr) {
        return "Can't create the IPC service " + name;
    }
    qb_ipcs_service_context_set(door.service, this);
    qb_ipcs_poll_handlers_set(door.service, &door.poll_handlers);
    options_.log(LogLevel::kInfo, "QB", "server name: " + name);
    const std::int32_t result = qb_ipcs_run(door.service);  // destroys the service when it fails
    if (result == 0) {
        return {};
    }
    const std::string reason = std::generic_category().message(-result);
    return "Can't listen on the IPC socket " + name + ": " + reason +
           (result == -EADDRINUSE ? " (another cluster daemon runs in this network namespace)"
                                  : "");
}

void ClientsThread::run() {
    const std::lock_guard awake(awake_);
    while (!channel_.stop.load(std::memory_order_acquire)) {
        round();
    }
}

void ClientsThread::round() {
    if (channel_.lent_missed.exchange(false, std::memory_order_seq_cst)) {
        loop_.take_back_all();
    }
    take_outgoing();
    retry_backlogs();
    disconnect_doomed();
    post_overflow();
    apply_gates();
    channel_.clients_bell.arm();
    // Of clients whose memory is gone each round meets one, and tells the others when it is closed.
    const bool busy =
        !doomed_.empty() || channel_.outgoing.front() != nullptr ||
        channel_.stop.load(std::memory_order_acquire) ||
        channel_.lent_missed.load(std::memory_order_seq_cst) ||
        must_close(Lane::kOrdered) != gate_closed_.at(static_cast<std::size_t>(Lane::kOrdered));
    ring_protocol();  // what was posted above does not wait for a client
    wait_for_work(busy || resting_ ? 0 : timeout());
    loop_.dispatch();
    channel_.clients_bell.disarm();
    ring_protocol();
    rest();
}

void ClientsThread::wait_for_work(int timeout) {
    if (timeout == 0) {
        loop_.wait(loop_.prepare(0));
        return;
    }
    lend();
    const int prepared = loop_.prepare(timeout);
    awake_.unlock();
    loop_.wait(prepared);
    awake_.lock();
}

// Waking up for each message of a client that sends one after the other would cost more than the
// messages themselves. Once a second one has come before anything went back, clients are left alone
// for a moment, as long as that brings several at a time.
void ClientsThread::rest() {
    resting_ = unanswered_ >= 2 && channel_.coming.load(std::memory_order_acquire);
    channel_.streaming.store(resting_, std::memory_order_release);
    if (resting_) {
        unanswered_ = 0;
        const timespec moment{0, kRestNs};
        ::nanosleep(&moment, nullptr);
    }
}

// Ordered requests wait for the token anyway; when the protocol is coming for them, it is not
// woken.
void ClientsThread::ring_protocol() {
    const bool local = std::exchange(posted_.at(static_cast<std::size_t>(Lane::kLocal)), false);
    const bool ordered = std::exchange(posted_.at(static_cast<std::size_t>(Lane::kOrdered)), false);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (local || (ordered && !channel_.coming.load(std::memory_order_seq_cst))) {
        channel_.protocol_bell.ring();
    }
}

int ClientsThread::timeout() const {
    const bool overflow =
        std::ranges::any_of(overflow_, [](const auto& lane) { return !lane.empty(); });
    const bool rate_due = std::ranges::find(rate_due_, true) != rate_due_.end();
    if (behind_.empty() && unreturned_.empty() && !overflow && !rate_due) {
        return -1;
    }
    return static_cast<int>(retry_.count());
}

void ClientsThread::close() {
    const std::lock_guard awake(awake_);
    for (auto& door : doors_) {
        options_.log(LogLevel::kInfo, "QB", "withdrawing server sockets");
        qb_ipcs_connection_t* handle = qb_ipcs_connection_first_get(door->service);
        while (handle != nullptr) {
            qb_ipcs_connection_t* next = qb_ipcs_connection_next_get(door->service, handle);
            qb_ipcs_disconnect(handle);
            watch_again_for_lost_memory();
            qb_ipcs_connection_unref(handle);
            watch_again_for_lost_memory();
            handle = next;
        }
        qb_ipcs_destroy(door->service);
        watch_again_for_lost_memory();
    }
    doors_.clear();
    loop_.wait(loop_.prepare(0));  // what libqb left to do
    loop_.dispatch();
    current_ = nullptr;
}

// ---- callbacks
// ------------------------------------------------------------------------------------

std::int32_t ClientsThread::accept(qb_ipcs_connection_t* /*handle*/, std::uint32_t uid,
                                   std::uint32_t gid) {
    loop_.note_progress();
    if (!channel_.ready.load(std::memory_order_acquire)) {
        return -EAGAIN;
    }
    if (!descriptors_left(kDescriptorReserve)) {
        return -EMFILE;
    }
    bool allowed = false;
    {
        const std::lock_guard lock(channel_.access_mutex);
        allowed = channel_.access.allows(uid, gid);
    }
    if (allowed) {
        return 0;
    }
    options_.log(
        LogLevel::kError, "MAIN",
        "Denied connection attempt from " + std::to_string(uid) + ":" + std::to_string(gid));
    return -EACCES;
}

void ClientsThread::created(qb_ipcs_connection_t* handle) {
    loop_.note_progress();
    const auto id = static_cast<group::ServiceId>(qb_ipcs_service_id_get(handle));
    const auto door = std::ranges::find_if(doors_, [id](const auto& d) { return d->id == id; });
    if (door == doors_.end()) {
        return;
    }
    const BacklogLimits limits{options_.backlog_bytes_max, options_.backlog_messages_max};
    const std::int32_t message_bytes_max = qb_ipcs_connection_get_buffer_size(handle);
    auto connection = std::make_unique<Connection>(
        Connection{group::ConnectionId{next_id_++}, door->get(), handle, 0,
                   static_cast<std::size_t>(std::max(message_bytes_max, 0)), Backlog(limits),
                   Backlog(limits)});
    // Not its successor, which looks into the memory that is shared.
    qb_ipcs_connection_stats stats{};
    qb_ipcs_connection_stats_get(handle, &stats, 0);
    connection->pid = static_cast<std::uint32_t>(stats.client_pid);
    qb_ipcs_context_set(handle, connection.get());
    RecordHead head;
    head.kind = RecordHead::Kind::kOpened;
    head.service = id;
    head.connection = connection->id;
    head.pid = connection->pid;
    post((*door)->lane, head, {});
    const auto lane = static_cast<std::size_t>((*door)->lane);
    // The flag that clients read was set only on the connections of that moment.
    rate_due_.at(lane) = rate_due_.at(lane) || gate_closed_.at(lane);
    connections_.emplace(static_cast<std::uint32_t>(connection->id), std::move(connection));
}

void ClientsThread::request(qb_ipcs_connection_t* handle, std::span<const std::byte> bytes) {
    loop_.note_progress();
    auto* connection = static_cast<Connection*>(qb_ipcs_context_get(handle));
    if (connection == nullptr || connection->doomed) {
        return;
    }
    // The size of the piece lies in memory shared with the client; within the ring's size it can be
    // read wherever it starts, since the ring is mapped twice in a row.
    // A client may ask for larger buffers than any request of the doors needs; the way to the
    // protocol thread has room for what they need only.
    if (bytes.size() > std::min(connection->message_bytes_max, Channel::kRequestBytesMax) ||
        bytes.size() < sizeof(qb_ipc_request_header)) {
        doom(*connection, "sent a request of impossible size");
        return;
    }
    RecordHead head;
    head.service = connection->door->id;
    head.connection = connection->id;
    if (!post(connection->door->lane, head, bytes)) {
        doom(*connection, kTookMemory);
        return;
    }
    note_manners(*connection, bytes.size());
}

void ClientsThread::closed(qb_ipcs_connection_t* handle) {
    loop_.note_progress();
    auto* connection = static_cast<Connection*>(qb_ipcs_context_get(handle));
    if (connection == nullptr) {
        return;
    }
    qb_ipcs_context_set(handle, nullptr);
    tell_why(*connection);
    while (!connection->replies.empty()) {
        give_back(connection->replies.pop());
    }
    while (!connection->events.empty()) {
        give_back(connection->events.pop());
    }
    RecordHead head;
    head.kind = RecordHead::Kind::kClosed;
    head.service = connection->door->id;
    head.connection = connection->id;
    post(connection->door->lane, head, {});
    connections_.erase(static_cast<std::uint32_t>(connection->id));
}

// ---- requests
// ---------------------------------------------------------------------------------------

// `bytes` may lie in memory that is shared with a client. False: it is gone, and nothing is posted.
bool ClientsThread::post(Lane lane, const RecordHead& head, std::span<const std::byte> bytes) {
    posted_.at(static_cast<std::size_t>(lane)) = true;
    unanswered_ += lane == Lane::kOrdered ? 1 : 0;
    auto& overflow = overflow_.at(static_cast<std::size_t>(lane));
    const auto head_bytes = std::as_bytes(std::span(&head, 1));
    ByteRing& ring = channel_.requests(lane);
    bool pushed = false;
    if (overflow.empty() && !survives([&] { pushed = ring.push(head_bytes, bytes); })) {
        return false;
    }
    if (pushed) {
        return true;
    }
    // libqb has consumed the request whatever we say, so it is kept; the lane's gate closes, and
    // what one wake-up of each connection still brings is all that can follow.
    std::vector<std::byte> record(head_bytes.size() + bytes.size());
    const auto body = std::ranges::copy(head_bytes, record.begin()).out;
    if (!survives([&] { std::ranges::copy(bytes, body); })) {
        return false;
    }
    overflow.push_back(std::move(record));
    return true;
}

void ClientsThread::post_overflow() {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        auto& overflow = overflow_.at(lane);
        ByteRing& ring = channel_.requests(static_cast<Lane>(lane));
        while (!overflow.empty() && ring.push(overflow.front(), {})) {
            overflow.pop_front();
            posted_.at(lane) = true;
        }
    }
}

void ClientsThread::apply_gates() {
    for (std::size_t i = 0; i < kLanes; ++i) {
        const auto lane = static_cast<Lane>(i);
        const bool close = must_close(lane);
        if (close != gate_closed_.at(i)) {
            gate_closed_.at(i) = close;
            rate_due_.at(i) = true;
            if (close) {
                loop_.take_back_all();  // libqb reads nothing of them, and would not say so again
            }
            loop_.set_gate(lane, close);
        }
        rate_due_.at(i) =
            rate_due_.at(i) && !set_rate(lane, close ? QB_IPCS_RATE_OFF_2 : QB_IPCS_RATE_FAST);
    }
}

bool ClientsThread::must_close(Lane lane) {
    if (!overflow_.at(static_cast<std::size_t>(lane)).empty()) {
        return true;
    }
    if (lane != Lane::kOrdered) {
        return false;
    }
    const bool closed = gate_closed_.at(static_cast<std::size_t>(lane));
    const ByteRing::Load& most = closed ? Channel::kRequestsLow : Channel::kRequestsHigh;
    bool full = channel_.ordered_beyond(most);
    if (full) {
        channel_.ring_awaited.store(true, std::memory_order_seq_cst);
        full = channel_.ordered_beyond(most);
    }
    return full || channel_.ordered_stopped.load(std::memory_order_acquire);
}

bool ClientsThread::set_rate(Lane lane, qb_ipcs_rate_limit rate) {
    bool all = true;
    for (auto& door : doors_) {
        if (door->lane == lane &&
            !survives([&] { qb_ipcs_request_rate_limit(door->service, rate); })) {
            doom_untold(*door, rate);
            all = false;
        }
    }
    return all;
}

// libqb tells one connection after the other, so it was left at the first that has not been told,
// which it had taken hold of.
void ClientsThread::doom_untold(Door& door, qb_ipcs_rate_limit rate) {
    constexpr std::int32_t kStopped = 2;
    const std::int32_t told = rate == QB_IPCS_RATE_OFF_2 ? kStopped : 0;
    qb_ipcs_connection_t* handle = qb_ipcs_connection_first_get(door.service);
    for (bool found = false; handle != nullptr && !found;) {
        qb_ipcs_connection_stats stats{};
        qb_ipcs_connection_stats_get(handle, &stats, 0);
        found = stats.flow_control_state != told;
        auto* connection = static_cast<Connection*>(qb_ipcs_context_get(handle));
        if (found && connection != nullptr) {
            doom(*connection, kTookMemory);
        }
        qb_ipcs_connection_t* next =
            found ? nullptr : qb_ipcs_connection_next_get(door.service, handle);
        for (int held = found ? 2 : 1; held > 0; --held) {
            qb_ipcs_connection_unref(handle);
        }
        handle = next;
    }
}

}  // namespace totem::ipc
