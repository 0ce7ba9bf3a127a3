// cpg_load: sends and verifies ordered messages through the cpg library, as an application would.
//
//   cpg_load --members N --send COUNT --expect TOTAL [--size MIN MAX] [--deadline S] [--seed S]
//            [--rate N] [--from 1,3] [--trace FILE]
//
// Joins the group "quorate-load", waits until it has N members, sends COUNT messages of sizes drawn
// log-uniform from MIN to MAX bytes, N a second at most, and ends when TOTAL were delivered that
// came from the nodes of --from (without it, from anybody). Every message carries its sender, its
// number and its content's hash; a gap, a repeat or a wrong byte ends the program with status 1.
// The last line says how many came and the hash of their order, up to the last one waited for: it
// must be equal on all members that were there from the start. "delivered TOTAL order HASH".
#include <algorithm>
#include <chrono>
#include <cmath>
#include <corosync/cpg.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <poll.h>
#include <set>
#include <sstream>
#include <string>
#include <sys/uio.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::uint32_t members = 1;
    std::uint64_t send = 0;
    std::uint64_t expect = 0;
    double size_min = 64;
    double size_max = 64;
    int deadline_s = 60;
    std::uint64_t seed = 1;
    double rate = 0;               // 0: as fast as it goes
    std::set<std::uint32_t> from;  // empty: everybody
    std::string trace;
};

constexpr std::size_t kBurstBytes = std::size_t{256} * 1024;

struct Header {
    std::uint64_t number;
    std::uint64_t hash;
    std::uint64_t size;
};

constexpr std::uint64_t kFnvStart = 1469598103934665603ULL;
constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

std::uint64_t fnv(std::uint64_t hash, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) {
        hash = (hash ^ bytes[i]) * kFnvPrime;
    }
    return hash;
}

