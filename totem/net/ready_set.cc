#include "totem/net/ready_set.h"

#include <array>
#include <ctime>

#include <boost/system/error_code.hpp>

#include "totem/core/check.h"

namespace totem::net {

namespace {

timespec to_timespec(Duration duration) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    constexpr std::int64_t kSecond = 1'000'000'000;
    return {ns / kSecond, ns % kSecond};
}

// Linux has it since 5.11, and filters of containers may refuse what they do not know. A wait that
// fails would look like one that found nothing.
bool can_wait_in_nanoseconds(int epoll) {
    epoll_event event{};
    const timespec now{};
    return ::epoll_pwait2(epoll, &event, 1, &now, nullptr) >= 0;
}

}  // namespace

ReadySet::ReadySet(boost::asio::io_context& io)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), outer_(io) {
    TOTEM_CHECK(epoll_.valid());
    nanoseconds_ = can_wait_in_nanoseconds(epoll_.get());
    outer_.assign(epoll_.get());
    wait_in_io_context();
}

ReadySet::~ReadySet() { outer_.release(); }

void ReadySet::add(int fd, Readable& readable) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &readable;
    TOTEM_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void ReadySet::remove(int fd) {
    ++removals_;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int ReadySet::collect(std::span<epoll_event> events, Duration at_most) {
    const int room = static_cast<int>(events.size());
    if (nanoseconds_) {
        const timespec limit = to_timespec(at_most);
        return ::epoll_pwait2(epoll_.get(), events.data(), room, &limit, nullptr);
    }
    // Rounded up: who waits for a timer would otherwise come too early again and again.
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
    return ::epoll_wait(epoll_.get(), events.data(), room, static_cast<int>(ms));
}

bool ReadySet::wait(Duration at_most) {
    alone_ = false;
    return take(at_most);
}

void ReadySet::rest() {
    if (!waiting_) {
        wait_in_io_context();
    }
}

bool ReadySet::take(Duration at_most) {
    std::array<epoll_event, kEventsMax> events{};
    const int count = collect(events, at_most);
    busy_ = count > 0;
    ++round_;
    const auto ready = std::span(events).first(busy_ ? static_cast<unsigned>(count) : 0);
    using Rank = Readable::Rank;
    for (const Rank rank : {Rank::kFirst, Rank::kSecond, Rank::kAny}) {
        if (!tell(ready, rank)) {
            break;  // the next may be gone; what can still be read comes again
        }
    }
    return busy_;
}

// False: something was removed.
bool ReadySet::tell(std::span<const epoll_event> ready, Readable::Rank rank) {
    const std::uint64_t removals = removals_;
    const Readable* told = nullptr;
    for (const epoll_event& event : ready) {
        auto* readable = static_cast<Readable*>(event.data.ptr);
        if (readable == told || readable->rank() != rank) {
            continue;
        }
        told = readable;
        readable->on_readable();
        if (removals_ != removals) {
            return false;
        }
    }
    return true;
}

void ReadySet::wait_in_io_context() {
    waiting_ = true;
    outer_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                          if (error) {
                              return;
                          }
                          waiting_ = false;
                          take(Duration::zero());
                          if (alone_) {
                              wait_in_io_context();
                          }
                      });
}

}  // namespace totem::net
