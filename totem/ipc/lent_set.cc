#include "totem/ipc/lent_set.h"

#include <unistd.h>

#include "totem/core/check.h"

namespace totem::ipc {

LentSet::LentSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { TOTEM_CHECK(epoll_ >= 0); }

LentSet::~LentSet() { ::close(epoll_); }

bool LentSet::add(int fd) noexcept {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
    event.data.fd = fd;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void LentSet::remove(int fd) noexcept { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

std::size_t LentSet::take(Events& events) noexcept {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace totem::ipc
