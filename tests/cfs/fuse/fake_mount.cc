// Mounts a filesystem of one node that keeps its files in memory, until its standard input ends:
// for tests that need a process to kill, and to try other programs on by hand.
//
//   cfs_fake_mount MOUNTPOINT [MICROSECONDS]   how long every change takes
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <unistd.h>

#include "tests/cfs/fuse/fake_files.h"

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: cfs_fake_mount MOUNTPOINT [MICROSECONDS]\n", stderr);
        return 2;
    }
    cfs::testing::FakeFiles files;
    if (argc > 2) {
        files.set_delay(std::chrono::microseconds(std::atoi(argv[2])));
    }
    cfs::MountOptions options;
    options.path = argv[1];
    options.started = static_cast<std::uint64_t>(std::time(nullptr));
    cfs::Mount mount(files, options);
    if (const auto problem = mount.start()) {
        std::fprintf(stderr, "%s\n", problem->c_str());
        return 1;
    }
    files.attach(&mount);
    std::puts("mounted");
    std::fflush(stdout);
    std::array<char, 64> input{};
    while (::read(STDIN_FILENO, input.data(), input.size()) > 0) {
    }
    mount.stop();
    files.attach(nullptr);
    return 0;
}
