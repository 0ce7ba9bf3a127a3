#include "totem/net/receive_batch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "totem/net/udp_socket.h"

namespace totem::net {

ReceiveBatch::ReceiveBatch(FramePool& pool)
    : pool_(pool), overflow_(new std::byte[kDatagramsMax * kOverflowBytes]) {}

void ReceiveBatch::prepare(std::size_t i) {
    if (frames_.at(i).empty()) {
        frames_.at(i) = pool_.allocate(kFrameBytes);
    }
    vectors_.at(i).at(0) = {frames_.at(i).writable().data(), kFrameBytes};
    vectors_.at(i).at(1) = {overflow_.get() + i * kOverflowBytes, kOverflowBytes};
    msghdr& header = headers_.at(i).msg_hdr;
    header = {};
    header.msg_name = &sources_.at(i);
    header.msg_namelen = sizeof sources_.at(i);
    header.msg_iov = vectors_.at(i).data();
    header.msg_iovlen = vectors_.at(i).size();
}

std::size_t ReceiveBatch::receive(int fd, int& error) {
    for (std::size_t i = 0; i < used_; ++i) {
        prepare(i);
    }
    used_ = 0;
    error = 0;
    const int count = ::recvmmsg(fd, headers_.data(), kDatagramsMax, MSG_DONTWAIT, nullptr);
    if (count < 0) {
        error = errno == EAGAIN || errno == EINTR ? 0 : errno;
        return 0;
    }
    used_ = static_cast<std::size_t>(count);
    return used_;
}

IpAddress ReceiveBatch::source(std::size_t i) const { return from_socket_address(sources_.at(i)); }

FrameRef ReceiveBatch::take(std::size_t i) {
    const std::size_t size = headers_.at(i).msg_len;
    if (size == 0 || (headers_.at(i).msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        return {};
    }
    if (size <= kFrameBytes) {
        FrameRef frame = std::move(frames_.at(i));
        frame.truncate(size);
        return frame;
    }
    FrameRef whole = pool_.allocate(size);
    std::memcpy(whole.writable().data(), frames_.at(i).bytes().data(), kFrameBytes);
    std::memcpy(whole.writable().subspan(kFrameBytes).data(), vectors_.at(i).at(1).iov_base,
                size - kFrameBytes);
    return whole;
}

void ReceiveBatch::release() {
    std::ranges::fill(frames_, FrameRef());
    used_ = kDatagramsMax;
}

}  // namespace totem::net
