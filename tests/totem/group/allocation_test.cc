// In a steady state nothing is allocated between a client's bytes and the services of all members.
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "tests/totem/group/layer_bus.h"
#include "tests/totem/group/probe_service.h"

namespace {

std::size_t allocations = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

}  // namespace

void* operator new(std::size_t bytes) {
    ++allocations;
    void* memory = std::malloc(bytes);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t bytes) noexcept {
    static_cast<void>(bytes);
    std::free(memory);
}

namespace {

using group_test::bytes_of;
using group_test::LayerBus;
using group_test::ProbeDoor;
using group_test::ProbeService;

TEST(Allocation, NoneInASteadyState) {
    LayerBus bus(3);
    std::vector<std::unique_ptr<ProbeService>> services;
    for (std::uint32_t i = 1; i <= 3; ++i) {
        services.push_back(std::make_unique<ProbeService>(2));
        services.back()->log_messages = false;
        bus.node(i).layer.add(*services.back());
    }
    ProbeDoor door(*services.front());
    bus.node(1).layer.add(door);
    bus.step(bus.node(1), [&] {
        bus.node(1).layer.open({totem::group::ServiceId{2}, totem::group::ConnectionId{1}, 1});
    });
    bus.install({1, 2, 3});
    bus.settle();
    const std::string small(100, 's');
    const std::string big(200'000, 'b');
    const auto round = [&](int messages) {
        for (int i = 0; i < messages; ++i) {
            const std::string& text = i % 1'000 == 0 ? big : small;
            bus.step(bus.node(1), [&] {
                ASSERT_TRUE(
                    bus.node(1).layer.request({totem::group::ConnectionId{1}, bytes_of(text)}));
            });
            if (i % 20 == 0) {
                bus.settle();
            }
        }
        bus.settle();
    };
    round(2'000);
    const std::size_t before = allocations;
    round(200'000);
    EXPECT_EQ(allocations, before);
    for (const auto& service : services) {
        EXPECT_EQ(service->received, 202'000U);
    }
}

}  // namespace
