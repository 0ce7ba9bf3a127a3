#include "sim/event_queue.h"

#include <gtest/gtest.h>

namespace {

using sim::Event;
using sim::EventKind;
using sim::EventQueue;
using sim::Instant;

TEST(EventQueue, GivesBackByTimeThenByOrderOfArrival) {
    EventQueue queue;
    for (const int at : {5, 1, 3, 1, 5, 3}) {
        queue.push({.at = Instant{std::chrono::nanoseconds{at}}, .kind = EventKind::kRun});
    }
    std::uint64_t last_id = 0;
    Instant last{};
    for (int i = 0; i < 6; ++i) {
        const Event event = queue.pop();
        EXPECT_TRUE(event.at > last || (event.at == last && event.id > last_id));
        last = event.at;
        last_id = event.id;
    }
    EXPECT_TRUE(queue.empty());
}

}  // namespace
