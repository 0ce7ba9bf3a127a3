#include "totem/daemon/ring_number_memo.h"

#include <fcntl.h>
#include <fstream>
#include <linux/magic.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "totem/core/used_numbers.h"

namespace totem::daemon {

namespace {

template <std::size_t kBytes>
std::array<char, kBytes> boot_id() {
    std::array<char, kBytes> id{};
    std::ifstream("/proc/sys/kernel/random/boot_id").read(id.data(), id.size() - 1);
    return id;
}

// The file's memory, `bytes` of it, zero where it was shorter; nullptr: not to be had. One of
// another size is of no use to us, so it is made anew.
void* map(int fd, std::size_t bytes) {
    struct statfs filesystem {};
    struct stat file {};
    if (::fstatfs(fd, &filesystem) != 0 || filesystem.f_type != TMPFS_MAGIC ||
        ::fstat(fd, &file) != 0) {
        return nullptr;
    }
    const auto size = static_cast<off_t>(bytes);
    // Its room is taken now: a full tmpfs must not be met at the first write.
    if ((file.st_size != size && ::ftruncate(fd, 0) != 0) || ::posix_fallocate(fd, 0, size) != 0) {
        return nullptr;
    }
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

RingNumberMemo::RingNumberMemo(const std::string& path) {
    const auto id = boot_id<kBootIdBytes>();
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return;
    }
    void* memory = id.front() != '\0' ? map(fd, sizeof(Content)) : nullptr;
    ::close(fd);
    if (memory == nullptr) {
        ::unlink(path.c_str());
        return;
    }
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): memory of a file
    content_ = std::launder(reinterpret_cast<Content*>(memory));
    if (content_->boot_id != id) {
        content_->used = 0;
        content_->asked = 0;
        content_->durable = 0;
        content_->boot_id = id;
    }
}

RingNumberMemo::~RingNumberMemo() {
    if (content_ != nullptr) {
        ::munmap(content_, sizeof(Content));
    }
}

std::optional<std::uint64_t> RingNumberMemo::used(std::uint64_t stored) const {
    if (content_ == nullptr) {
        return std::nullopt;
    }
    const UsedNumbers numbers{
        .used = content_->used, .asked = content_->asked, .durable = content_->durable};
    return numbers.of_last_life(stored);
}

void RingNumberMemo::use(std::uint64_t number) noexcept {
    if (content_ != nullptr && number > content_->used.load(std::memory_order_relaxed)) {
        content_->used.store(number, std::memory_order_relaxed);
    }
}

void RingNumberMemo::bound_asked(std::uint64_t bound) noexcept {
    if (content_ != nullptr) {
        content_->asked.store(bound, std::memory_order_relaxed);
    }
}

void RingNumberMemo::bound_durable(std::uint64_t bound) noexcept {
    if (content_ != nullptr) {
        content_->durable.store(bound, std::memory_order_relaxed);
    }
}

}  // namespace totem::daemon
