#include "totem/net/send_queue.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "totem/core/check.h"

namespace totem::net {

namespace {

// The kernel takes at most UIO_MAXIOV messages per call.
constexpr std::size_t kMessagesPerCall = 1024;

}  // namespace

void SendQueue::add(std::span<const std::byte> head, FrameRef body,
                    std::span<const SocketAddress> targets) {
    if (targets.empty()) {
        return;
    }
    Item& item = items_.emplace_back();
    TOTEM_CHECK(head.size() <= item.head.size());
    std::ranges::copy(head, item.head.begin());
    item.head_size = head.size();
    item.body = std::move(body);
    for (const SocketAddress& address : targets) {
        targets_.push_back({static_cast<std::uint32_t>(items_.size() - 1), &address});
    }
}

void SendQueue::build() {
    vectors_.resize(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
        Item& item = items_[i];
        const std::span<const std::byte> body = item.body.bytes();
        // The kernel only reads; iovec has no const form.
        vectors_[i][0] = {item.head.data(), item.head_size};
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
        vectors_[i][1] = {const_cast<std::byte*>(body.data()), body.size()};
    }
    headers_.clear();
    for (const Target& target : targets_) {
        if (target.address == first_) {
            append_header(target);
        }
    }
    for (const Target& target : targets_) {
        if (target.address != first_) {
            append_header(target);
        }
    }
}

void SendQueue::append_header(const Target& target) {
    msghdr& header = headers_.emplace_back().msg_hdr;
    header = {};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    header.msg_name = const_cast<sockaddr_storage*>(&target.address->storage);
    header.msg_namelen = target.address->size;
    header.msg_iov = vectors_[target.item].data();
    header.msg_iovlen = vectors_[target.item][1].iov_len == 0 ? 1 : 2;
}

void SendQueue::deliver(int fd, Outcome& outcome) {
    std::size_t next = 0;
    while (next < headers_.size()) {
        const auto count =
            static_cast<unsigned>(std::min(headers_.size() - next, kMessagesPerCall));
        const int sent = ::sendmmsg(fd, headers_.data() + next, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            outcome.sent += static_cast<std::uint64_t>(sent);
            next += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno == EAGAIN || errno == ENOBUFS) {
            ++outcome.full;
        } else {
            ++outcome.failed;
            outcome.last_error = errno;
        }
        ++next;  // this one is lost, as on the network
    }
}

SendQueue::Outcome SendQueue::send(int fd) {
    Outcome outcome;
    build();
    deliver(fd, outcome);
    clear();
    return outcome;
}

void SendQueue::clear() {
    items_.clear();
    targets_.clear();
    first_ = nullptr;
}

}  // namespace totem::net
