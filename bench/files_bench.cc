// files_bench: small files on any mount, as careful programs write them.
//
//   files_bench DIRECTORY [--seconds S] [--sizes 200,4096,102400] [--writers 1,4,16] [--peer DIR2]
//   [--pid N]
//
// Prints one line per measurement: what, size, writers, operations per second, and the median and
// 99th percentile of one operation in microseconds. `create` is open(O_EXCL), one write, close;
// `replace` a new temporary file renamed over the old one; `read` open, read, close; `lock` mkdir
// and rmdir. `one dir` and `own dir` are `replace` by parallel writers. `visible` (with --peer, the
// same filesystem mounted on another node): from the return of a replace here until a read there
// has the new content. With --pid (may be given several times) it also tells what those processes
// had the kernel write for one replaced file.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

class File {
  public:
    File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0640)) {
        if (fd_ < 0) {
            fail("open " + path);
        }
    }
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    File(File&&) = delete;
    File& operator=(File&&) = delete;

    void write(const std::string& data) {
        if (::write(fd_, data.data(), data.size()) != static_cast<ssize_t>(data.size())) {
            fail("write");
        }
    }
    std::string read(std::size_t bytes) {
        std::string data(bytes, '\0');
        const ssize_t got = ::read(fd_, data.data(), data.size());
        if (got < 0) {
            fail("read");
        }
        data.resize(static_cast<std::size_t>(got));
        return data;
    }
    // What a replicated filesystem has to tell, it tells here.
    void close() {
        if (::close(std::exchange(fd_, -1)) != 0) {
            fail("close");
        }
    }

  private:
    int fd_;
};

void create(const std::string& path, const std::string& data) {
    File file(path, O_WRONLY | O_CREAT | O_EXCL);
    file.write(data);
    file.close();
}

void replace(const std::string& path, const std::string& data) {
    create(path + ".tmp", data);
    if (::rename((path + ".tmp").c_str(), path.c_str()) != 0) {
        fail("rename " + path);
    }
}

std::string content(std::size_t bytes, std::uint64_t number) {
    std::string data = std::to_string(number) + " ";
    data.resize(bytes, static_cast<char>('a' + number % 26));
    return data;
}

struct Options {
    std::string directory, peer;
    double seconds = 2;
    std::vector<std::size_t> sizes{200, 4096, 102400};
    std::vector<std::size_t> writers{1, 4, 16};
    std::vector<int> pids;
};

using Samples = std::vector<double>;  // us

struct Row {
    const char* what = "";
    std::size_t bytes = 0;
    std::size_t writers = 1;
};

void print(const Row& row, double seconds, Samples samples) {
    if (samples.empty()) {
        return;
    }
    std::sort(samples.begin(), samples.end());
    std::printf("%-9s %7zu B  %2zu writers  %9.1f op/s  p50 %9.1f us  p99 %9.1f us\n", row.what,
                row.bytes, row.writers, static_cast<double>(samples.size()) / seconds,
                samples[samples.size() / 2], samples[samples.size() * 99 / 100]);
    std::fflush(stdout);
}

