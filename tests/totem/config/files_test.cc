// Every file of tests/data/config against what is expected of it, which lies beside it.
//
// The expectation holds the exit code, all problems and warnings and, for a good file, who the node
// is and every key that clients see. When a change moves it, run with QUORATE_REWRITE=1, read the
// difference as a reviewer would, and commit it with the change that caused it.
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/totem/config/support.h"

namespace totem::config {
namespace {

const char* type_name(KeyType type) {
    switch (type) {
        case KeyType::kU8:
            return "u8";
        case KeyType::kU16:
            return "u16";
        case KeyType::kI32:
            return "i32";
        case KeyType::kU32:
            return "u32";
        case KeyType::kU64:
            return "u64";
        case KeyType::kString:
            return "str";
    }
    return "?";
}

std::string show(const std::vector<Key>& keys, bool with_runtime) {
    std::ostringstream out;
    for (const auto& key : keys) {
        if (with_runtime || !key.name.starts_with("runtime.")) {
            out << key.name << " (" << type_name(key.type)
                << ") = " << (key.type == KeyType::kString ? key.text : std::to_string(key.number))
                << '\n';
        }
    }
    return out.str();
}

std::string show(const ResolvedConfig& resolved) {
    const auto& ring = resolved.ring;
    std::ostringstream out;
    out << "node " << raw(resolved.self) << " of";
    for (const auto& node : resolved.nodes) {
        out << ' ' << raw(node.id) << '=' << node.address.to_string() << '/' << node.votes;
    }
    out << '\n'
        << (resolved.transport == Transport::kUdp ? "udp " : "udpu ")
        << resolved.link.local.to_string() << " port " << resolved.link.port << " ttl "
        << static_cast<int>(resolved.link.ttl);
    if (resolved.link.multicast) {
        out << " group " << resolved.link.multicast->to_string();
    }
    out << (resolved.link.broadcast ? " broadcast" : "")
        << (resolved.secauth ? " sealed" : " not sealed") << " frame data " << ring.frame_data_max
        << '\n'
        << "token " << ring.token.count() << " retransmit " << ring.token_retransmit.count()
        << " hold " << ring.hold.count() << " consensus " << ring.consensus.count() << " commit "
        << ring.commit.count() << '\n';
    return out.str();
}

std::string outcome(const std::string& text, const std::string& name) {
    const auto verdict = config_test::examine(text, name);
    std::ostringstream out;
    out << "exit " << exit_code(verdict.problems) << '\n';
    for (const auto& problem : verdict.problems) {
        out << to_string(problem) << '\n';
    }
    for (const auto& warning : verdict.warnings) {
        out << "warning: " << to_string(warning) << '\n';
    }
    if (verdict.resolved) {
        out << show(*verdict.resolved)
            << show(merged_keys(*verdict.config, *verdict.resolved),
                    text.starts_with("#! runtime-keys"));
    }
    return out.str();
}

class ConfigFile : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ConfigFile, GivesWhatIsExpected) {
    auto expected_path = GetParam();
    expected_path.replace_extension(".expected");
    const auto text = config_test::read_file(GetParam());
    const auto found = outcome(text, GetParam().filename());
    if (std::getenv("QUORATE_REWRITE") != nullptr) {
        std::ofstream{expected_path, std::ios::binary} << found;
    }
    EXPECT_EQ(found, config_test::read_file(expected_path));
}

std::string case_name(const ::testing::TestParamInfo<std::filesystem::path>& info) {
    auto name = info.param.stem().string();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(All, ConfigFile, ::testing::ValuesIn(config_test::conf_files()),
                         case_name);

}  // namespace
}  // namespace totem::config
