#include "totem/net/udp_link.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "totem/core/check.h"
#include "totem/core/codec.h"
#include "totem/net/interface_watch.h"
#include "totem/net/receive_batch.h"
#include "totem/net/send_queue.h"
#include "totem/net/udp_socket.h"

namespace totem::net {

namespace {

using boost::system::error_code;

// How often a socket that stays full is read before the token's turn comes.
constexpr int kMulticastRounds = 4;

constexpr std::size_t kTypeOffset = 3;  // wire.md 2.1
constexpr std::byte kOrfToken{0};
constexpr std::byte kCommitToken{4};

[[nodiscard]] bool is_token(const FrameRef& frame) {
    const std::span<const std::byte> bytes = frame.bytes();
    return bytes.size() > kTypeOffset &&
           (bytes[kTypeOffset] == kOrfToken || bytes[kTypeOffset] == kCommitToken);
}

constexpr IpAddress kBroadcast{IpAddress::Family::kV4, {255, 255, 255, 255}, 0};

}  // namespace

// Kept alive by the timer's handler, which may run after close().
class UdpLink::Impl : public Readable, public std::enable_shared_from_this<UdpLink::Impl> {
  public:
    Impl(boost::asio::io_context& io, ReadySet& ready, FramePool& pool)
        : ready_(ready), timer_(io), batch_(pool) {}

    [[nodiscard]] Result<Opened, LinkError> open(const LinkConfig& config, LinkListener& listener,
                                                 PacketSeal* seal);
    void close();
    void queue(const Datagram& datagram);
    void flush();
    bool receive(bool tokens);
    void on_readable() override { receive(true); }
    [[nodiscard]] Rank rank() const noexcept override { return Rank::kSecond; }
    void set_members(std::span<const Peer> peers, bool block_unlisted_ips);

    [[nodiscard]] bool up() const noexcept { return interface_.up; }
    [[nodiscard]] const LinkStats& stats() const noexcept { return stats_; }

  private:
    using Clock = std::chrono::steady_clock;
    // A node of the list, until when it counts as one that introduces itself as another, and from
    // when on that may be reported again.
    struct Listed {
        IpAddress address;
        NodeId node = kNoNode;
        Clock::time_point posing_until;
        Clock::time_point next_report;
    };

    struct Multicasts final : Readable {
        explicit Multicasts(Impl& owner) : link(owner) {}
        void on_readable() override {
            if (link.multicast_read_ != link.ready_.round()) {
                link.receive(false);
            }
        }
        Impl& link;
    };

    [[nodiscard]] Result<Opened, LinkError> open_unicast();
    [[nodiscard]] Result<Opened, LinkError> open_multicast();
    [[nodiscard]] Result<FileDescriptor, LinkError> bound(const IpAddress& address,
                                                          std::uint16_t port, bool broadcast) const;
    [[nodiscard]] int use_interface();
    [[nodiscard]] bool drain(const FileDescriptor& socket, int rounds);
    void accept(std::size_t i);
    // Not valid any more once the listener was told anything, as it may replace the list.
    [[nodiscard]] Listed* find_listed(const IpAddress& source);
    [[nodiscard]] std::optional<NodeId> strange_name(const FrameRef& frame, Listed& source) const;
    void report_stranger(NodeId node, const IpAddress& source);
    [[nodiscard]] FrameRef unseal(FrameRef frame, NodeId node, const IpAddress& source);
    void hand_over();
    void watch_interface();
    [[nodiscard]] std::span<const SocketAddress> targets(NodeId to) const;
    [[nodiscard]] int sending_fd() { return sender_.valid() ? sender_.get() : unicast_.get(); }
    [[nodiscard]] bool multicasts() const { return config_.transport == Transport::kUdp; }

