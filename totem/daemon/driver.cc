#include "totem/daemon/driver.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/system/error_code.hpp>

#include "totem/core/codec.h"
#include "totem/core/stats.h"
#include "totem/group/perform.h"

namespace totem::daemon {

namespace asio = boost::asio;
using group::SendLevel;

struct Driver::Performer {
    Driver& driver;

    void persist(std::uint64_t ring_seq) { driver.parts_.listener.on_persist(ring_seq); }
    void send(const Datagram& datagram) {
        if (datagram.to == driver.self_) {
            driver.loop_back(datagram);
        } else {
            driver.parts_.link.queue(datagram);
        }
    }
    void deliver(const Delivery& /*delivery*/) {}  // the services have seen it inside the step
    void trace(const Trace& trace) { driver.parts_.listener.on_trace(trace); }
    void wake_at(std::optional<Instant> when) { driver.wake_at(when); }
    void flush() { driver.parts_.link.flush(); }
    void deliver_client(group::ClientMessage&& message) {
        driver.parts_.server.send(std::move(message));
    }
    void publish() { driver.publish(); }
    void notice(const group::Notice& notice) { driver.parts_.listener.on_notice(notice); }
    void request_host(const group::HostRequest& request) {
        driver.parts_.listener.on_host_request(request);
    }
};

Driver::Driver(const Parts& parts, NodeId self)
    : parts_(parts), guests_(parts.server), self_(self), timer_(parts.io) {
    parts_.ready.add(parts_.server.wake_fd(), *this);
    parts_.ready.add(parts_.server.lent_fd(), guests_);
}

Driver::~Driver() {
    parts_.ready.remove(parts_.server.wake_fd());
    parts_.ready.remove(parts_.server.lent_fd());
}

void Driver::input(const group::StackInput& input) {
    parts_.stack.step(now(), input, effects_);
    dirty_ = true;
}

void Driver::run(std::optional<Instant> until) {
    quit_ = false;
    asio::steady_timer limit(parts_.io);
    if (until) {
        limit.expires_at(std::chrono::steady_clock::time_point(until->time_since_epoch()));
        limit.async_wait(
            [this](const boost::system::error_code& error) { quit_ = quit_ || !error; });
    }
    while (!quit_) {
        bool more = turn();
        if (!more) {
            parts_.server.arm();
            more = requests_wait() || quit_;
        }
        wait(more);
        parts_.server.disarm();
    }
    pass_kept_token();
    limit.cancel();
    poll_io();
}

// For the next event, or only whether there is one already.
void Driver::wait(bool more) {
    const bool quiet = !more && !parts_.ready.busy();
    if (quiet) {
        // The token does not turn without pause after all: who asks something rings from now on.
        parts_.server.set_coming(false);
        if (!requests_wait()) {
            parts_.ready.rest();
            parts_.io.run_one();
        }
    } else {
        parts_.ready.wait(more ? Duration::zero() : kBusyWait);
    }
    if (const Instant at = now(); quiet || at - io_polled_ >= kBusyWait) {
        io_polled_ = at;
        poll_io();
    }
}

// Not io.poll(), which goes on while anything is ready: the network may always be.
void Driver::poll_io() {
    for (std::size_t n = 0; n < kHandlersPerTurn && parts_.io.poll_one() > 0; ++n) {
    }
}

bool Driver::turn() {
    pass_kept_token();
    take_requests();
    take_loopback();
    wake_when_due();
    perform();
    return dirty_ || !loopback_.empty() || requests_wait();
}

bool Driver::requests_wait() {
    return parts_.server.next(ipc::Lane::kLocal) ||
           (!ordered_refused_ && parts_.server.next(ipc::Lane::kOrdered));
}

// ---- network
// ----------------------------------------------------------------------------------------

void Driver::on_frames(LinkId link, std::span<FrameRef> frames) {
    const auto type = peek_type(frames.back().bytes());
    const bool with_token = type && *type == FrameType::kOrfToken;
    step_frames(link, frames.first(frames.size() - (with_token ? 1 : 0)));
    if (!with_token) {
        take_requests();
        perform();
        return;
    }
    perform();  // what has been delivered goes out before a wait
    if (kept_) {
        step_token(*std::exchange(kept_, std::nullopt));  // this one was passed after it
    }
    KeptToken token{link, std::move(frames.back()), choose_wait()};
    if (token.wait.at_most > Duration::zero() && is_ours(token.frame)) {
        kept_ = std::move(token);
    } else {
        step_token(std::move(token));
    }
}

// Not from on_frames(): the link reads nothing as long as it hands over.
void Driver::pass_kept_token() {
    if (!kept_) {
        return;
    }
    const Wait wait = kept_->wait;
    const bool came = parts_.server.await_request(wait.at_most);
    if (wait.anticipated && (came || !parts_.server.next(ipc::Lane::kLocal))) {  // not cut short
        anticipation_.waited(came);
    }
    // The token would report as missing, and others would keep, what lies here to be read.
    parts_.link.receive_now();
    if (kept_) {
        step_token(*std::exchange(kept_, std::nullopt));
    }
}

// What clients asked before the token came travels with it.
void Driver::step_token(KeptToken token) {
    take_requests();
    step_frames(token.link, std::span(&token.frame, 1));
    perform();
}

// Whether the token that is here waits a moment for a client that sends one request after the
// other, or that asks again within the time of another turn.
Driver::Wait Driver::choose_wait() {
    const Node& node = parts_.stack.node();
    const NodeStats& stats = node.stats();
    if (node.state() != State::kOperational || !stats.last_token) {
        return {};
    }
    const bool asked = parts_.server.next(ipc::Lane::kOrdered).has_value();
    const bool again = anticipation_.worth_waiting(stats.mcast_tx, stats.mcast_rx, asked);
    if (asked || (!again && !parts_.server.streaming())) {
        return {};
    }
    const Duration turn = now() - *stats.last_token;
    if (again && turn <= kClientWaitMax) {
        return {turn, true};
    }
    return {parts_.server.streaming() ? Duration(kClientWaitMax) : Duration::zero(), false};
}

// A token is decoded here only to be kept: most are not.
bool Driver::is_ours(const FrameRef& frame) const {
    const auto token = decode_orf_token(frame.bytes());
    return token && token->ring == parts_.stack.node().ring();
}

void Driver::step_frames(LinkId link, std::span<FrameRef> frames) {
    const Instant at = now();
    for (FrameRef& frame : frames) {
        parts_.stack.step(at, Input(Received{link, std::move(frame)}), effects_);
        dirty_ = true;
    }
}

void Driver::on_link_change(LinkId link, bool up) {
    parts_.listener.on_link_change(up);
    input(Input(LinkChange{link, up}));
}

void Driver::on_seal_event(LinkId /*link*/, const net::SealEvent& event) {
    parts_.listener.on_seal_event(event);
}

void Driver::on_stranger(NodeId node, const net::IpAddress& source) {
    parts_.listener.on_stranger(node, source);
}

void Driver::loop_back(const Datagram& datagram) {
    if (datagram.head_size == 0) {
        loopback_.push_back(datagram.body);
        return;
    }
    const auto body = datagram.body.bytes();
    FrameRef whole = parts_.pool.allocate(datagram.head_size + body.size());
    const auto bytes = whole.writable();
    std::memcpy(bytes.data(), datagram.head.data(), datagram.head_size);
    std::ranges::copy(body, bytes.begin() + datagram.head_size);
    loopback_.push_back(std::move(whole));
}

void Driver::take_loopback() {
    for (std::size_t n = loopback_.size(); n > 0; --n) {
        FrameRef frame = std::move(loopback_.front());
        loopback_.pop_front();
        input(Input(Received{LinkId{}, std::move(frame)}));
    }
}

// ---- time
// -------------------------------------------------------------------------------------------

void Driver::wake_when_due() {
    if (!deadline_ || *deadline_ > now()) {
        return;
    }
    for (int round = 0; round < kReceivesBeforeWake && parts_.link.receive_now(); ++round) {
        perform();
    }
    pass_kept_token();
    perform();
    if (deadline_ && *deadline_ <= now()) {
        input(Input(Wake{}));
    }
}

// Under load the deadline moves with every token, always later: the timer is left alone, and when
// it fires too early it is set again.
void Driver::wake_at(std::optional<Instant> when) {
    deadline_ = when;
    if (when && (!armed_ || *when < *armed_)) {
        arm_timer(*when);
    }
}

void Driver::arm_timer(Instant when) {
    armed_ = when;
    timer_.expires_at(std::chrono::steady_clock::time_point(when.time_since_epoch()));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        armed_.reset();
        if (deadline_ && *deadline_ > now()) {
            arm_timer(*deadline_);
        }
    });
}

