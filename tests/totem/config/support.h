// The host that the tests of this room run on, and files of the test data.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "totem/config/examine.h"

namespace config_test {

inline totem::config::IpAddress address(std::string_view text) {
    return totem::config::IpAddress::parse(text).value();
}

// Named pve1.example.com, with 10.81.0.11, fd00::11 and the loopback.
inline totem::config::HostFacts host() {
    totem::config::HostFacts facts;
    facts.hostname = "pve1.example.com";
    facts.interfaces = {{"lo", address("127.0.0.1"), 8, true},
                        {"lo", address("::1"), 128, true},
                        {"eth0", address("10.81.0.11"), 24, true},
                        {"eth0", address("fd00::11"), 64, true}};
    facts.resolved = {{"one.example", {address("10.81.0.11")}},
                      {"two.example", {address("10.81.0.12")}}};
    facts.users = {{"hacluster", 112}};
    facts.groups = {{"haclient", 119}};
    return facts;
}

inline constexpr std::size_t kSealBytes = 64;

inline totem::config::Verdict examine(std::string_view text, std::string_view file = "test.conf",
                                      const totem::config::HostFacts& facts = host()) {
    return totem::config::examine(totem::config::parse(text, file), facts,
                                  {.seal_bytes = kSealBytes, .local_node = totem::kNoNode});
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// Every *.conf of the test data, by name.
inline std::vector<std::filesystem::path> conf_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{
             std::filesystem::path{QUORATE_SOURCE_DIR} / "tests/data/config"}) {
        if (entry.path().extension() == ".conf") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace config_test
