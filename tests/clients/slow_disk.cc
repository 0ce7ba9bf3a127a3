// slow_disk: a disk that hangs, for one program. Preloaded, it holds up calls that touch files
// below the directory $SLOW_DISK while the file $SLOW_DISK_SWITCH exists, until as many
// milliseconds after its writing as it says. With $SLOW_DISK_READS also the opening of what is only
// read.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace {

template <typename Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

const char* setting(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// The switch was thrown less than as many milliseconds ago as it says.
bool hangs() {
    struct stat file {};
    if (::stat(setting("SLOW_DISK_SWITCH"), &file) != 0) {
        return false;
    }
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    int limit_ms = 0;
    if (std::FILE* content = std::fopen(setting("SLOW_DISK_SWITCH"), "re")) {
        static_cast<void>(!std::fscanf(content, "%d", &limit_ms));
        std::fclose(content);
    }
    return (now.tv_sec - file.st_mtim.tv_sec) * 1000 +
               (now.tv_nsec - file.st_mtim.tv_nsec) / 1'000'000 <
           limit_ms;
}

void hold_up(const char* path) {
    const char* below = setting("SLOW_DISK");
    if (*below == '\0' || std::strncmp(path, below, std::strlen(below)) != 0) {
        return;
    }
    constexpr unsigned kStepUs = 10'000;
    while (hangs()) {
        ::usleep(kStepUs);
    }
}

void hold_up(int fd) {
    char path[4096] = "";
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), path, sizeof path - 1) > 0) {
        hold_up(path);
    }
}

}  // namespace

extern "C" {

int fsync(int fd) {
    if (hangs()) {
        hold_up(fd);
    }
    return real<int(int)>("fsync")(fd);
}

int fdatasync(int fd) {
    if (hangs()) {
        hold_up(fd);
    }
    return real<int(int)>("fdatasync")(fd);
}

ssize_t write(int fd, const void* data, size_t size) {
    static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
    if (hangs()) {
        hold_up(fd);
    }
    return next(fd, data, size);
}

int rename(const char* from, const char* to) noexcept {
    if (hangs()) {
        hold_up(to);
    }
    return real<int(const char*, const char*)>("rename")(from, to);
}

int open(const char* path, int flags, ...) {
    std::va_list rest;
    va_start(rest, flags);
    const auto mode = static_cast<mode_t>((flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0);
    va_end(rest);
    const bool held = (flags & O_CREAT) != 0 || *setting("SLOW_DISK_READS") != '\0';
    if (held && hangs()) {
        hold_up(path);
    }
    return real<int(const char*, int, ...)>("open")(path, flags, mode);
}

// What the streams of the C++ library open files with.
std::FILE* fopen64(const char* path, const char* mode) {
    if (hangs()) {
        hold_up(path);
    }
    return real<std::FILE*(const char*, const char*)>("fopen64")(path, mode);
}

}  // extern "C"
