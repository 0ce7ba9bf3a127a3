#include "totem/config/quorum_check.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace totem::config {

namespace {

constexpr std::string_view kVotequorum = "corosync_votequorum";

struct Unbuilt {
    std::string_view name;
    bool on;
};

class Checker {
  public:
    Checker(const ClusterConfig& config, Report& report)
        : config_(config), quorum_(config.quorum), report_(report) {}

    void check(bool local_listed);

  private:
    void refuse_unbuilt();
    void check_device();
    void check_tie_breaker();
    void wrong(std::string_view key, std::string text) {
        report_.problem(Stage::kService, config_.line_of("quorum." + std::string{key}),
                        std::move(text));
    }
    [[nodiscard]] bool listed() const {
        return !config_.nodes.empty() && !config_.nodes_are_members;
    }
    [[nodiscard]] std::uint64_t node_votes() const;
    [[nodiscard]] bool all_have_one_vote() const;
    [[nodiscard]] std::uint64_t device_votes() const;

    const ClusterConfig& config_;
    const QuorumConfig& quorum_;
    Report& report_;
};

std::uint64_t Checker::node_votes() const {
    std::uint64_t votes = 0;
    for (const auto& node : config_.nodes) {
        votes += node.quorum_votes;
    }
    return votes;
}

bool Checker::all_have_one_vote() const {
    return std::all_of(config_.nodes.begin(), config_.nodes.end(),
                       [](const auto& node) { return node.quorum_votes == 1; });
}

std::uint64_t Checker::device_votes() const {
    const std::uint64_t by_default = config_.nodes.empty() ? 0 : config_.nodes.size() - 1;
    return quorum_.device.votes.value_or(static_cast<std::uint32_t>(by_default));
}

void Checker::check_device() {
    if (quorum_.device.model.empty()) {
        return;
    }
    if (quorum_.two_node) {
        wrong("two_node",
              "configuration error: two_node and quorum device cannot be configured at the same "
              "time!");
    }
    for (const auto& option : {Unbuilt{"last_man_standing", quorum_.last_man_standing},
                               Unbuilt{"auto_tie_breaker", quorum_.auto_tie_breaker},
                               Unbuilt{"allow_downscale", quorum_.allow_downscale}}) {
        if (option.on) {
            wrong(option.name, "configuration error: quorum.device is not compatible with " +
                                   std::string{option.name});
        }
    }
    if (!quorum_.device.votes && quorum_.expected_votes) {
        wrong("device.model",
              "configuration error: quorum.device.votes must be specified when "
              "quorum.expected_votes is set");
        return;
    }
    if (!quorum_.device.votes && !all_have_one_vote()) {
        wrong("device.model",
              "configuration error: quorum.device.votes must be specified when not all nodes votes "
              "1");
        return;
    }
    const std::uint64_t expected =
        quorum_.expected_votes ? *quorum_.expected_votes : node_votes() + device_votes();
    if (expected < device_votes() + 2) {
        wrong(quorum_.device.votes ? "device.votes" : "device.model",
              "configuration error: quorum.device.votes is too high or expected_votes is too low");
    }
}

void Checker::check_tie_breaker() {
    const std::uint64_t expected = quorum_.expected_votes.value_or(0) != 0
                                       ? std::uint64_t{*quorum_.expected_votes}
                                       : node_votes();
    if (quorum_.auto_tie_breaker && quorum_.last_man_standing && expected % 2 == 1 &&
        !effective_wait_for_all(quorum_)) {
        wrong(
            "auto_tie_breaker",
            "configuration error: auto_tie_breaker & last_man_standing not available in odd sized "
            "cluster");
    }
    if (!quorum_.auto_tie_breaker && config_.find("quorum.auto_tie_breaker_node") != nullptr) {
        report_.warning(config_.line_of("quorum.auto_tie_breaker_node"),
                        "auto_tie_breaker_node: is meaningless if auto_tie_breaker is set to 0");
    }
}

void Checker::refuse_unbuilt() {
    const std::array<Unbuilt, 5> options{{
        {"last_man_standing", quorum_.last_man_standing},
        {"auto_tie_breaker", quorum_.auto_tie_breaker},
        {"allow_downscale", quorum_.allow_downscale},
        {"expected_votes_tracking", quorum_.expected_votes_tracking},
        {"device.model", !quorum_.device.model.empty()},
    }};
    for (const auto& option : options) {
        if (option.on) {
            wrong(option.name, "quorum." + std::string{option.name} +
                                   " is not supported yet: remove it, the votes would not count as "
                                   "it says");
        }
    }
}

void Checker::check(bool local_listed) {
    if (quorum_.provider.empty()) {
        return;
    }
    if (quorum_.provider != kVotequorum) {
        wrong("provider", "Invalid quorum provider");
        return;
    }
    if (!(listed() && local_listed) && quorum_.expected_votes.value_or(0) == 0) {
        wrong("provider",
              "configuration error: nodelist or quorum.expected_votes must be configured!");
    }
    check_device();
    check_tie_breaker();
    refuse_unbuilt();
}

}  // namespace

void check_quorum(const ClusterConfig& config, bool local_listed, Report& report) {
    Checker{config, report}.check(local_listed);
}

bool effective_wait_for_all(const QuorumConfig& quorum) noexcept {
    return quorum.wait_for_all.value_or(quorum.two_node);
}

}  // namespace totem::config
