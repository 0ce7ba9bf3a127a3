// The words of a command line as scripts write them, and what they are told when they are wrong.
#include "pvecm/parameters.h"

#include <gtest/gtest.h>

namespace pvecm {
namespace {

const Parameters& parameters() {
    static const Parameters kParameters{
        .arguments = {{"name", Format::kClusterName, ""}},
        .options = {{"nodeid", Format::kInteger, "", 1},
                    {"force", Format::kFlag, ""},
                    {"ring0_addr", Format::kAddress, ""},
                    {"ring1_addr", Format::kAddress, ""},
                    {"link0", Format::kLink, ""},
                    {"rrp_mode", Format::kWord, "", 0, 0, "none|active|passive"}}};
    return kParameters;
}

Values good(const std::vector<std::string>& words) {
    auto values = read_words(parameters(), words);
    EXPECT_TRUE(values) << values.error().text;
    return values ? *values : Values{};
}

std::string bad(const std::vector<std::string>& words) {
    const auto values = read_words(parameters(), words);
    return values ? "" : values.error().text;
}

// The complaint about one value.
std::string wrong(const std::vector<std::string>& words) {
    const std::string head = "400 Parameter verification failed.\n";
    const std::string text = bad(words);
    return text.starts_with(head) ? text.substr(head.size()) : "not about a value: " + text;
}

TEST(Parameters, OptionsHaveManyForms) {
    for (const auto& form : std::vector<std::vector<std::string>>{{"-nodeid", "7"},
                                                                  {"--nodeid", "7"},
                                                                  {"-nodeid=7"},
                                                                  {"--nodeid=7"},
                                                                  {"-n", "7"},
                                                                  {"--no=7"}}) {
        auto before = form;
        before.emplace_back("uno");
        EXPECT_EQ(good(before).number("nodeid"), 7U) << form.front();
        std::vector<std::string> behind{"uno"};
        behind.insert(behind.end(), form.begin(), form.end());
        EXPECT_EQ(good(behind).number("nodeid"), 7U) << form.front();
        EXPECT_EQ(good(behind).text("name"), "uno");
    }
}

TEST(Parameters, AbsentOptionsHaveNoValue) {
    const auto values = good({"uno"});
    EXPECT_EQ(values.find("nodeid"), nullptr);
    EXPECT_EQ(values.number("nodeid", 5), 5U);
    EXPECT_FALSE(values.flag("force"));
}

TEST(Parameters, FlagsMayHaveAValue) {
    EXPECT_TRUE(good({"--force", "uno"}).flag("force"));
    EXPECT_TRUE(good({"uno", "--force"}).flag("force"));
    EXPECT_TRUE(good({"--force", "1", "uno"}).flag("force"));
    EXPECT_FALSE(good({"--force", "0", "uno"}).flag("force"));
    EXPECT_FALSE(good({"--force=no", "uno"}).flag("force"));
    EXPECT_EQ(wrong({"--force=perhaps", "uno"}),
              "force: type check ('boolean') failed - got 'perhaps'\n");
}

TEST(Parameters, UnknownAndUncertainOptions) {
    EXPECT_EQ(bad({"-foo", "uno"}), "Unknown option: foo\n400 unable to parse option\n");
    EXPECT_EQ(bad({"--ring", "10.0.0.1", "uno"}),
              "Option ring is ambiguous (ring0_addr, ring1_addr)\n400 unable to parse option\n");
    EXPECT_EQ(bad({"uno", "--nodeid"}),
              "Option nodeid requires an argument\n400 unable to parse option\n");
    EXPECT_EQ(bad({"--foo", "--bar=1"}),
              "Unknown option: foo\nUnknown option: bar\n400 unable to parse option\n");
}

TEST(Parameters, NumberOfArguments) {
    EXPECT_EQ(bad({}), "400 not enough arguments\n");
    EXPECT_EQ(bad({"uno", "due"}), "400 too many arguments\n");
    EXPECT_EQ(good({"--", "uno"}).text("name"), "uno");
}

TEST(Parameters, Integers) {
    EXPECT_EQ(good({"uno", "-nodeid", "4294967295"}).number("nodeid"), 4294967295U);
    EXPECT_EQ(wrong({"uno", "-nodeid", "x"}), "nodeid: type check ('integer') failed - got 'x'\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", ""}), "nodeid: type check ('integer') failed - got ''\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", "1x"}),
              "nodeid: type check ('integer') failed - got '1x'\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", "0"}), "nodeid: value must have a minimum value of 1\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", "-99999999999999999999"}),
              "nodeid: value must have a minimum value of 1\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", "4294967296"}),
              "nodeid: value must have a maximum value of 4294967295\n");
    EXPECT_EQ(wrong({"uno", "-nodeid", "99999999999999999999"}),
              "nodeid: value must have a maximum value of 4294967295\n");
}

TEST(Parameters, ClusterNames) {
    EXPECT_EQ(good({"abcde-fghij-123"}).text("name"), "abcde-fghij-123");
    for (const std::string name : {"a.b", "a_b", "-a", "a-", "a b", "", "\xc3\xa4"}) {
        if (name.starts_with('-')) {
            continue;  // an option
        }
        EXPECT_EQ(wrong({name}),
                  "name: invalid format - value does not look like a valid node name\n")
            << name;
    }
    EXPECT_EQ(wrong({"abcde-fghij-1234"}), "name: value may only be 15 characters long\n");
}

TEST(Parameters, AddressesAndLinks) {
    for (const std::string text : {"10.0.0.1", "fd00::1", "uno", "uno.example.com"}) {
        EXPECT_EQ(good({"x", "-ring0_addr", text}).text("ring0_addr"), text);
        EXPECT_EQ(address_of_link(text), text);
        EXPECT_EQ(address_of_link("address=" + text + ",priority=20"), text);
    }
    for (const std::string text : {"", "a_b", "uno..due", "uno.", "10.0.0.1/24", "a b"}) {
        EXPECT_EQ(wrong({"x", "-ring0_addr", text}),
                  "ring0_addr: invalid format - value does not look like a valid address\n")
            << text;
        EXPECT_EQ(address_of_link(text), "");
    }
    EXPECT_EQ(wrong({"x", "-link0", "10.0.0.1,priority=x"}),
              "link0: invalid format - value does not look like a valid link\n");
}

TEST(Parameters, WordsAndAllThatIsWrongAtOnce) {
    EXPECT_EQ(good({"x", "-rrp_mode", "passive"}).text("rrp_mode"), "passive");
    EXPECT_EQ(wrong({"a_b", "-rrp_mode", "both", "-nodeid", "0"}),
              "name: invalid format - value does not look like a valid node name\n"
              "nodeid: value must have a minimum value of 1\n"
              "rrp_mode: value 'both' is none of: none active passive\n");
}

}  // namespace
}  // namespace pvecm