// ---- clients
// ----------------------------------------------------------------------------------------

void Driver::on_readable() { parts_.server.disarm(); }

void Driver::take_requests() {
    if (!parked_.empty() && parts_.stack.room_available()) {
        retry_parked();
    }
    if (ordered_refused_ && parts_.stack.room_available()) {
        ordered_refused_ = false;
    }
    for (std::size_t n = 0; n < kRequestsPerTurn; ++n) {
        const bool local = take_local();
        const bool ordered = take_ordered();
        if (!local && !ordered) {
            return;
        }
    }
}

bool Driver::take_local() {
    const auto incoming = parts_.server.next(ipc::Lane::kLocal);
    if (!incoming) {
        return false;
    }
    local_request_ = true;
    const auto waiting = parked_.find(incoming->connection);
    if (incoming->kind != ipc::Incoming::Kind::kRequest) {
        if (incoming->kind == ipc::Incoming::Kind::kClosed && waiting != parked_.end()) {
            parked_.erase(waiting);
        }
        apply(*incoming);
    } else if (waiting != parked_.end() || !request(incoming->connection, incoming->bytes)) {
        park(*incoming);
    }
    parts_.server.pop(ipc::Lane::kLocal);
    return true;
}

// It waits for room in the ring's queue; nothing else of its connection may overtake it.
void Driver::park(const ipc::Incoming& incoming) {
    auto& requests = parked_[incoming.connection];
    if (requests.size() < kParkedMax) {
        requests.emplace_back(incoming.bytes.begin(), incoming.bytes.end());
        return;
    }
    parked_.erase(incoming.connection);
    parts_.server.disconnect(incoming.connection);
    close_early(incoming.connection);
}