std::uint64_t next_random(std::uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

class Load {
  public:
    explicit Load(Options options) : options_(std::move(options)) {
        random_ = options_.seed * 2654435761U + 88172645463325252ULL;
        if (!options_.trace.empty()) {
            trace_.open(options_.trace);
        }
    }

    int run() {
        if (!connect()) {
            return 2;
        }
        const auto deadline = Clock::now() + std::chrono::seconds(options_.deadline_s);
        const auto wait_members = [this] { return members_ < options_.members; };
        while (!bad_ && wait_members() && Clock::now() < deadline) {
            dispatch(10);
        }
        started_ = Clock::now();
        while (!bad_ && (sent_ < options_.send || delivered_ < options_.expect) &&
               Clock::now() < deadline) {
            const bool progress = send_some();
            dispatch(progress ? 0 : options_.rate > 0 ? 1 : 5);
        }
        std::cout << "sent " << sent_ << " members " << members_ << "\n"
                  << "delivered " << delivered_ << " order " << std::hex << order_ << std::dec
                  << std::endl;
        const bool complete = sent_ == options_.send && delivered_ >= options_.expect;
        if (complete) {
            linger(deadline);
        }
        return bad_ || !complete ? 1 : 0;
    }

    void on_deliver(std::uint32_t node, std::uint32_t pid, const void* data, std::size_t size) {
        Header header{};
        if (size < sizeof header) {
            return fail(node, "a message shorter than its header");
        }
        std::memcpy(&header, data, sizeof header);
        const auto* content = static_cast<const unsigned char*>(data) + sizeof header;
        const std::size_t content_size = size - sizeof header;
        if (header.size != size || header.hash != fnv(kFnvStart, content, content_size)) {
            return fail(node, "content differs");
        }
        // Who waits for others' messages only may have come when this sender was in the middle.
        const bool any_start = !options_.from.empty() && !options_.from.contains(node);
        std::uint64_t& next =
            next_.try_emplace({node, pid}, any_start ? header.number : 0).first->second;
        if (header.number != next) {
            return fail(node, "number " + std::to_string(header.number) + " where " +
                                  std::to_string(next) + " was due");
        }
        ++next;
        if (delivered_ >= options_.expect && options_.expect > 0) {
            return;
        }
        delivered_ += options_.from.empty() || options_.from.contains(node) ? 1 : 0;
        order_ = fnv(fnv(order_, &node, sizeof node), &header, sizeof header);
        if (trace_.is_open()) {
            trace_ << node << ' ' << header.number << ' ' << header.hash << '\n';
        }
    }

    void on_members(std::size_t count, const cpg_address* left, std::size_t left_count) {
        members_ = static_cast<std::uint32_t>(count);
        for (std::size_t i = 0; i < left_count; ++i) {
            next_.erase(
                {left[i].nodeid, left[i].pid});  // its pid may come again, and counts from 0
        }
    }

  private:
    bool connect() {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, std::uint32_t node,
                                  std::uint32_t pid, void* data, std::size_t size) {
            self(handle)->on_deliver(node, pid, data, size);
        };
        model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*,
                                  std::size_t members, const cpg_address* left, std::size_t lefts,
                                  const cpg_address*,
                                  std::size_t) { self(handle)->on_members(members, left, lefts); };
        cs_error_t result = CS_OK;
        for (int tries = 0; tries < 500; ++tries) {
            result = cpg_model_initialize(&handle_, CPG_MODEL_V1,
                                          reinterpret_cast<cpg_model_data_t*>(&model), this);
            if (result == CS_OK) {
                break;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        if (result != CS_OK) {
            std::cerr << "cpg_model_initialize: error " << result << "\n";
            return false;
        }
        cpg_name name{};
        name.length = 12;
        std::memcpy(name.value, "quorate-load", 12);
        while ((result = cpg_join(handle_, &name)) == CS_ERR_TRY_AGAIN) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        if (result != CS_OK) {
            std::cerr << "cpg_join: error " << result << "\n";
        }
        return result == CS_OK;
    }

    static Load* self(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return static_cast<Load*>(context);
    }

    bool send_some() {
        bool progress = false;
        // A little at a time: who sends without reading is a slow reader to the daemon.
        std::size_t room = kBurstBytes;
        for (int burst = 0; burst < 16 && room > 0 && sent_ < options_.send && due(); ++burst) {
            if (pending_.empty()) {
                make_message();
            }
            iovec vector{pending_.data(), pending_.size()};
            const cs_error_t result = cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &vector, 1);
            if (result == CS_ERR_TRY_AGAIN) {
                return progress;
            }
            if (result != CS_OK && result != CS_ERR_INTERRUPT) {
                fail(0, "cpg_mcast_joined: error " + std::to_string(result));
                return false;
            }
            if (result == CS_OK) {
                ++sent_;
                room -= std::min(room, pending_.size());
                pending_.clear();
            }
            progress = true;
        }
        return progress;
    }

    [[nodiscard]] bool due() const {
        const std::chrono::duration<double> since = Clock::now() - started_;
        return options_.rate <= 0 || static_cast<double>(sent_) <= since.count() * options_.rate;
    }

    void make_message() {
        const double unit = static_cast<double>(next_random(random_) >> 11) / 9007199254740992.0;
        const double size =
            std::exp(std::log(options_.size_min) +
                     unit * (std::log(options_.size_max) - std::log(options_.size_min)));
        pending_.resize(sizeof(Header) + static_cast<std::size_t>(size));
        for (std::size_t i = sizeof(Header); i < pending_.size(); ++i) {
            pending_[i] = static_cast<unsigned char>(next_random(random_));
        }
        const Header header{
            sent_,
            fnv(kFnvStart, pending_.data() + sizeof(Header), pending_.size() - sizeof(Header)),
            pending_.size()};
        std::memcpy(pending_.data(), &header, sizeof header);
    }

    void dispatch(int timeout_ms) {
        int fd = -1;
        cpg_fd_get(handle_, &fd);
        pollfd ready{fd, POLLIN, 0};
        if (::poll(&ready, 1, timeout_ms) > 0 || timeout_ms == 0) {
            const cs_error_t result = cpg_dispatch(handle_, CS_DISPATCH_ALL);
            if (result != CS_OK && result != CS_ERR_TRY_AGAIN) {
                fail(0, "cpg_dispatch: error " + std::to_string(result));
            }
        }
    }

    // Stays a member until the others had their chance to finish: leaving early would make a slower
    // member see the departure before its last message. They tell by leaving.
    void linger(Clock::time_point deadline) {
        const auto until = std::min(deadline, Clock::now() + std::chrono::milliseconds(300));
        while (Clock::now() < until && !bad_) {
            dispatch(10);
        }
    }

    void fail(std::uint32_t node, const std::string& what) {
        std::cerr << "from node " << node << ": " << what << "\n";
        bad_ = true;
    }

    Options options_;
    cpg_handle_t handle_ = 0;
    std::uint64_t random_ = 0;
    Clock::time_point started_;
    std::vector<unsigned char> pending_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> next_;  // of node and pid
    std::ofstream trace_;
    std::uint64_t sent_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t order_ = kFnvStart;
    std::uint32_t members_ = 0;
    bool bad_ = false;
};

bool parse(const std::vector<std::string>& words, Options& options) {
    std::size_t at = 1;
    const auto value = [&]() -> std::string { return at < words.size() ? words[at++] : "0"; };
    while (at < words.size()) {
        const std::string word = words[at++];
        if (word == "--members") {
            options.members = static_cast<std::uint32_t>(std::stoul(value()));
        } else if (word == "--send") {
            options.send = std::stoull(value());
        } else if (word == "--expect") {
            options.expect = std::stoull(value());
        } else if (word == "--size") {
            options.size_min = std::stod(value());
            options.size_max = std::stod(value());
        } else if (word == "--deadline") {
            options.deadline_s = std::stoi(value());
        } else if (word == "--seed") {
            options.seed = std::stoull(value());
        } else if (word == "--rate") {
            options.rate = std::stod(value());
        } else if (word == "--from") {
            std::istringstream list(value());
            for (std::string id; std::getline(list, id, ',');) {
                options.from.insert(static_cast<std::uint32_t>(std::stoul(id)));
            }
        } else if (word == "--trace") {
            options.trace = value();
        } else {
            std::cerr << "unknown option " << word << "\n";
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse({argv, argv + argc}, options)) {
        return 2;
    }
    return Load(options).run();
}
