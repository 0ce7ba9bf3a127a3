// What an interface is asked for its state says, and when it says nothing.
#include "totem/net/interface_watch.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace totem::net {
namespace {

const IpAddress kLoopback = *IpAddress::parse("127.0.0.1");

TEST(InterfaceOf, TellsWhetherTheAddressIsThereAndUp) {
    const auto there = interface_of(kLoopback);
    ASSERT_TRUE(there);
    EXPECT_NE(there->index, 0U);
    const auto nowhere = interface_of(*IpAddress::parse("203.0.113.77"));
    ASSERT_TRUE(nowhere);
    EXPECT_EQ(*nowhere, InterfaceState{});
}

TEST(InterfaceOf, SaysNothingWithoutADescriptorToAskWith) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{0, limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto asked = interface_of(kLoopback);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_FALSE(asked);
}

}  // namespace
}  // namespace totem::net