bool Driver::take_ordered() {
    if (ordered_refused_) {
        return false;
    }
    const auto incoming = parts_.server.next(ipc::Lane::kOrdered);
    if (!incoming) {
        return false;
    }
    if (incoming->kind != ipc::Incoming::Kind::kRequest) {
        apply(*incoming);
    } else if (!request(incoming->connection, incoming->bytes)) {
        ordered_refused_ = true;
        return false;
    }
    parts_.server.pop(ipc::Lane::kOrdered);
    return true;
}

void Driver::apply(const ipc::Incoming& incoming) {
    if (incoming.kind == ipc::Incoming::Kind::kOpened) {
        input(group::ClientOpened{incoming.service, incoming.connection, incoming.pid});
    } else if (closed_early_.erase(incoming.connection) == 0) {
        close_connection(incoming.connection);
    }
}

bool Driver::request(group::ConnectionId connection, std::span<const std::byte> bytes) {
    if (closed_early_.contains(connection)) {
        return true;
    }
    input(group::ClientRequest{connection, bytes});
    return parts_.stack.request_taken();
}

void Driver::close_connection(group::ConnectionId connection) {
    input(group::ClientClosed{connection});
}

// Before its record of closing comes.
void Driver::close_early(group::ConnectionId connection) {
    closed_early_.insert(connection);
    close_connection(connection);
}

void Driver::retry_parked() {
    for (auto at = parked_.begin(); at != parked_.end();) {
        auto& [connection, requests] = *at;
        while (!requests.empty() && request(connection, requests.front())) {
            requests.pop_front();
        }
        at = requests.empty() ? parked_.erase(at) : std::next(at);
    }
}

void Driver::take_last_requests() {
    ordered_refused_ = false;
    for (const ipc::Lane lane : {ipc::Lane::kLocal, ipc::Lane::kOrdered}) {
        while (const auto incoming = parts_.server.next(lane)) {
            if (incoming->kind == ipc::Incoming::Kind::kClosed) {
                apply(*incoming);
            }
            parts_.server.pop(lane);
        }
    }
    parked_.clear();
}

// ---- effects
// ----------------------------------------------------------------------------------------

void Driver::perform() {
    if (!dirty_) {
        return;
    }
    const bool news = std::exchange(local_request_, false) || !effects_.notices.empty();
    parts_.listener.before_effects(news);
    dirty_ = false;
    Performer performer{*this};
    group::perform(effects_, performer);
    for (const group::ConnectionId connection : parts_.server.take_lost()) {
        close_early(connection);
    }
}

bool Driver::token_is_coming() {
    const NodeStats& stats = parts_.stack.node().stats();
    const std::uint64_t messages = stats.mcast_tx + stats.mcast_rx;
    if (messages != messages_seen_) {
        messages_seen_ = messages;
        tokens_seen_ = stats.orf_token_rx;
    }
    return parts_.stack.node().state() == State::kOperational &&
           stats.orf_token_rx < tokens_seen_ + kIdleTurns;
}

void Driver::publish() {
    const group::Stack& stack = parts_.stack;
    parts_.server.set_ordered_stopped(ordered_refused_ || stack.synchronising() ||
                                      stack.send_level() == SendLevel::kCritical);
    parts_.server.set_coming(token_is_coming());
    if (!ready_ && stack.ready()) {
        ready_ = true;
        parts_.server.set_ready(true);
        parts_.listener.on_ready();
    }
    parts_.server.flush();
    parts_.server.collect_frames();
}

}  // namespace totem::daemon
