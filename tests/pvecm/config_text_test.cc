// The writer of configuration files: the usual order, and nothing lost that the reader gave.
#include "pvecm/config_text.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/pvecm/fakes.h"
#include "totem/config/load.h"

namespace {

using totem::config::Item;

Item read(std::string_view text) {
    totem::config::Report report{"test.conf"};
    auto tree = totem::config::read_syntax(text, report);
    EXPECT_TRUE(report.ok());
    return tree.top;
}

std::string rewritten(std::string_view text) { return pvecm::config_text(read(text)); }

TEST(ConfigText, SortsKeysSectionsNodesAndInterfaces) {
    EXPECT_EQ(rewritten("totem {\n"
                        "version: 2\n"
                        "interface {\n ringnumber: 10\n}\n"
                        "interface {\n ringnumber: 9\n}\n"
                        "cluster_name: test\n"
                        "}\n"
                        "nodelist {\n"
                        "node {\n ring0_addr: b\n nodeid: 1\n}\n"
                        "node {\n ring0_addr: z\n name: a\n}\n"
                        "}\n"),
              "nodelist {\n"
              "  node {\n"
              "    name: a\n"
              "    ring0_addr: z\n"
              "  }\n"
              "  node {\n"
              "    nodeid: 1\n"
              "    ring0_addr: b\n"
              "  }\n"
              "}\n"
              "\n"
              "totem {\n"
              "  cluster_name: test\n"
              "  interface {\n"
              "    ringnumber: 9\n"
              "  }\n"
              "  interface {\n"
              "    ringnumber: 10\n"
              "  }\n"
              "  version: 2\n"
              "}\n"
              "\n");
}

// Capitals before small letters, whatever the language of the administrator.
TEST(ConfigText, SortsByByte) {
    EXPECT_EQ(rewritten("s {\nb: 1\na_b: 2\nB: 3\na: 4\n}\n"),
              "s {\n  B: 3\n  a: 4\n  a_b: 2\n  b: 1\n}\n\n");
}

TEST(ConfigText, KeepsWhatItDoesNotKnow) {
    EXPECT_EQ(rewritten("quorum {\n"
                        "  auto_tie_breaker_node: 1 2  3\n"
                        "  empty:\n"
                        "  new.thing: a: b } # c\n"
                        "}\n"),
              "quorum {\n"
              "  auto_tie_breaker_node: 1 2  3\n"
              "  empty:\n"
              "  new.thing: a: b } # c\n"
              "}\n"
              "\n");
}

// The last of several lines counts, so they keep their order.
TEST(ConfigText, KeepsRepeatedKeysInOrder) {
    EXPECT_EQ(rewritten("a {\nk: 2\nk: 1\n}\na {\nk: 0\n}\n"),
              "a {\n  k: 2\n  k: 1\n}\n\na {\n  k: 0\n}\n\n");
}

// A line may be as long as the reader takes without any blank.
TEST(ConfigText, LongValuesGiveUpTheirBlanks) {
    const std::string value(totem::config::kLineBytesMax - 4, 'v');
    const auto text = rewritten("a {\nb {\nkey:" + value + "\n}\n}\n");
    EXPECT_EQ(text, "a {\n  b {\nkey:" + value + "\n  }\n}\n\n");
    EXPECT_EQ(rewritten(text), text);
}

Item without_lines(Item item) {
    item.line = item.last_line = 0;
    for (Item& inner : item.items) {
        inner = without_lines(std::move(inner));
    }
    return item;
}

// Sorted by name only, so that nothing here repeats the writer's order.
Item by_name(Item item) {
    for (Item& inner : item.items) {
        inner = by_name(std::move(inner));
    }
    const auto text = [](const Item& one) { return one.name + '\n' + pvecm::config_text(one); };
    std::stable_sort(item.items.begin(), item.items.end(), [&](const Item& a, const Item& b) {
        return std::make_pair(a.name, a.section ? text(a) : "") <
               std::make_pair(b.name, b.section ? text(b) : "");
    });
    return item;
}

// Every good file of the parser's tests: the same tree, and a second writing changes nothing.
TEST(ConfigText, RewritesEveryGoodFile) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{
             std::filesystem::path{QUORATE_SOURCE_DIR} / "tests/data/config"}) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with("good-") || !name.ends_with(".conf")) {
            continue;
        }
        ++files;
        const auto before = pvecm_test::read_file(entry.path().string());
        const auto after = rewritten(before);
        EXPECT_EQ(by_name(without_lines(read(after))), by_name(without_lines(read(before))))
            << name;
        EXPECT_EQ(rewritten(after), after) << name;
        EXPECT_TRUE(totem::config::parse(after, name).problems.empty()) << name;
    }
    EXPECT_GT(files, 10);
}

}  // namespace
