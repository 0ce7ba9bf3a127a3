// An invented cluster, machine and place of the configuration, and a run of pvecm on them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include "pvecm/command.h"
#include "pvecm/host_config.h"
#include "pvecm/program.h"
#include "totem/config/examine.h"

namespace pvecm_test {

inline totem::config::IpAddress address(std::string_view text) {
    return totem::config::IpAddress::parse(text).value();
}

// A file of tests/data/pvecm, recorded from corosync-quorumtool 3.1.7.
inline std::string recorded(const std::string& name) {
    std::ifstream in(std::filesystem::path{QUORATE_SOURCE_DIR} / "tests/data/pvecm" / name);
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline pvecm::Member member(std::uint32_t id, std::uint32_t flags = 0) {
    pvecm::Member one;
    one.id = totem::NodeId{id};
    one.address = "10.81.0.1" + std::to_string(id);
    one.votes = 1;
    one.flags = flags;
    return one;
}

// Nodes pve1 to pve3 with a vote each, seen from node 1, of which these are members.
inline pvecm::View view_of(const std::vector<std::uint32_t>& ids, std::uint32_t expected,
                           std::uint64_t ring_seq) {
    pvecm::View view;
    view.self = totem::NodeId{1};
    view.ring = {totem::NodeId{1}, ring_seq};
    const auto total = static_cast<std::uint32_t>(ids.size());
    const std::uint32_t threshold = expected / 2 + 1;
    view.quorate = total >= threshold;
    view.sums = {expected, expected, total, threshold, view.quorate ? pvecm::kQuorate : 0U};
    for (const auto id : ids) {
        view.members.push_back(member(id, view.sums.flags));
    }
    for (std::uint32_t id = 1; id <= 3; ++id) {
        view.listed.push_back({totem::NodeId{id}, "pve" + std::to_string(id), 1});
    }
    view.configured_votes = 3;
    return view;
}

class FakeCluster final : public pvecm::Cluster {
  public:
    totem::Result<pvecm::View, pvecm::DoorError> look() override {
        ++looks;
        if (!down.empty()) {
            return totem::Unexpected{pvecm::DoorError{down}};
        }
        return looks > 1 && later ? *later : view;
    }
    std::optional<pvecm::DoorError> set_expected(std::uint32_t votes) override {
        set_to = votes;
        return refusal.empty() ? std::nullopt : std::optional{pvecm::DoorError{refusal}};
    }

    pvecm::View view = view_of({1, 2, 3}, 3, 9);
    std::optional<pvecm::View> later;  // from the second look on
    std::string down;                  // why it does not answer
    std::string refusal;               // why it does not set expected votes
    std::optional<std::uint32_t> set_to;
    int looks = 0;
};

class FakeHost final : public pvecm::Host {
  public:
    bool is_root() override { return root; }
    std::string operator_name() override { return "anna (sudo)"; }
    std::string host_name() override { return name; }
    std::vector<totem::config::IpAddress> look_up(const std::string& wanted) override {
        const auto found = names.find(wanted);
        return found == names.end() ? std::vector<totem::config::IpAddress>{} : found->second;
    }
    totem::config::HostFacts facts_for(const totem::config::ClusterConfig& config) override {
        totem::config::HostFacts facts;
        facts.hostname = name;
        facts.interfaces = interfaces;
        for (const auto& wanted : totem::config::lookups(config).names) {
            facts.resolved[wanted] = look_up(wanted);
        }
        return facts;
    }
    std::string date() override { return day; }
    bool draw_random(std::span<std::byte> out) override {
        std::generate(out.begin(), out.end(), [this] { return std::byte{next_++}; });
        return random;
    }
    void log(const std::string& line) override { logged.push_back(line); }

    bool root = true;
    bool random = true;
    std::string name = "uno.example.com";
    std::string day = "Sun Nov 22 08:39:58 2026";
    std::map<std::string, std::vector<totem::config::IpAddress>> names = {
        {"uno", {address("127.0.1.1"), address("10.0.0.1")}},
        {"lo", {address("127.0.1.1"), address("::1")}},
        {"six", {address("fd00::1")}}};
    std::vector<totem::config::HostInterface> interfaces = {{"lo", address("127.0.0.1"), 8, true},
                                                            {"eth0", address("10.0.0.1"), 24, true},
                                                            {"eth0", address("fd00::1"), 64, true}};
    std::vector<std::string> logged;

  private:
    unsigned char next_ = 0;
};

// A directory of its own, gone with the test.
class Directory {
  public:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "pvecm-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    Directory(Directory&&) = delete;
    Directory& operator=(Directory&&) = delete;

    [[nodiscard]] std::string operator/(const std::string& name) const {
        return (path_ / name).string();
    }
    // Names of all files below, from here, ascending.
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
            if (!entry.is_directory()) {
                found.push_back(std::filesystem::relative(entry.path(), path_).string());
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    std::filesystem::path path_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

class Program {
  public:
    // The exit status; what it wrote is in out and err.
    int run(const std::vector<std::string>& words, const std::string& typed = "") {
        std::istringstream in(typed);
        std::ostringstream out_stream;
        std::ostringstream err_stream;
        pvecm::Context context{.in = in,
                               .out = out_stream,
                               .err = err_stream,
                               .cluster = cluster,
                               .host = host,
                               .config = config,
                               .key_path = directory / "etc/authkey",
                               .lock_path = directory / "lock"};
        const int status = pvecm::run_program(context, words);
        out = out_stream.str();
        err = err_stream.str();
        return status;
    }
    // This node is in a cluster.
    void configured() { write_file(config.path(), "totem {\n}\n"); }

    FakeCluster cluster;
    FakeHost host;
    Directory directory;
    pvecm::HostConfig config{directory / "etc/corosync.conf"};
    std::string out;
    std::string err;
};

}  // namespace pvecm_test
