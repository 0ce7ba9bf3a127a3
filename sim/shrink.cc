#include "sim/shrink.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "sim/campaign.h"

namespace sim {

namespace {

// What a run breaks: the checker and the property, or "crash" when the process died.
// Empty when nothing is wrong.
std::string verdict(const Scenario& scenario) {
    std::array<int, 2> ends{-1, -1};
    if (pipe(ends.data()) != 0) {
        std::perror("pipe");
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        std::exit(2);
    }
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        name_run_for_checks("shrink");
        const Outcome outcome = run_scenario(scenario, false);
        const std::string name =
            outcome.violation ? outcome.violation->checker + " " + outcome.violation->property : "";
        const bool written =
            write(ends[1], name.data(), name.size()) == static_cast<ssize_t>(name.size());
        _exit(written ? 0 : 2);
    }
    close(ends[1]);
    std::string name;
    std::array<char, 512> buffer{};
    for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
        name.append(buffer.data(), static_cast<std::size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        return "crash";
    }
    return name.substr(0, name.find('\n'));
}

class Shrinker {
  public:
    Shrinker(Scenario scenario, std::string target)
        : best_(std::move(scenario)), target_(std::move(target)) {}

    // Leaves out ever smaller parts of the list until no single fault can go.
    void drop_faults() {
        for (std::size_t part = std::max<std::size_t>(best_.schedule.size() / 2, 1);;) {
            bool smaller = false;
            for (std::size_t at = 0; at < best_.schedule.size();) {
                Scenario next = best_;
                const auto begin = next.schedule.begin() + static_cast<std::ptrdiff_t>(at);
                const auto count = std::min(part, best_.schedule.size() - at);
                next.schedule.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
                if (accept(std::move(next))) {
                    smaller = true;
                } else {
                    at += part;
                }
            }
            if (part == 1 && !smaller) {
                return;
            }
            part = std::max<std::size_t>(part / 2, 1);
        }
    }

    // Rounder times, shorter faults, fewer nodes, smaller values.
    void simplify_faults() {
        const auto change = [this](std::size_t at, const std::function<void(Fault&)>& edit) {
            Scenario next = best_;
            edit(next.schedule[at]);
            if (next.schedule[at] != best_.schedule[at]) {
                accept(std::move(next));
            }
        };
        for (std::size_t i = 0; i < best_.schedule.size(); ++i) {
            change(i, [](Fault& f) { f.extra = 0; });
            change(i, [](Fault& f) { f.lasts /= 2; });
            for (std::uint32_t node = 0; node < best_.options.nodes; ++node) {
                change(i, [node](Fault& f) { f.from &= ~mask_of(node); });
                change(i, [node](Fault& f) { f.to &= ~mask_of(node); });
            }
        }
    }

    [[nodiscard]] const Scenario& best() const { return best_; }

  private:
    bool accept(Scenario next) {
        if (verdict(next) != target_) {
            return false;
        }
        best_ = std::move(next);
        std::printf("%zu faults\n", best_.schedule.size());
        std::fflush(stdout);
        return true;
    }

    Scenario best_;
    std::string target_;
};

}  // namespace

int shrink(Scenario scenario, const std::string& out) {
    const std::string target = verdict(scenario);
    if (target.empty()) {
        std::printf("nothing to shrink: this run breaks nothing\n");
        return 2;
    }
    std::printf("breaks %s with %zu faults\n", target.c_str(), scenario.schedule.size());
    Shrinker shrinker(std::move(scenario), target);
    shrinker.drop_faults();
    shrinker.simplify_faults();
    const std::string text = "# breaks " + target + "\n" + format_scenario(shrinker.best());
    std::printf("%s", text.c_str());
    if (!out.empty()) {
        std::ofstream(out) << text;
    }
    return 0;
}

}  // namespace sim
