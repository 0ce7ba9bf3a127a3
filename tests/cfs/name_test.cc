// Names, special places (cfs.md 1, 4.1, 5).
#include "cfs/core/name.h"

#include <string>

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(Name, AnyBytesButSlashAndNul) {
    EXPECT_EQ(check_name("a\n\"\xFF\x80 '", 256), Errno::kOk);
    EXPECT_EQ(check_name("__version__", 256), Errno::kOk);
    EXPECT_EQ(check_name("", 256), Errno::kInvalid);
    EXPECT_EQ(check_name("a/b", 256), Errno::kInvalid);
    EXPECT_EQ(check_name(std::string("a\0b", 3), 256), Errno::kInvalid);
    EXPECT_EQ(check_name(".", 256), Errno::kAccess);
    EXPECT_EQ(check_name("..", 256), Errno::kAccess);
    EXPECT_EQ(check_name("...", 256), Errno::kOk);
}

TEST(Name, LengthIsLimited) {
    EXPECT_EQ(check_name(std::string(256, 'x'), 256), Errno::kOk);
    EXPECT_EQ(check_name(std::string(257, 'x'), 256), Errno::kNameTooLong);
}

TEST(Name, Views) {
    for (const char* name : {".version", ".members", ".vmlist", ".rrd", ".clusterlog", ".debug",
                             ".status", "local", "qemu-server", "lxc", "openvz"}) {
        EXPECT_TRUE(is_view(name)) << name;
    }
    EXPECT_FALSE(is_view("nodes"));
    EXPECT_FALSE(is_view(".versions"));
}

TEST(Name, PathsAreSplitAtSlashes) {
    using Pair = std::pair<std::string_view, std::string_view>;
    EXPECT_EQ(split_first("//a/b"), (Pair{"a", "/b"}));
    EXPECT_EQ(split_first("a"), (Pair{"a", ""}));
    EXPECT_EQ(split_first("///"), (Pair{"", ""}));
}

TEST(Name, GuestIds) {
    EXPECT_EQ(guest_id("100.conf"), 100U);
    EXPECT_EQ(guest_id("1.conf"), 1U);
    EXPECT_EQ(guest_id("4294967295.conf"), 4294967295U);
    for (const char* name : {"4294967296.conf", "0.conf", "0100.conf", ".conf", "100.conf.tmp",
                             "100", "1a.conf", "-1.conf", "99999999999.conf"}) {
        EXPECT_EQ(guest_id(name), std::nullopt) << name;
    }
}

TEST(Name, GuestTypesAndNodes) {
    EXPECT_EQ(guest_type("qemu-server"), GuestType::kQemu);
    EXPECT_EQ(guest_type("lxc"), GuestType::kLxc);
    EXPECT_EQ(guest_type("openvz"), GuestType::kOpenvz);
    EXPECT_EQ(guest_type("kvm"), std::nullopt);
    EXPECT_TRUE(is_node_name("pve-1A"));
    for (const char* name : {"", "-a", "a-", "a.b", "a_b"}) {
        EXPECT_FALSE(is_node_name(name)) << name;
    }
}

}  // namespace
}  // namespace cfs
