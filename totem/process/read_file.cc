#include "totem/process/read_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace totem::process {

Result<std::string, int> read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return Unexpected{errno};
    }
    std::string text;
    std::array<char, 16384> piece{};
    ssize_t got = 1;
    while (got > 0 && text.size() <= kReadFileMax) {
        got = ::read(fd, piece.data(), piece.size());
        if (got > 0) {
            text.append(piece.data(), static_cast<std::size_t>(got));
        } else if (got < 0 && errno == EINTR) {
            got = 1;
        }
    }
    const int problem = got < 0 ? errno : text.size() > kReadFileMax ? EFBIG : 0;
    ::close(fd);
    if (problem != 0) {
        return Unexpected{problem};
    }
    return text;
}

}  // namespace totem::process
