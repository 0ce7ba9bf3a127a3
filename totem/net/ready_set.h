// ReadySet: the descriptors of the token's path, waited for with one system call.
//
// An io_context arms a descriptor anew before each wait. At a token every few microseconds that is
// a system call per hop for nothing, so these descriptors stay armed in an epoll of their own.
// While they are busy, the loop waits here; the io_context, which has everything else, waits for
// them too and so carries the loop whenever they are quiet. Source: epoll(7), epoll_wait(2).
#pragma once

#include <cstdint>
#include <span>
#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "totem/core/types.h"
#include "totem/net/file_descriptor.h"

namespace totem::net {

// What is told that something of its own can be read.
class Readable {
  public:
    Readable() = default;
    Readable(const Readable&) = delete;
    Readable& operator=(const Readable&) = delete;
    Readable(Readable&&) = delete;
    Readable& operator=(Readable&&) = delete;
    virtual ~Readable() = default;

    // Once per wait, however many of its descriptors can be read. Not called again before the loop
    // comes round, and then as long as there is something left to read.
    virtual void on_readable() = 0;
    // Who is told before whom of the same wait.
    enum class Rank : std::uint8_t { kFirst, kSecond, kAny };
    [[nodiscard]] virtual Rank rank() const noexcept { return Rank::kAny; }
};

class ReadySet {
  public:
    // The io_context must outlive the set, and not run after it. Aborts when the process has no
    // file descriptor left.
    explicit ReadySet(boost::asio::io_context& io);
    ~ReadySet();
    ReadySet(const ReadySet&) = delete;
    ReadySet& operator=(const ReadySet&) = delete;
    ReadySet(ReadySet&&) = delete;
    ReadySet& operator=(ReadySet&&) = delete;

    // `readable` must live until remove(fd), which comes before fd is closed.
    void add(int fd, Readable& readable);
    void remove(int fd);

    // Waits until something can be read, at most so long, and tells whose it is. False: nothing.
    bool wait(Duration at_most);
    // For a loop that uses wait(): the next wait is the io_context's, which hears once of this set.
    // Without such a loop the io_context carries the set alone. It must not otherwise: a busy
    // network would keep it for as long as it is busy, at three system calls per hop.
    void rest();
    // Whether the last wait, here or in the io_context, found something: the next will be short.
    [[nodiscard]] bool busy() const noexcept { return busy_; }
    // Counts the waits: what was looked at in this one need not be looked at again.
    [[nodiscard]] std::uint64_t round() const noexcept { return round_; }

  private:
    [[nodiscard]] int collect(std::span<epoll_event> events, Duration at_most);
    bool take(Duration at_most);
    bool tell(std::span<const epoll_event> ready, Readable::Rank rank);
    void wait_in_io_context();

    static constexpr int kEventsMax = 8;

    FileDescriptor epoll_;
    boost::asio::posix::stream_descriptor outer_;  // epoll_, which the io_context does not own
    bool nanoseconds_ = false;  // the kernel waits as exactly; else in milliseconds
    std::uint64_t removals_ = 0;
    std::uint64_t round_ = 1;
    bool busy_ = false;
    bool alone_ = true;     // nobody uses wait()
    bool waiting_ = false;  // the io_context waits for the set
};

}  // namespace totem::net
