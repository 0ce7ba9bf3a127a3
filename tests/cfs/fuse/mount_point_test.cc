// Where it is mounted, how it ends, and what a daemon that was killed leaves behind.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cfs/fuse/mounted.h"

namespace cfs::testing {
namespace {

MountOptions at_point(const std::string& path) {
    MountOptions options;
    options.path = path;
    return options;
}

// A process with a mount of its own.
class OtherMount {
  public:
    explicit OtherMount(const std::string& path) {
        const std::string program =
            std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cfs_fake_mount";
        int in[2];
        int out[2];
        EXPECT_EQ(::pipe(in), 0);
        EXPECT_EQ(::pipe(out), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::close(in[1]);
            ::close(out[0]);
            ::execl(program.c_str(), program.c_str(), path.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        std::array<char, 16> said{};
        EXPECT_EQ(::read(out[0], said.data(), said.size()), 8) << "mounted";
        ::close(out[0]);
    }
    ~OtherMount() { end(SIGKILL); }
    OtherMount(const OtherMount&) = delete;
    OtherMount& operator=(const OtherMount&) = delete;
    OtherMount(OtherMount&&) = delete;
    OtherMount& operator=(OtherMount&&) = delete;

    // When this returns none of its threads runs any more.
    void stop() const {
        ::kill(pid_, SIGSTOP);
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, WUNTRACED), pid_);
        EXPECT_TRUE(WIFSTOPPED(status));
    }
    void go_on() const { ::kill(pid_, SIGCONT); }
    void end(int number) {
        if (pid_ > 0) {
            ::kill(pid_, number);
            ::waitpid(pid_, nullptr, 0);
            pid_ = 0;
            ::close(input_);
        }
    }

  private:
    pid_t pid_ = 0;
    int input_ = -1;
};

TEST(MountPoint, AsInProcMounts) {
    const std::string point = new_directory();
    FakeFiles files;
    Mount mount(files, at_point(point + "/"));
    ASSERT_FALSE(mount.start());
    std::ifstream in("/proc/self/mounts");
    std::string found;
    for (std::string line; std::getline(in, line);) {
        found = line.find(point) != std::string::npos ? line : found;
    }
    EXPECT_EQ(found, "/dev/fuse " + point +
                         " fuse rw,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,"
                         "allow_other 0 0");
    mount.stop();
    EXPECT_FALSE(mounted_type(point));
    ::rmdir(point.c_str());
}

TEST(MountPoint, IsMadeWhenMissing) {
    const std::string above = new_directory();
    FakeFiles files;
    {
        Mount mount(files, at_point(above + "/with blank"));
        ASSERT_FALSE(mount.start());
        EXPECT_EQ(mounted_type(above + "/with blank"), "fuse");
    }
    EXPECT_FALSE(mounted_type(above + "/with blank"));
    std::filesystem::remove_all(above);
}

TEST(MountPoint, WhatIsNotEmptyIsRefusedUnlessAsked) {
    const std::string point = new_directory();
    std::ofstream(point + "/file") << "x";
    FakeFiles files;
    {
        Mount mount(files, at_point(point));
        EXPECT_EQ(mount.start(), point + ": the mount point is not empty");
    }
    MountOptions options = at_point(point);
    options.rules.over_content = true;
    Mount mount(files, options);
    EXPECT_FALSE(mount.start());
    EXPECT_NE(::access((point + "/file").c_str(), F_OK), 0);
    mount.stop();
    EXPECT_EQ(::access((point + "/file").c_str(), F_OK), 0);
    std::filesystem::remove_all(point);
}

TEST(MountPoint, WhatIsNoDirectoryIsRefused) {
    FakeFiles files;
    EXPECT_EQ(Mount(files, at_point("relative")).start(),
              "relative: the mount point must be an absolute path");
    const std::string above = new_directory();
    std::ofstream(above + "/file") << "x";
    EXPECT_TRUE(Mount(files, at_point(above + "/file")).start());
    EXPECT_EQ(::symlink(".", (above + "/link").c_str()), 0);
    EXPECT_EQ(Mount(files, at_point(above + "/link")).start(),
              above + "/link: the mount point is a symbolic link");
    std::filesystem::remove_all(above);
}

TEST(MountPoint, WhatADeadDaemonLeftIsTakenAway) {
    const std::string point = new_directory();
    OtherMount other(point);
    EXPECT_EQ(put(point + "/f", "x"), 0);
    const Open open(point + "/f", O_RDONLY);
    other.end(SIGKILL);
    EXPECT_NE(::access((point + "/f").c_str(), F_OK), 0);
    // At once: the kernel may still know attributes of the root (this was once taken for life).
    FakeFiles files;
    Mount mount(files, at_point(point));
    const auto problem = mount.start();
    ASSERT_FALSE(problem) << *problem;
    files.attach(&mount);
    EXPECT_EQ(put(point + "/g", "y"), 0);
    EXPECT_EQ(get(point + "/g"), "y");
    EXPECT_EQ(open.read_all().substr(0, 1), "!") << "of the dead one";
    mount.stop();
    EXPECT_FALSE(mounted_type(point)) << "nothing is left below it";
    ::rmdir(point.c_str());
}

TEST(MountPoint, WhatIsAliveOrDoesNotAnswerStays) {
    const std::string point = new_directory();
    OtherMount other(point);
    FakeFiles files;
    {
        Mount mount(files, at_point(point));
        EXPECT_EQ(mount.start(), point + ": there is a filesystem of type fuse mounted on it");
    }
    other.stop();
    {
        MountOptions options = at_point(point);
        options.rules.patience = std::chrono::milliseconds(100);
        EXPECT_EQ(
            Mount(files, options).start(),
            point + ": there is a filesystem of type fuse mounted on it that does not answer");
    }
    other.go_on();
    EXPECT_EQ(put(point + "/f", "x"), 0) << "it was left alone";
    other.end(SIGKILL);
    ASSERT_EQ(::umount2(point.c_str(), MNT_DETACH), 0);
    ASSERT_EQ(::mount("tmpfs", point.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(Mount(files, at_point(point)).start(),
              point + ": there is a filesystem of type tmpfs mounted on it");
    ::umount2(point.c_str(), MNT_DETACH);
    ::rmdir(point.c_str());
}

TEST(MountPoint, EndsThoughItIsInUse) {
    const std::string point = new_directory();
    FakeFiles files;
    Mount mount(files, at_point(point));
    ASSERT_FALSE(mount.start());
    files.attach(&mount);
    ASSERT_EQ(put(point + "/f", "x"), 0);
    const Open file(point + "/f", O_RDWR);
    const Open directory(point, O_RDONLY | O_DIRECTORY);
    const auto start = std::chrono::steady_clock::now();
    mount.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    EXPECT_FALSE(mounted_type(point));
    EXPECT_EQ(get(point + "/f"), "!" + std::to_string(ENOENT));
    EXPECT_NE(file.write("y"), 0);
    files.attach(nullptr);
    ::rmdir(point.c_str());
}

TEST(MountPoint, TellsWhenSomebodyUnmountsIt) {
    const std::string point = new_directory();
    FakeFiles files;
    std::promise<void> ended;
    MountOptions options = at_point(point);
    options.on_ended = [&ended] { ended.set_value(); };
    Mount mount(files, options);
    ASSERT_FALSE(mount.start());
    ASSERT_EQ(::umount2(point.c_str(), 0), 0);
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    mount.stop();
    ::rmdir(point.c_str());
}

}  // namespace
}  // namespace cfs::testing
