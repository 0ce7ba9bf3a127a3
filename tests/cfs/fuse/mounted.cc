#include "tests/cfs/fuse/mounted.h"

#include <array>
#include <cstdlib>
#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace cfs::testing {

namespace {

class OwnMounts : public ::testing::Environment {
  public:
    void SetUp() override {
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << "these tests need root";
        ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    }
};

const auto* const kOwnMounts = ::testing::AddGlobalTestEnvironment(new OwnMounts);

std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::pair{std::string{}, path}
                                      : std::pair{path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

int Open::close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 ? 0 : errno_of_call([fd] { return ::close(fd); });
}

int Open::write(const std::string& text) const {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(fd_, text.data() + done, text.size() - done);
        if (count < 0) {
            return errno;
        }
        done += static_cast<std::size_t>(count);
    }
    return 0;
}

int Open::pwrite(const std::string& text, off_t offset) const {
    return errno_of_call([&] { return ::pwrite(fd_, text.data(), text.size(), offset); });
}

std::string Open::read_all() const {
    std::string text;
    std::array<char, 65536> piece{};
    while (true) {
        const ssize_t count =
            ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(text.size()));
        if (count < 0) {
            return "!" + std::to_string(errno);
        }
        if (count == 0) {
            return text;
        }
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

struct stat Open::stat() const {
    struct stat st {};
    EXPECT_EQ(::fstat(fd_, &st), 0);
    return st;
}

int put(const std::string& path, const std::string& text, int flags) {
    Open file(path, O_WRONLY | flags);
    if (file.error() != 0) {
        return file.error();
    }
    const int error = file.write(text);
    const int closed = file.close();
    return error != 0 ? error : closed;
}

std::string get(const std::string& path) {
    const Open file(path, O_RDONLY);
    return file.error() != 0 ? "!" + std::to_string(file.error()) : file.read_all();
}

struct stat stat_of(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st;
}

mode_t mode_of(const std::string& path) { return stat_of(path).st_mode & ALLPERMS; }

std::vector<std::string> list(const std::string& path) {
    std::vector<std::string> names;
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) {
        return {"!" + std::to_string(errno)};
    }
    while (const dirent* entry = ::readdir(directory)) {
        names.emplace_back(entry->d_name);
    }
    ::closedir(directory);
    return names;
}

int as_user(uid_t user, gid_t group, const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0) {
            ::_exit(255);
        }
        ::_exit(body());
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

std::string new_directory() {
    std::string path = "/tmp/cfs-mount-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    return path;
}

void Mounted::SetUp() {
    MountOptions options;
    options.path = point;
    options.group = kGroup;
    options.started = 4711;
    mount = std::make_unique<Mount>(files, options);
    const auto problem = mount->start();
    ASSERT_FALSE(problem) << *problem;
    files.attach(mount.get());
}

void Mounted::TearDown() {
    mount->stop();
    files.attach(nullptr);
    EXPECT_FALSE(mounted_type(point));
    EXPECT_EQ(::rmdir(point.c_str()), 0);
}

int Mounted::mkdir(const std::string& path) const {
    return errno_of_call([&] { return ::mkdir(at(path).c_str(), 0777); });
}
int Mounted::rename(const std::string& from, const std::string& to) const {
    return errno_of_call([&] { return ::rename(at(from).c_str(), at(to).c_str()); });
}
int Mounted::unlink(const std::string& path) const {
    return errno_of_call([&] { return ::unlink(at(path).c_str()); });
}
int Mounted::rmdir(const std::string& path) const {
    return errno_of_call([&] { return ::rmdir(at(path).c_str()); });
}
int Mounted::truncate(const std::string& path, off_t size) const {
    return errno_of_call([&] { return ::truncate(at(path).c_str(), size); });
}
int Mounted::set_mtime(const std::string& path, time_t seconds) const {
    const std::array<timespec, 2> times{{{0, UTIME_OMIT}, {seconds, 999}}};
    return errno_of_call([&] { return ::utimensat(AT_FDCWD, at(path).c_str(), times.data(), 0); });
}
void Mounted::mkdirs(const std::string& path) const {
    for (std::size_t end = path.find('/'); end != std::string::npos;
         end = path.find('/', end + 1)) {
        mkdir(path.substr(0, end));
    }
    mkdir(path);
}

void Mounted::remote_put(const std::string& path, const std::string& text) {
    const auto [directory, name] = split(path);
    ASSERT_EQ(files.remote(Create{files.inode(directory), name, false}).error, Errno::kOk);
    remote_write(path, text);
}

void Mounted::remote_write(const std::string& path, const std::string& text) {
    const auto data = std::as_bytes(std::span(text.data(), text.size()));
    ASSERT_EQ(files.remote(Write{files.inode(path), {{0, data}}}).error, Errno::kOk);
}

}  // namespace cfs::testing
