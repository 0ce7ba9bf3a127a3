// The small readers under the file reader: syntax, numbers, addresses, what the host must look up.
#include <gtest/gtest.h>

#include "tests/totem/config/support.h"
#include "totem/config/schema.h"
#include "totem/config/syntax.h"

namespace totem::config {
namespace {

TEST(Syntax, KeepsSectionsKeysAndLines) {
    Report report{"f"};
    const auto tree = read_syntax("a {\n b : c: d \n e {\n }\n}\nfoo: {\n}", report);
    EXPECT_TRUE(report.ok());
    ASSERT_EQ(tree.top.items.size(), 2U);
    const auto& a = tree.top.items[0];
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.line, 1U);
    EXPECT_EQ(a.last_line, 5U);
    ASSERT_EQ(a.items.size(), 2U);
    EXPECT_EQ(a.items[0].name, "b");
    EXPECT_EQ(a.items[0].value, "c: d");
    EXPECT_EQ(a.items[0].line, 2U);
    EXPECT_TRUE(a.items[1].section);
    // The first brace decides, also behind a colon.
    EXPECT_EQ(tree.top.items[1].name, "foo:");
    EXPECT_TRUE(tree.top.items[1].section);
}

TEST(Syntax, LastLineNeedsNoNewline) {
    Report report{"f"};
    EXPECT_EQ(read_syntax("abc: d", report).top.items.size(), 1U);
    EXPECT_TRUE(report.ok());
}

TEST(Number, ReadsWhatCorosyncReads) {
    EXPECT_EQ(parse_number("0", KeyType::kU8), 0U);
    EXPECT_EQ(parse_number("+255", KeyType::kU8), 255U);
    EXPECT_EQ(parse_number("007", KeyType::kU8), 7U);
    EXPECT_EQ(parse_number("-0", KeyType::kU32), 0U);
    EXPECT_EQ(parse_number("-2147483648", KeyType::kI32), std::uint64_t{0} - 2147483648U);
    EXPECT_EQ(parse_number("18446744073709551615", KeyType::kU64), ~std::uint64_t{0});
}

TEST(Number, RefusesTheRest) {
    for (const auto* text : {"", "+", "-", "256", "-1", "0x1", "1 ", "1.0", "--1", "1e2"}) {
        EXPECT_FALSE(parse_number(text, KeyType::kU8)) << text;
    }
    EXPECT_FALSE(parse_number("2147483648", KeyType::kI32));
    EXPECT_FALSE(parse_number("-2147483649", KeyType::kI32));
    EXPECT_FALSE(parse_number("18446744073709551616", KeyType::kU64));
    EXPECT_FALSE(parse_number("99999999999999999999999", KeyType::kU64));
}

TEST(RingAddress, NumberOfTheLink) {
    EXPECT_EQ(ring_address_link("ring0_addr"), 0U);
    EXPECT_EQ(ring_address_link("ring12_addr"), 12U);
    for (const auto* text :
         {"ring_addr", "ringx_addr", "ring0_add", "ring256_addr", "xring0_addr"}) {
        EXPECT_FALSE(ring_address_link(text)) << text;
    }
}

TEST(Address, TextAndBytes) {
    EXPECT_EQ(config_test::address("10.80.0.1").v4_value(), 0x0A500001U);
    EXPECT_EQ(IpAddress::v4(0x0A500001U).to_string(), "10.80.0.1");
    EXPECT_EQ(config_test::address("FD00:0:0::0:1").to_string(), "fd00::1");
    for (const auto* text : {"", "10.0.0", "10.0.0.256", "fe80::1%eth0", "a.b.c.d", " 10.0.0.1"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
    EXPECT_FALSE(IpAddress::parse(std::string_view{"10.0.0.1\0x", 10}));
    EXPECT_FALSE(IpAddress::parse(std::string(5000, '1')));
}

TEST(Address, OfAHost) {
    for (const auto* text : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1"}) {
        EXPECT_FALSE(config_test::address(text).is_host()) << text;
    }
    EXPECT_TRUE(config_test::address("10.0.0.255").is_host());
    EXPECT_TRUE(config_test::address("::1").is_host());
}

TEST(Address, Networks) {
    const auto base = config_test::address("10.81.7.1");
    EXPECT_TRUE(base.same_network(config_test::address("10.81.7.200"), 24));
    EXPECT_FALSE(base.same_network(config_test::address("10.81.6.1"), 24));
    EXPECT_TRUE(base.same_network(config_test::address("10.81.6.1"), 23));
    EXPECT_TRUE(base.same_network(config_test::address("1.2.3.4"), 0));
    EXPECT_FALSE(base.same_network(config_test::address("fd00::1"), 0));
    EXPECT_FALSE(base.same_network(config_test::address("10.81.7.0"), 32));
    EXPECT_TRUE(base.same_network(base, 99));
}

// wire.md 1.1: seen on the wire of a real corosync.
TEST(MulticastAddress, AsSeenOnTheWire) {
    const auto v4 = IpAddress::Family::kV4;
    EXPECT_EQ(multicast_address("twlab", totem::LinkId{0}, v4).to_string(), "239.192.13.217");
    EXPECT_EQ(multicast_address("twlab", totem::LinkId{1}, v4).to_string(), "239.192.13.218");
    EXPECT_EQ(multicast_address("twlab", totem::LinkId{0}, IpAddress::Family::kV6).to_string(),
              "ff15::dcc");
}

TEST(ChooseAddress, ByVersion) {
    const auto v4 = config_test::address("10.0.0.1");
    const auto v6 = config_test::address("fd00::1");
    EXPECT_EQ(choose_address({v6, v4}, IpVersion::kV4), v4);
    EXPECT_EQ(choose_address({v4, v6}, IpVersion::kV6), v6);
    EXPECT_EQ(choose_address({v6, v4}, IpVersion::kV4ThenV6), v4);
    EXPECT_EQ(choose_address({v4, v6}, IpVersion::kV6ThenV4), v6);
    EXPECT_EQ(choose_address({v6}, IpVersion::kV4ThenV6), v6);
    EXPECT_EQ(choose_address({v6}, IpVersion::kV4), std::nullopt);
    EXPECT_EQ(choose_address({}, IpVersion::kV6ThenV4), std::nullopt);
}

TEST(Lookups, NamesUsersAndGroupsOnce) {
    const auto loaded = parse(
        "nodelist {\nnode {\nring0_addr: a.example\n}\nnode {\nring0_addr: 10.0.0.1\n}\n"
        "node {\nring0_addr: a.example\n}\n}\nuidgid {\nuid: bob\nuid: 7\ngid: staff\n}\n",
        "f");
    ASSERT_TRUE(loaded.draft);
    const auto wanted = lookups(*loaded.draft);
    EXPECT_EQ(wanted.names, std::vector<std::string>{"a.example"});
    EXPECT_EQ(wanted.users, std::vector<std::string>{"bob"});
    EXPECT_EQ(wanted.groups, std::vector<std::string>{"staff"});
}

TEST(UidGidFile, OnlyUidGidSections) {
    const auto good = parse_uidgid("uidgid {\n uid: 5\n}\nuidgid {\n gid: staff\n}\n", "x.d/y");
    EXPECT_TRUE(good.problems.empty());
    ASSERT_EQ(good.uidgid.size(), 2U);
    EXPECT_TRUE(good.uidgid[1].group);
    const auto bad = parse_uidgid("totem {\n}\nuidgid {\n foo: 5\n}\n", "x.d/y");
    ASSERT_EQ(bad.problems.size(), 2U);
    EXPECT_EQ(to_string(bad.problems[0]),
              "parser error: x.d/y:1: uidgid: Can't add subsection different than uidgid");
    EXPECT_EQ(to_string(bad.problems[1]),
              "parser error: x.d/y:4: uidgid: Only uid and gid are allowed items");
}

// Secrets are in nothing that could be printed or read by a client.
TEST(Key, IsNowhereButInItsField) {
    const std::string secret(200, 'S');
    const auto verdict = config_test::examine(
        "totem {\nversion: 2\ntransport: udpu\nsecauth: on\nkey: x\nkey: " + secret +
        "\n}\nnodelist {\nnode {\nring0_addr: 10.81.0.11\n}\n}\n");
    ASSERT_TRUE(verdict.config);
    EXPECT_EQ(verdict.config->totem.key, secret);
    for (const auto& key : merged_keys(*verdict.config, *verdict.resolved)) {
        EXPECT_EQ(key.text.find("SSS"), std::string::npos) << key.name;
    }
    for (const auto& warning : verdict.warnings) {
        EXPECT_EQ(warning.text.find("SSS"), std::string::npos);
    }
}

}  // namespace
}  // namespace totem::config
