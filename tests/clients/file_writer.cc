// file_writer MOUNT LOG FIRST COUNT SEED PAUSE_US: writers FIRST.. work in MOUNT/chaos, each in a
// thread, until the file LOG.stop exists. Every attempt becomes a line of LOG when it is over:
//
//   WRITER NUMBER KIND PATH LENGTH START END OUTCOME ERRNO
//
// START and END in ns of the monotonic clock. OUTCOME: `acknowledged`; `refused`, when the error
// says that nothing happened; else `uncertain`. Content is "WRITER NUMBER\n" over and over, LENGTH
// bytes, so each content is written once. tests/e2e/write_history.py judges what is there at the
// end.
//
// MOUNT/chaos is never made here: without it nothing is mounted, and nothing must be written.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// What an attempt came to: the errno of the step that decides, 0 when it succeeded; or of an
// earlier one, after which nothing that counts was asked for.
struct Result {
    int error = 0;
    bool decided = true;
};

const char* outcome(const Result& result) {
    if (result.error == 0) {
        return "acknowledged";
    }
    const bool certain = result.error == EACCES || result.error == EBUSY ||
                         result.error == EEXIST || result.error == ENOSPC;
    return certain || !result.decided ? "refused" : "uncertain";
}

class Log {
  public:
    explicit Log(const std::string& path) : stop_(path + ".stop"), out_(path, std::ios::app) {}

    void line(const std::string& text) {
        const std::lock_guard guard(mutex_);
        out_ << text << std::endl;
    }
    [[nodiscard]] bool stopped() const { return std::filesystem::exists(stop_); }
    [[nodiscard]] bool good() const { return out_.good(); }

  private:
    std::string stop_;
    std::ofstream out_;
    std::mutex mutex_;
};

// Writes all of a file; what close says decides.
Result put(const std::string& path, const std::string& content, int more_flags = 0) {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | more_flags, 0640);
    if (file < 0) {
        return {errno, false};
    }
    const auto written = ::pwrite(file, content.data(), content.size(), 0);
    const int error = written < 0 ? errno : EIO;
    const bool whole = written == static_cast<ssize_t>(content.size());
    if (::close(file) != 0) {
        return {errno, whole};
    }
    return whole ? Result{} : Result{error, false};
}

// As careful programs write: beside it, then over it. What rename says decides.
Result replace(const std::string& path, const std::string& content) {
    const std::string beside = path + ".tmp";
    const Result first = put(beside, content, O_TRUNC);
    if (first.error != 0) {
        return {first.error, false};
    }
    return ::rename(beside.c_str(), path.c_str()) == 0 ? Result{} : Result{errno, true};
}

Result claim(const std::string& path) {
    const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
    if (file < 0) {
        return {errno, errno != ENOENT};
    }
    ::close(file);
    return {};
}

Result remove(const std::string& path) {
    return ::unlink(path.c_str()) == 0 ? Result{} : Result{errno, true};
}

class Writer {
  public:
    Writer(std::string base, int id, std::uint64_t seed, Log& log)
        : base_(std::move(base)), id_(id), draw_(seed), log_(log) {}

    // One attempt; false when it failed.
    bool step() {
        ++number_;
        const auto kind = below(100);
        if (kind < 40) {
            return put_own();
        }
        if (kind < 55) {
            return replace_own();
        }
        if (kind < 70) {
            return make_new();
        }
        if (kind < 80) {
            return remove_old();
        }
        return kind < 90 ? write_shared() : take_claim();
    }

  private:
    std::uint64_t below(std::uint64_t bound) { return draw_() % bound; }
    [[nodiscard]] std::string mine(const std::string& name) const {
        return "w" + std::to_string(id_) + "/" + name;
    }
    [[nodiscard]] std::string content(std::size_t length) const {
        const std::string line = std::to_string(id_) + " " + std::to_string(number_) + "\n";
        std::string text;
        while (text.size() < length) {
            text += line;
        }
        text.resize(length);
        return text;
    }

    template <typename Attempt>
    bool attempt(const char* kind, const std::string& name, std::size_t length, Attempt body) {
        const auto start = now_ns();
        const Result result = body(base_ + name);
        const auto end = now_ns();
        log_.line(std::to_string(id_) + " " + std::to_string(number_) + " " + kind + " " + name +
                  " " + std::to_string(length) + " " + std::to_string(start) + " " +
                  std::to_string(end) + " " + outcome(result) + " " + std::to_string(result.error));
        return result.error == 0;
    }
    bool attempt_put(const char* kind, const std::string& name, std::size_t length) {
        return attempt(kind, name, length,
                       [&](const std::string& path) { return put(path, content(length)); });
    }

    // Of one length each: written over without truncation, so that one operation says all.
    bool put_own() {
        constexpr std::array<std::size_t, 4> kLengths{100, 1000, 4096, 20000};
        const auto which = below(kLengths.size());
        return attempt_put("put", mine("f" + std::to_string(which)), kLengths.at(which));
    }
    // Now and then more than goes into one operation.
    bool replace_own() {
        const std::size_t length = below(8) == 0 ? 300000 : 50 + below(3000);
        return attempt("put", mine("r" + std::to_string(below(3))), length,
                       [&](const std::string& path) { return replace(path, content(length)); });
    }
    bool make_new() {
        const std::string name = mine("n" + std::to_string(number_));
        const bool made = attempt_put("new", name, 40 + below(400));
        if (made) {
            made_.push_back(name);
        }
        return made;
    }
    bool remove_old() {
        if (made_.size() < 4) {
            return make_new();
        }
        const auto which = static_cast<std::ptrdiff_t>(below(made_.size()));
        const std::string name = made_.at(static_cast<std::size_t>(which));
        made_.erase(made_.begin() + which);
        return attempt("del", name, 0, remove);
    }
    bool write_shared() { return attempt_put("share", "shared/s" + std::to_string(below(4)), 300); }
    // Everybody wants the same name at the same time.
    bool take_claim() {
        const auto slot = now_ns() / 500'000'000;
        if (slot == claimed_) {
            return write_shared();
        }
        claimed_ = slot;
        return attempt("claim", "claims/c" + std::to_string(slot), 0, claim);
    }

    std::string base_;
    int id_;
    std::int64_t number_ = 0;
    std::int64_t claimed_ = 0;
    std::vector<std::string> made_;
    std::mt19937_64 draw_;
    Log& log_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() != 6) {
        std::cerr << "usage: file_writer MOUNT LOG FIRST COUNT SEED PAUSE_US\n";
        return 2;
    }
    Log log(words[1]);
    if (!log.good()) {
        std::cerr << "file_writer: cannot write " << words[1] << '\n';
        return 1;
    }
    const int first = std::stoi(words[2]);
    const microseconds pause(std::stoi(words[5]));
    std::vector<std::thread> threads;
    for (int id = first; id < first + std::stoi(words[3]); ++id) {
        const std::uint64_t seed = std::stoull(words[4]) * 1000 + static_cast<std::uint64_t>(id);
        threads.emplace_back([&, id, seed] {
            Writer writer(words[0] + "/chaos/", id, seed, log);
            while (!log.stopped()) {
                // What is refused is refused at once: not to fill the log with it.
                std::this_thread::sleep_for(writer.step() ? pause : pause + milliseconds(50));
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    return log.good() ? 0 : 1;
}
