#include "pvecm/new_file.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "totem/net/file_descriptor.h"

namespace pvecm {

namespace {

using totem::net::FileDescriptor;

std::string reason(int error) { return std::generic_category().message(error); }

bool write_all(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_directory(const std::string& directory) {
    const FileDescriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return parent.get() >= 0 && ::fsync(parent.get()) == 0;
}

// The file under its passing name; the name is gone when this is.
class Draft {
  public:
    explicit Draft(const std::string& path)
        : name_(path + ".XXXXXX"), file_(::mkostemp(name_.data(), O_CLOEXEC)) {}
    ~Draft() {
        if (file_.get() >= 0) {
            ::unlink(name_.c_str());
        }
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    Draft(Draft&&) = delete;
    Draft& operator=(Draft&&) = delete;

    // False with errno set; nothing is under `path` then.
    [[nodiscard]] bool publish(const std::string& path, unsigned mode,
                               std::span<const std::byte> bytes) const {
        return file_.get() >= 0 && write_all(file_.get(), bytes) &&
               ::fchmod(file_.get(), mode) == 0 && ::fsync(file_.get()) == 0 &&
               ::link(name_.c_str(), path.c_str()) == 0;
    }

  private:
    std::string name_;
    FileDescriptor file_;
};

}  // namespace

std::optional<std::string> create_file(const std::string& path, unsigned mode,
                                       std::span<const std::byte> bytes) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const std::string directory = parent.empty() ? "." : parent.string();
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return "cannot create directory '" + directory + "' - " + error.message();
    }
    {
        const Draft draft(path);
        if (!draft.publish(path, mode, bytes)) {
            return "cannot create '" + path + "' - " + reason(errno);
        }
    }
    if (!sync_directory(directory)) {
        const int why = errno;
        remove_file(path);
        return "cannot sync directory '" + directory + "' - " + reason(why);
    }
    return std::nullopt;
}

void remove_file(const std::string& path) noexcept {
    ::unlink(path.c_str());
    const auto slash = path.rfind('/');
    static_cast<void>(sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
}

}  // namespace pvecm
