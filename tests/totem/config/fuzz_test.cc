// Mutations of every file of the test data, and of what hostile hands write: never a crash, never a
// result without a reason, the same answer twice.
#include <random>

#include <gtest/gtest.h>

#include "tests/totem/config/support.h"

namespace {

using totem::config::Verdict;

// Pieces that mean something to the parser, so that mutations reach past the grammar.
const std::vector<std::string> kPieces{"{",
                                       "}",
                                       ":",
                                       "\n",
                                       "#",
                                       "\r\n",
                                       "totem {\n",
                                       "nodelist {\n",
                                       "node {\n",
                                       "}\n",
                                       "interface {\n",
                                       "nodeid: 1\n",
                                       "key: x\n",
                                       "-1",
                                       "4294967295",
                                       "18446744073709551616",
                                       "ring7_addr: fd00::1\n",
                                       "uidgid {\n",
                                       "logger_subsys {\n",
                                       "secauth: on\n",
                                       std::string("\0\xff", 2),
                                       "mcastaddr: ff15::1\n"};

std::string mutated(std::string text, std::mt19937& random) {
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    for (auto count = 1 + pick(4); count > 0; --count) {
        const auto at = pick(text.size() + 1);
        switch (pick(4)) {
            case 0:
                text.insert(at, kPieces[pick(kPieces.size())]);
                break;
            case 1:
                text.erase(at, 1 + pick(40));
                break;
            case 2:
                text.insert(at, 1, static_cast<char>(random()));
                break;
            default:
                text.insert(at, text.substr(pick(text.size() + 1), pick(200)));
        }
    }
    return text;
}

void expect_sound(const Verdict& verdict, const std::string& text) {
    EXPECT_EQ(verdict.config.has_value(), verdict.problems.empty()) << text;
    EXPECT_EQ(verdict.resolved.has_value(), verdict.problems.empty()) << text;
    for (const auto& problem : verdict.problems) {
        EXPECT_FALSE(problem.text.empty()) << text;
        const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
        EXPECT_TRUE(std::none_of(problem.text.begin(), problem.text.end(), bad)) << text;
    }
    if (verdict.resolved) {
        EXPECT_NE(raw(verdict.resolved->self), 0U) << text;
        EXPECT_GE(verdict.resolved->ring.frame_data_max, 256U) << text;
        EXPECT_GE(verdict.resolved->ring.token.count(), 30) << text;
        EXPECT_GE(verdict.resolved->ring.hold.count(), 14) << text;
        EXPECT_GE(verdict.resolved->ring.consensus, verdict.resolved->ring.join) << text;
    }
}

TEST(Fuzz, MutationsOfEveryFile) {
    constexpr int kRounds = 25;
    std::mt19937 random{20250101};  // NOLINT(cert-msc32-c,cert-msc51-cpp): repeatable on purpose
    std::size_t good = 0;
    for (const auto& path : config_test::conf_files()) {
        const auto text = config_test::read_file(path);
        for (int round = 0; round < kRounds; ++round) {
            const auto changed = mutated(text, random);
            const auto verdict = config_test::examine(changed);
            expect_sound(verdict, changed);
            EXPECT_EQ(verdict.problems, config_test::examine(changed).problems);
            good += verdict.problems.empty() ? 1 : 0;
        }
    }
    EXPECT_GT(good, 20U) << "hardly any mutation survives, so little is reached";
}

// Cutting a file anywhere gives a sound answer, too.
TEST(Fuzz, EveryPrefixOfAFile) {
    const auto text = config_test::read_file(std::filesystem::path{QUORATE_SOURCE_DIR} /
                                             "tests/data/config/good-logging.conf");
    for (std::size_t size = 0; size <= text.size(); ++size) {
        expect_sound(config_test::examine(text.substr(0, size)), text.substr(0, size));
    }
}

TEST(Fuzz, LargeAndDeep) {
    std::string deep;
    std::string wide = "totem {\nversion: 2\n}\nnodelist {\n";
    for (int i = 0; i < 20000; ++i) {
        deep += "a {\n";
    }
    for (int i = 0; i < 400; ++i) {
        wide += "node {\nring0_addr: 10.1.2.3\n}\n";
    }
    expect_sound(config_test::examine(deep), "deep");
    expect_sound(config_test::examine(wide + "}\n"), "wide");
}

}  // namespace