// Runs `once(writer, number)` in as many threads as the row says, for so long; gives all times.
Samples run(const Row& row, double seconds,
            const std::function<void(std::size_t, std::uint64_t)>& once) {
    std::vector<Samples> of_writer(row.writers);
    std::atomic<bool> failed{false};
    std::string why;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    const auto repeat = [&](std::size_t writer) {
        for (std::uint64_t number = 0; Clock::now() < end && !failed; ++number) {
            const auto start = Clock::now();
            once(writer, number);
            of_writer[writer].push_back(Microseconds(Clock::now() - start).count());
        }
    };
    const auto work = [&](std::size_t writer) {
        try {
            repeat(writer);
        } catch (const std::exception& error) {
            if (!failed.exchange(true)) {
                why = error.what();
            }
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t writer = 1; writer < row.writers; ++writer) {
        threads.emplace_back(work, writer);
    }
    work(0);
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (failed) {
        throw std::runtime_error(std::string(row.what) + ": " + why);
    }
    Samples all;
    for (const Samples& samples : of_writer) {
        all.insert(all.end(), samples.begin(), samples.end());
    }
    return all;
}

std::uint64_t bytes_written(const std::vector<int>& pids) {
    std::uint64_t sum = 0;
    for (const int pid : pids) {
        std::ifstream in("/proc/" + std::to_string(pid) + "/io");
        std::string name;
        std::uint64_t value = 0;
        while (in >> name >> value) {
            sum += name == "write_bytes:" ? value : 0;
        }
    }
    return sum;
}

void one_caller(const Options& options, const std::string& place, std::size_t bytes) {
    const std::string path = place + "/one";
    Row row{"create", bytes, 1};
    print(row, options.seconds, run(row, options.seconds, [&](std::size_t, std::uint64_t number) {
              create(path + std::to_string(number), content(bytes, number));
          }));
    row.what = "unlink";
    std::uint64_t files = 0;
    while (fs::exists(path + std::to_string(files))) {
        ++files;
    }
    const auto start = Clock::now();
    Samples samples;
    for (std::uint64_t number = 0; number < files; ++number) {
        const auto before = Clock::now();
        fs::remove(path + std::to_string(number));
        samples.push_back(Microseconds(Clock::now() - before).count());
    }
    print(row, std::chrono::duration<double>(Clock::now() - start).count(), samples);
    row.what = "replace";
    print(row, options.seconds, run(row, options.seconds, [&](std::size_t, std::uint64_t number) {
              replace(path, content(bytes, number));
          }));
    row.what = "read";
    print(row, options.seconds, run(row, options.seconds, [&](std::size_t, std::uint64_t) {
              if (File(path, O_RDONLY).read(bytes + 1).size() != bytes) {
                  fail("short read");
              }
          }));
}

// In one directory, and in one each: a kernel lets one change of a directory happen at a time.
void many_writers(const Options& options, const std::string& place, bool own_directories) {
    const auto path = [&](std::size_t writer) {
        const std::string name = std::to_string(writer);
        return own_directories ? place + "/d" + name + "/file" : place + "/w" + name;
    };
    for (const std::size_t writers : options.writers) {
        for (std::size_t writer = 0; own_directories && writer < writers; ++writer) {
            fs::create_directory(place + "/d" + std::to_string(writer));
        }
        const Row row{own_directories ? "own dir" : "one dir", 4096, writers};
        const std::uint64_t before = bytes_written(options.pids);
        const Samples samples =
            run(row, options.seconds, [&](std::size_t writer, std::uint64_t number) {
                replace(path(writer), content(4096, number));
            });
        print(row, options.seconds, samples);
        if (!options.pids.empty() && !samples.empty()) {
            std::printf("          %.1f KB written for each, by each of %zu processes\n",
                        static_cast<double>(bytes_written(options.pids) - before) / 1000 /
                            static_cast<double>(samples.size() * options.pids.size()),
                        options.pids.size());
        }
    }
}

void visibility(const Options& options, const std::string& place, const std::string& name) {
    const std::string here = place + "/seen";
    const std::string there = options.peer + "/" + name + "/seen";
    Samples samples;
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
    for (std::uint64_t number = 0; Clock::now() < end; ++number) {
        const std::string data = content(200, number);
        replace(here, data);
        const auto returned = Clock::now();
        while (!fs::exists(there) || File(there, O_RDONLY).read(data.size() + 1) != data) {
        }
        samples.push_back(Microseconds(Clock::now() - returned).count());
    }
    print({"visible", 200, 1}, options.seconds, samples);
}

void measure(const Options& options) {
    const std::string name = "files_bench." + std::to_string(::getpid());
    const std::string place = options.directory + "/" + name;
    fs::create_directory(place);
    for (const std::size_t bytes : options.sizes) {
        one_caller(options, place, bytes);
    }
    const Row lock{"lock", 0, 1};
    print(lock, options.seconds, run(lock, options.seconds, [&](std::size_t, std::uint64_t) {
              fs::create_directory(place + "/lock");
              fs::remove(place + "/lock");
          }));
    many_writers(options, place, false);
    many_writers(options, place, true);
    if (!options.peer.empty()) {
        visibility(options, place, name);
    }
    fs::remove_all(place);
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): it ends the run
int main(int argc, char** argv) {
    Options options;
    CLI::App app{"small files on any mount, as careful programs write them"};
    app.add_option("directory", options.directory, "a writable directory of the mount")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--seconds", options.seconds, "length of each measurement");
    app.add_option("--sizes", options.sizes, "bytes of a file")->delimiter(',');
    app.add_option("--writers", options.writers, "parallel writers of 4096 B")->delimiter(',');
    app.add_option("--peer", options.peer, "the same directory as another node mounts it")
        ->check(CLI::ExistingDirectory);
    app.add_option("--pid", options.pids, "daemons whose written bytes are counted");
    CLI11_PARSE(app, argc, argv);
    try {
        measure(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "files_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
