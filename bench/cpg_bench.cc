// cpg_bench: throughput and round trip of group messages through the cpg library.
//
//   cpg_bench rate --members N --seconds S --size BYTES [--silent]
//   cpg_bench trip --members N --seconds S --size BYTES
//
// Waits until the group "quorate-bench" has N members, so that all start together. `rate` sends as
// fast as it is let (not at all with --silent) and counts what is delivered to it within S seconds
// after the first; a gap or repeat in a sender's numbers is counted in "bad". `trip` sends one
// message, waits until it is delivered to itself, and sends the next. One line of results: "rate
// MESSAGES_PER_S BYTES_PER_S bad N" or "trip P50_US P99_US COUNT".
#include <algorithm>
#include <chrono>
#include <corosync/cpg.h>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <poll.h>
#include <string>
#include <sys/uio.h>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    bool trip = false;
    bool silent = false;
    std::uint32_t members = 1;
    double seconds = 2;
    std::size_t size = 64;
};

class Bench {
  public:
    explicit Bench(const Options& options) : options_(options), message_(options.size, 'q') {}

    int run() {
        if (!connect()) {
            return 2;
        }
        const auto deadline = Clock::now() + std::chrono::seconds(30);
        while (members_ < options_.members && Clock::now() < deadline) {
            dispatch(10);
        }
        if (members_ < options_.members) {
            std::cerr << "only " << members_ << " members\n";
            return 1;
        }
        options_.trip ? trip() : rate();
        return bad_ == 0 ? 0 : 1;
    }

    void on_deliver(std::uint32_t node, const void* data, std::size_t size) {
        std::uint64_t number = 0;
        if (size < sizeof number) {
            ++bad_;
            return;
        }
        std::memcpy(&number, data, sizeof number);
        std::uint64_t& next = next_[node];
        bad_ += number == next ? 0U : 1U;
        next = number + 1;
        own_ += node == self_ ? 1U : 0U;
        const auto now = Clock::now();
        if (count_ == 0) {
            first_ = now;
        }
        last_ = now;
        ++count_;
        bytes_ += size;
    }

    void on_members(std::size_t count) {
        // Members leave when they are done; only the way up matters.
        members_ = std::max(members_, static_cast<std::uint32_t>(count));
    }

  private:
    bool connect() {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, std::uint32_t node,
                                  std::uint32_t, void* data,
                                  std::size_t size) { self(handle)->on_deliver(node, data, size); };
        model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*,
                                  std::size_t members, const cpg_address*, std::size_t,
                                  const cpg_address*,
                                  std::size_t) { self(handle)->on_members(members); };
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as libcpg has it
        auto* any_model = reinterpret_cast<cpg_model_data_t*>(&model);
        cs_error_t result = CS_ERR_LIBRARY;
        for (int tries = 0; tries < 500 && result != CS_OK; ++tries) {
            result = cpg_model_initialize(&handle_, CPG_MODEL_V1, any_model, this);
            if (result != CS_OK) {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            }
        }
        cpg_name name{};
        name.length = 13;
        std::memcpy(name.value, "quorate-bench", 13);
        while (result == CS_OK && (result = cpg_join(handle_, &name)) == CS_ERR_TRY_AGAIN) {
            result = CS_OK;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        if (result != CS_OK) {
            std::cerr << "no group: error " << result << "\n";
            return false;
        }
        return cpg_local_get(handle_, &self_) == CS_OK;
    }

    static Bench* self(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return static_cast<Bench*>(context);
    }

    bool send() {
        std::memcpy(message_.data(), &sent_, sizeof sent_);
        iovec vector{message_.data(), message_.size()};
        if (cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &vector, 1) != CS_OK) {
            return false;
        }
        ++sent_;
        return true;
    }

    void rate() {
        const auto window = std::chrono::duration<double>(options_.seconds);
        const auto until = Clock::now() + window + std::chrono::seconds(1);
        while (Clock::now() < until && (count_ == 0 || Clock::now() - first_ < window)) {
            bool progress = false;
            for (int burst = 0; burst < 8 && !options_.silent && send(); ++burst) {
                progress = true;
            }
            dispatch(progress ? 0 : 1);
        }
        const double took = std::chrono::duration<double>(last_ - first_).count();
        const double per_s = took > 0 ? static_cast<double>(count_) / took : 0;
        const double bytes_per_s = took > 0 ? static_cast<double>(bytes_) / took : 0;
        std::cout << "rate " << per_s << " " << bytes_per_s << " bad " << bad_ << std::endl;
    }

    void trip() {
        std::vector<double> times;
        const auto until = Clock::now() + std::chrono::duration<double>(options_.seconds);
        while (Clock::now() < until) {
            const std::uint64_t before = own_;
            const auto start = Clock::now();
            while (!send()) {
                dispatch(1);
            }
            while (own_ == before && Clock::now() < until + std::chrono::seconds(2)) {
                dispatch(100);
            }
            times.push_back(
                std::chrono::duration<double, std::micro>(Clock::now() - start).count());
        }
        std::sort(times.begin(), times.end());
        std::cout << "trip " << times[times.size() / 2] << " " << times[times.size() * 99 / 100]
                  << " " << times.size() << std::endl;
    }

    void dispatch(int timeout_ms) {
        int fd = -1;
        cpg_fd_get(handle_, &fd);
        pollfd ready{fd, POLLIN, 0};
        if (::poll(&ready, 1, timeout_ms) > 0) {
            cpg_dispatch(handle_, CS_DISPATCH_ALL);
        }
    }

    Options options_;
    std::string message_;
    cpg_handle_t handle_ = 0;
    unsigned int self_ = 0;
    std::map<std::uint32_t, std::uint64_t> next_;
    std::uint64_t sent_ = 0;
    std::uint64_t own_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t bad_ = 0;
    std::uint32_t members_ = 0;
    Clock::time_point first_;
    Clock::time_point last_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    Options options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string next = i + 1 < words.size() ? words[i + 1] : "0";
        if (words[i] == "trip") {
            options.trip = true;
        } else if (words[i] == "--silent") {
            options.silent = true;
        } else if (words[i] == "--members") {
            options.members = static_cast<std::uint32_t>(std::stoul(next));
        } else if (words[i] == "--seconds") {
            options.seconds = std::stod(next);
        } else if (words[i] == "--size") {
            options.size = std::max<std::size_t>(sizeof(std::uint64_t), std::stoul(next));
        }
    }
    return Bench(options).run();
}