    LinkConfig config_;
    LinkListener* listener_ = nullptr;  // null: closed, or not open yet
    PacketSeal* seal_ = nullptr;        // null: frames travel in clear
    ReadySet& ready_;
    Multicasts multicasts_{*this};
    std::uint64_t multicast_read_ = 0;  // the ready set's round
    FileDescriptor unicast_;            // udpu: everything; udp: tokens
    FileDescriptor multicast_;          // udp
    FileDescriptor sender_;             // udp: port - 1
    boost::asio::steady_timer timer_;
    InterfaceWatch watch_;
    InterfaceState interface_;

    // The node list without this node; the two are parallel, in its order.
    std::vector<NodeId> nodes_;
    std::vector<SocketAddress> addresses_;
    std::vector<Listed> listed_;  // the same by address
    SocketAddress group_;

    ReceiveBatch batch_;
    std::vector<FrameRef> frames_;  // of the batch in hand: everything else, then tokens
    std::vector<FrameRef> tokens_;
    bool receiving_ = false;
    SendQueue queue_;
    LinkStats stats_;
};

// ---- opening and closing ----------------------------------------------------------------------

Result<FileDescriptor, LinkError> UdpLink::Impl::bound(const IpAddress& address, std::uint16_t port,
                                                       bool broadcast) const {
    Result<FileDescriptor, SocketError> socket =
        open_socket(address, port, {.reuse_address = multicasts(), .broadcast = broadcast});
    if (socket) {
        return std::move(socket).value();
    }
    const SocketError& error = socket.error();
    return Unexpected{LinkError{"link " + std::to_string(static_cast<unsigned>(config_.link)) +
                                    ": cannot open UDP socket " + address.to_string() + " port " +
                                    std::to_string(port) + ": " + error.call + ": " +
                                    std::strerror(error.code),  // NOLINT(concurrency-mt-unsafe)
                                error.code}};
}

Result<UdpLink::Opened, LinkError> UdpLink::Impl::open_unicast() {
    Result<FileDescriptor, LinkError> socket = bound(config_.local, config_.port, false);
    if (!socket) {
        return Unexpected{socket.error()};
    }
    unicast_ = std::move(socket).value();
    return Opened{};
}

Result<UdpLink::Opened, LinkError> UdpLink::Impl::open_multicast() {
    const IpAddress group = config_.broadcast ? kBroadcast : config_.group;
    if (group.family != config_.local.family || (!config_.broadcast && !group.is_multicast())) {
        return Unexpected{LinkError{"link " + std::to_string(static_cast<unsigned>(config_.link)) +
                                        ": " + group.to_string() + " is no multicast address for " +
                                        config_.local.to_string(),
                                    EINVAL}};
    }
    Result<FileDescriptor, LinkError> receiver = bound(group, config_.port, config_.broadcast);
    if (!receiver) {
        return Unexpected{receiver.error()};
    }
    const auto sending_port = static_cast<std::uint16_t>(config_.port - 1);
    Result<FileDescriptor, LinkError> sender =
        bound(config_.local, sending_port, config_.broadcast);
    if (!sender) {
        return Unexpected{sender.error()};
    }
    config_.group = group;
    group_ = to_socket_address(group, config_.port);
    multicast_ = std::move(receiver).value();
    sender_ = std::move(sender.value());
    return Opened{};
}

Result<UdpLink::Opened, LinkError> UdpLink::Impl::open(const LinkConfig& config,
                                                       LinkListener& listener, PacketSeal* seal) {
    TOTEM_CHECK(listener_ == nullptr && !unicast_.valid());
    config_ = config;
    if (config.local.empty() || config.port < 2) {
        return Unexpected{LinkError{"link without a local address or port", EINVAL}};
    }
    Result<Opened, LinkError> opened = open_unicast();
    if (opened && multicasts()) {
        opened = open_multicast();
    }
    if (!opened) {
        unicast_ = FileDescriptor();
        return opened;
    }
    listener_ = &listener;
    seal_ = seal;
    set_members(config.peers, config.block_unlisted_ips);
    watch_.open();
    interface_ = interface_of(config_.local).value_or(InterfaceState{});
    interface_.up = interface_.up && use_interface() == 0;
    watch_interface();
    ready_.add(unicast_.get(), *this);
    if (multicasts()) {
        ready_.add(multicast_.get(), multicasts_);
    }
    return Opened{};
}

void UdpLink::Impl::close() {
    listener_ = nullptr;
    for (FileDescriptor* socket : {&unicast_, &multicast_}) {
        if (socket->valid()) {
            ready_.remove(socket->get());
            *socket = FileDescriptor();
        }
    }
    timer_.cancel();
    sender_ = FileDescriptor();
    watch_.close();
    interface_ = {};
    batch_.release();
    queue_.clear();
}

// ---- the interface ----------------------------------------------------------------------------

// Multicast belongs to an interface, not to an address: it is set up again whenever that changes.
int UdpLink::Impl::use_interface() {
    if (!multicasts() || config_.broadcast) {
        return 0;
    }
    const int out = set_multicast_out(
        sender_.get(),
        {.local = config_.local, .interface_index = interface_.index, .ttl = config_.ttl});
    const int in = join_group(multicast_.get(), config_.group, config_.local, interface_.index);
    return out != 0 ? out : in;
}

void UdpLink::Impl::watch_interface() {
    timer_.expires_after(config_.downcheck);
    timer_.async_wait([self = shared_from_this()](error_code error) {
        if (error || self->listener_ == nullptr) {
            return;
        }
        self->watch_interface();
        // While down it is always looked at: what failed to be set up may succeed now.
        if (!self->watch_.changed() && self->interface_.up) {
            return;
        }
        const auto found = interface_of(self->config_.local);
        if (!found) {
            self->watch_.look_again();
            return;
        }
        const bool was_up = self->interface_.up;
        const unsigned was_index = self->interface_.index;
        self->interface_ = *found;
        if (self->interface_.up && (!was_up || self->interface_.index != was_index)) {
            self->interface_.up = self->use_interface() == 0;
        }
        if (self->interface_.up != was_up) {
            self->listener_->on_link_change(self->config_.link, self->interface_.up);
        }
    });
}

// ---- receiving --------------------------------------------------------------------------------

// Without `tokens`: only what is multicast.
bool UdpLink::Impl::receive(bool tokens) {
    if (listener_ == nullptr || receiving_) {
        return false;
    }
    receiving_ = true;
    bool more = tokens && drain(unicast_, 1);
    // What was multicast before a token was passed lies in the other socket, and surely does once
    // the token has been read (totem.md 9).
    more = (multicasts() && drain(multicast_, kMulticastRounds)) || more;
    multicast_read_ = ready_.round();
    if (seal_ != nullptr) {
        flush();  // answers of the seal
    }
    hand_over();
    receiving_ = false;
    return more;
}

// True: it ended with a full batch.
bool UdpLink::Impl::drain(const FileDescriptor& socket, int rounds) {
    std::size_t count = ReceiveBatch::kDatagramsMax;
    for (; rounds > 0 && count == ReceiveBatch::kDatagramsMax && listener_ != nullptr; --rounds) {
        int error = 0;
        count = batch_.receive(socket.get(), error);
        stats_.receive_errors += error != 0 ? 1 : 0;
        for (std::size_t i = 0; i < count && listener_ != nullptr; ++i) {
            accept(i);
        }
    }
    return count == ReceiveBatch::kDatagramsMax;
}

void UdpLink::Impl::accept(std::size_t i) {
    const IpAddress source = batch_.source(i).without_scope();
    if (source == config_.local.without_scope()) {
        ++stats_.own_source;
        return;
    }
    Listed* listed = config_.block_unlisted_ips ? find_listed(source) : nullptr;
    if (config_.block_unlisted_ips && listed == nullptr) {
        ++stats_.unlisted_source;
        stats_.last_unlisted = source;
        return;
    }
    FrameRef frame = batch_.take(i);
    if (frame.empty()) {
        ++stats_.truncated;
        return;
    }
    if (seal_ != nullptr) {
        frame = unseal(std::move(frame), listed != nullptr ? listed->node : kNoNode, source);
        if (frame.empty()) {
            return;
        }
    } else if (listed != nullptr) {
        if (const auto name = strange_name(frame, *listed)) {
            ++stats_.unlisted_node;
            report_stranger(*name, source);
            return;
        }
    }
    ++stats_.frames_received;
    (is_token(frame) ? tokens_ : frames_).push_back(std::move(frame));
}

// A node that is not in the list could be agreed upon but not sent a token, and of two nodes with
// one id neither could be told from the other: either would keep the others from forming a ring, or
// break the one they have. So whoever introduces itself must do it from the address that its id has
// in the list; of who does not, only what names the right id is heard until it does or has long
// been silent, so that one stray frame does not cost a member its tokens, nor for ever what it
// repeats for others. (Otherwise data cannot be judged like this: any member may repeat it.)
std::optional<NodeId> UdpLink::Impl::strange_name(const FrameRef& frame, Listed& source) const {
    const auto type = peek_type(frame.bytes());
    if (!type) {
        return std::nullopt;  // not of the ring: refused where frames are understood
    }
    NodeId node = claimed_sender(frame.bytes());
    if (*type == FrameType::kJoin) {
        const auto join = decode_join(frame.bytes());
        node = join ? join->system_from : node;
    }
    if (node != kNoNode && (*type == FrameType::kJoin || *type == FrameType::kMergeDetect)) {
        source.posing_until =
            node != source.node ? Clock::now() + config_.posing : Clock::time_point();
    }
    const bool known = node == kNoNode || node == config_.self || !targets(node).empty();
    const bool posing =
        source.posing_until != Clock::time_point() && Clock::now() < source.posing_until;
    const bool fits = known && (!posing || node == source.node);
    return fits ? std::nullopt : std::optional(node);
}

void UdpLink::Impl::report_stranger(NodeId node, const IpAddress& source) {
    Listed* listed = listener_ != nullptr ? find_listed(source) : nullptr;
    const auto now = Clock::now();
    if (listed != nullptr && now >= listed->next_report) {
        listed->next_report = now + kStrangerInterval;
        listener_->on_stranger(node, source);
    }
}

// The plain frame, or nothing; what the seal wants to answer is queued. `node` is the one that the
// list has at `source`.
FrameRef UdpLink::Impl::unseal(FrameRef frame, NodeId node, const IpAddress& source) {
    const Instant now(Clock::now().time_since_epoch());
    PacketSeal::Opened opened = seal_->open(now, config_.link, std::move(frame), node);
    const bool good = opened.verdict == Verdict::kAccepted || opened.verdict == Verdict::kHandshake;
    stats_.seal_refused += good ? 0 : 1;
    if (!opened.reply.empty()) {
        queue_.add({}, std::move(opened.reply), targets(opened.sender));
    }
    if (opened.event) {
        listener_->on_seal_event(config_.link, *opened.event);
    }
    const bool misnamed =
        opened.verdict == Verdict::kOwnId || opened.verdict == Verdict::kUnknownSender;
    if (misnamed) {
        report_stranger(opened.sender, source);
    }
    return std::move(opened.frame);
}

void UdpLink::Impl::hand_over() {
    std::ranges::move(tokens_, std::back_inserter(frames_));
    tokens_.clear();
    if (frames_.empty()) {
        return;
    }
    if (listener_ != nullptr) {
        listener_->on_frames(config_.link, frames_);
    }
    frames_.clear();
}

// ---- sending ----------------------------------------------------------------------------------

std::span<const SocketAddress> UdpLink::Impl::targets(NodeId to) const {
    if (to == kNoNode) {
        return multicasts() ? std::span(&group_, 1) : std::span(addresses_);
    }
    const auto found = std::ranges::find(nodes_, to);
    if (found == nodes_.end()) {
        return {};
    }
    return std::span(addresses_).subspan(static_cast<std::size_t>(found - nodes_.begin()), 1);
}

void UdpLink::Impl::queue(const Datagram& datagram) {
    if (listener_ == nullptr) {
        return;
    }
    const std::span<const SocketAddress> to = targets(datagram.to);
    if (to.empty()) {
        stats_.no_address +=
            datagram.to == kNoNode ? 0 : 1;  // a node list of one has nobody to tell
        return;
    }
    // The token's way must not grow with the ring: its receiver gets the messages before it, and
    // the copies for the others leave while it works. They see a gap for less than a turn, for
    // which nobody asks yet (totem.md 5.3, miss_count_const). A multicast has no such copies.
    if (datagram.to != kNoNode && !multicasts()) {
        queue_.hasten(to.front());
    }
    const auto head = std::span(datagram.head).first(datagram.head_size);
    if (seal_ != nullptr) {
        queue_.add({}, seal_->seal(config_.link, datagram.to, head, datagram.body.bytes()), to);
        return;
    }
    queue_.add(head, datagram.body, to);
}

void UdpLink::Impl::flush() {
    if (queue_.empty()) {
        return;
    }
    const SendQueue::Outcome outcome = queue_.send(sending_fd());
    stats_.frames_sent += outcome.sent;
    stats_.send_full += outcome.full;
    stats_.send_errors += outcome.failed;
    if (outcome.failed != 0) {
        stats_.last_send_error = outcome.last_error;
    }
}

void UdpLink::Impl::set_members(std::span<const Peer> peers, bool block_unlisted_ips) {
    flush();  // the queue points into the old list
    config_.block_unlisted_ips = block_unlisted_ips;
    nodes_.clear();
    addresses_.clear();
    listed_.clear();
    for (const Peer& peer : peers) {
        if (peer.node == config_.self || peer.address.family != config_.local.family) {
            continue;
        }
        IpAddress address = peer.address;
        if (address.scope == 0 && address.is_link_local_v6()) {
            address.scope = config_.local.scope;
        }
        nodes_.push_back(peer.node);
        addresses_.push_back(to_socket_address(address, config_.port));
        listed_.push_back({address.without_scope(), peer.node, {}, {}});
    }
    std::ranges::sort(listed_, {}, &Listed::address);
}

UdpLink::Impl::Listed* UdpLink::Impl::find_listed(const IpAddress& source) {
    const auto found = std::ranges::lower_bound(listed_, source, {}, &Listed::address);
    return found != listed_.end() && found->address == source ? &*found : nullptr;
}

// ---- the handle -------------------------------------------------------------------------------

UdpLink::UdpLink(boost::asio::io_context& io, ReadySet& ready, FramePool& pool)
    : impl_(std::make_shared<Impl>(io, ready, pool)) {}

UdpLink::~UdpLink() { impl_->close(); }

Result<UdpLink::Opened, LinkError> UdpLink::open(const LinkConfig& config, LinkListener& listener,
                                                 PacketSeal* seal) {
    return impl_->open(config, listener, seal);
}

void UdpLink::close() { impl_->close(); }
void UdpLink::queue(const Datagram& datagram) { impl_->queue(datagram); }
void UdpLink::flush() { impl_->flush(); }
bool UdpLink::receive_now() { return impl_->receive(true); }
void UdpLink::set_members(std::span<const Peer> peers, bool block_unlisted_ips) {
    impl_->set_members(peers, block_unlisted_ips);
}
bool UdpLink::up() const noexcept { return impl_->up(); }
const LinkStats& UdpLink::stats() const noexcept { return impl_->stats(); }

}  // namespace totem::net
