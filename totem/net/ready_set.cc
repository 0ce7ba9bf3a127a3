#include "totem/net/ready_set.h"

#include <array>
#include <ctime>
#include <span>
#include <sys/epoll.h>

#include <boost/system/error_code.hpp>

#include "totem/core/check.h"

namespace totem::net {

ReadySet::ReadySet(boost::asio::io_context& io)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), outer_(io) {
    TOTEM_CHECK(epoll_.valid());
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

bool ReadySet::wait(Duration at_most) {
    std::array<epoll_event, kEventsMax> events{};
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(at_most).count();
    constexpr std::int64_t kSecond = 1'000'000'000;
    const timespec limit{ns / kSecond, ns % kSecond};
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsMax, &limit, nullptr);
    busy_ = count > 0;
    const std::uint64_t removals = removals_;
    const void* told = nullptr;
    for (const epoll_event& event :
         std::span(events).first(busy_ ? static_cast<unsigned>(count) : 0)) {
        if (event.data.ptr == told) {
            continue;
        }
        told = event.data.ptr;
        static_cast<Readable*>(event.data.ptr)->on_readable();
        if (removals_ != removals) {
            break;  // the next may be gone; what can still be read comes again
        }
    }
    return busy_;
}

void ReadySet::wait_in_io_context() {
    outer_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                          if (!error) {
                              wait(Duration::zero());
                              wait_in_io_context();
                          }
                      });
}

}  // namespace totem::net
