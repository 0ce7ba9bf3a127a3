// A real mount of a FakeFiles, in a mount namespace of the test's own: what a test leaves mounted
// goes with its process.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

#include <gtest/gtest.h>

#include "cfs/fuse/mount.h"
#include "tests/cfs/fuse/fake_files.h"

namespace cfs::testing {

// What a system call said: 0, or its errno.
template <typename Call>
int errno_of_call(Call&& call) {
    errno = 0;
    return call() < 0 ? errno : 0;
}

// A file descriptor that closes itself; close() says what close(2) said.
class Open {
  public:
    Open(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0640)) {
        error_ = fd_ < 0 ? errno : 0;
    }
    ~Open() { static_cast<void>(close()); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    Open(Open&&) = delete;
    Open& operator=(Open&&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] int error() const { return error_; }  // of open(2)
    int close();
    // The errno, 0 when all was written.
    int write(const std::string& text) const;
    int pwrite(const std::string& text, off_t offset) const;
    [[nodiscard]] std::string read_all() const;  // from the beginning
    [[nodiscard]] struct stat stat() const;

  private:
    int fd_;
    int error_ = 0;
};

// The errno of writing a whole new file, or of the open.
int put(const std::string& path, const std::string& text, int flags = O_CREAT | O_TRUNC);
// "!" and the errno's number when it cannot be read.
std::string get(const std::string& path);
struct stat stat_of(const std::string& path);
mode_t mode_of(const std::string& path);
std::vector<std::string> list(const std::string& path);
// Runs `body` in a child with this user and group, and gives what it returned.
int as_user(uid_t user, gid_t group, const std::function<int()>& body);
// A new directory, of the test's own.
std::string new_directory();

class Mounted : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    // On the mount.
    [[nodiscard]] std::string at(const std::string& path) const { return point + "/" + path; }
    int mkdir(const std::string& path) const;
    int rename(const std::string& from, const std::string& to) const;
    int unlink(const std::string& path) const;
    int rmdir(const std::string& path) const;
    int truncate(const std::string& path, off_t size) const;
    int set_mtime(const std::string& path, time_t seconds) const;
    void mkdirs(const std::string& path) const;
    // As another node.
    void remote_put(const std::string& path, const std::string& text);
    void remote_write(const std::string& path, const std::string& text);

    static constexpr gid_t kGroup = 33;
    std::string point = new_directory();
    FakeFiles files;
    std::unique_ptr<Mount> mount;
};

}  // namespace cfs::testing
