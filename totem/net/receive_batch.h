// Receives many datagrams with one system call, each straight into a frame of the pool.
//
// An ordinary datagram fits the pool's smallest frame and is never copied. What is longer flows
// over into a buffer of its own slot and is put together once: only frames of peers with jumbo
// frames or very long commit tokens are.
//
// Source: wire.md 2.5 (a receiver accepts far more than a frame), recvmmsg(2).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <sys/socket.h>
#include <sys/uio.h>

#include "totem/core/frame.h"
#include "totem/net/address.h"

namespace totem::net {

class ReceiveBatch {
  public:
    static constexpr std::size_t kDatagramsMax = 64;

    explicit ReceiveBatch(FramePool& pool);

    // Receives what is readable, at most kDatagramsMax datagrams, and forgets the batch before.
    // Returns how many there are; 0 also when the call failed with anything but "nothing there",
    // which `error` (errno, else 0) tells.
    [[nodiscard]] std::size_t receive(int fd, int& error);

    // Of datagram i of the batch. An empty frame: the datagram was empty or too long to be held.
    [[nodiscard]] IpAddress source(std::size_t i) const;
    [[nodiscard]] FrameRef take(std::size_t i);

    // Gives the frames kept for the next batch back to the pool.
    void release();

  private:
    static constexpr std::size_t kFrameBytes = 2048;
    static constexpr std::size_t kOverflowBytes = 65536 - kFrameBytes;  // no UDP datagram is longer

    void prepare(std::size_t i);

    FramePool& pool_;
    std::array<FrameRef, kDatagramsMax> frames_;
    std::array<mmsghdr, kDatagramsMax> headers_{};
    std::array<std::array<iovec, 2>, kDatagramsMax> vectors_{};
    std::array<sockaddr_storage, kDatagramsMax> sources_{};
    // Not initialised, so that slots that never see a long datagram cost no memory.
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-c-arrays,modernize-avoid-c-arrays)
    std::unique_ptr<std::byte[]> overflow_;
    std::size_t used_ = kDatagramsMax;  // slots to prepare anew
};

}  // namespace totem::net
