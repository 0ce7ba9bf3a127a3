// No schedule of faults breaks a property; one that does shrinks to the faults that matter.
//
// The schedule is a plain list of values and the seed decides everything else, so leaving a fault
// out changes nothing about the others. Replay what a failure prints with
// RC_PARAMS="reproduce=...". What sim/options draws is one distribution; this is another one, with
// an empty list at its heart.
#include <ostream>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "sim/campaign.h"

namespace sim {

// rapidcheck looks for this name.
void showValue(const Fault& fault, std::ostream& out) {  // NOLINT(readability-identifier-naming)
    out << describe(fault);
}

}  // namespace sim

namespace {

using sim::Fault;
using sim::FaultKind;
using sim::NodeMask;
using std::chrono::milliseconds;

constexpr std::uint32_t kNodes = 4;
constexpr std::uint32_t kChaosMs = 12'000;

rc::Gen<NodeMask> some_nodes() { return rc::gen::inRange<NodeMask>(1, sim::all_nodes(kNodes) + 1); }

rc::Gen<sim::Duration> span(int most_ms) {
    return rc::gen::map(rc::gen::inRange(1, most_ms),
                        [](int ms) { return sim::Duration{milliseconds{ms}}; });
}

// `value`: per mille of a loss; whether a cut goes both ways; always 0 (disk kept) for a crash.
rc::Gen<Fault> fault_of(FaultKind kind, std::uint32_t value_end) {
    return rc::gen::build<Fault>(
        rc::gen::set(&Fault::kind, rc::gen::just(kind)), rc::gen::set(&Fault::at, span(kChaosMs)),
        rc::gen::set(&Fault::lasts, span(3000)), rc::gen::set(&Fault::from, some_nodes()),
        rc::gen::set(&Fault::to, some_nodes()),
        rc::gen::set(&Fault::value, rc::gen::inRange<std::uint32_t>(0, value_end)));
}

rc::Gen<sim::Schedule> schedules() {
    return rc::gen::container<sim::Schedule>(
        rc::gen::oneOf(fault_of(FaultKind::kCut, 2), fault_of(FaultKind::kCrash, 1),
                       fault_of(FaultKind::kPause, 1), fault_of(FaultKind::kLoss, 700)));
}

// A small calm world of this seed, short enough for hundreds of runs.
sim::Options small_world(std::uint64_t seed) {
    return sim::draw_options(seed, kNodes, std::chrono::seconds{24}, "calm", sim::Layer::kStack);
}

std::string verdict(sim::World& world) {
    const auto outcome = world.run();
    return outcome.violation ? outcome.violation->property + " " + outcome.violation->evidence : "";
}

RC_GTEST_PROP(FaultSchedules, BreakNothing, ()) {
    const auto seed = *rc::gen::noShrink(rc::gen::inRange<std::uint64_t>(1, 1'000'000)).as("seed");
    const auto schedule = *schedules().as("faults");
    RC_CLASSIFY(schedule.empty(), "no faults");
    sim::World world(small_world(seed), schedule);
    RC_ASSERT(verdict(world) == "");
}

// Takes the return of a node for a violation, if another one was away as well before.
class NobodyComesBack : public sim::Checker {
  public:
    explicit NobodyComesBack(sim::Findings& findings) : Checker("planted", findings) {}

    using Checker::on;
    void on(const sim::Started& event) override {
        if (event.where.life > 1) {
            back_ |= sim::mask_of(event.where.node);
        }
        if ((back_ & (back_ - 1)) != 0) {
            violate(event.where, "P1", "a second node came back");
        }
    }

  private:
    NodeMask back_ = 0;
};

TEST(FaultSchedules, ShrinkToWhatMatters) {
    sim::Schedule smallest;
    std::size_t longest = 0;
    const bool holds = rc::check("nobody comes back", [&] {
        const auto schedule = *schedules();
        sim::World world(small_world(5), schedule);
        world.recorder().add_checker<NobodyComesBack>();
        if (!verdict(world).empty()) {
            smallest = schedule;  // rapidcheck ends with the smallest that fails
            longest = std::max(longest, schedule.size());
            RC_FAIL("planted");
        }
    });
    EXPECT_FALSE(holds);
    EXPECT_GE(longest, smallest.size());
    ASSERT_GE(smallest.size(), 1U);
    EXPECT_LE(smallest.size(), 2U);
    for (const Fault& fault : smallest) {
        EXPECT_EQ(fault.kind, FaultKind::kCrash);
    }
}

// R11: what happens does not depend on where the sequence numbers begin.
TEST(SequenceWrap, ChangesNothing) {
    sim::Request request;
    request.seconds = 30;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        auto scenario = sim::draw_scenario(request, seed);
        scenario.options.ring.first_seq = 0;
        const auto low = sim::run_scenario(scenario, false);
        for (const std::uint32_t before_wrap : {5U, 300U, 0x7FFFFFFFU}) {
            scenario.options.ring.first_seq = 0U - before_wrap;
            const auto high = sim::run_scenario(scenario, false);
            ASSERT_FALSE(high.violation) << high.violation->evidence;
            EXPECT_EQ(high.events, low.events) << seed << " " << before_wrap;
            EXPECT_EQ(high.datagrams, low.datagrams);
            EXPECT_EQ(high.deliveries, low.deliveries);
            EXPECT_EQ(high.rings_installed, low.rings_installed);
        }
    }
}

}  // namespace
