// Checkers of replicated files are silent on good histories and catch each bug planted into one.
#include "tests/sim/file_history.h"

namespace sim {
namespace {

struct PlantedInFiles {
    const char* name;
    const char* property;
    std::function<void(FileTale&)> tell;
};

class PlantedFileBug : public ::testing::TestWithParam<PlantedInFiles> {};

TEST(FileCheckers, AreSilentOnAGoodHistory) {
    FileTale h;
    h.form_files();
    // Node 3 has applied what the others never heard of; they go on, it puts that aside.
    h.apply(2, h.ask(2));
    h.open(2, 0b011);
    static_cast<void>(h.write(0, 0b011));
    h.adopt(2, h.place(0));
    h.open(2, 0b100);
    static_cast<void>(h.write(1));
    for (std::uint32_t node = 0; node < 3; ++node) {
        h.crash(node);
        h.start(node);
    }
    h.open(3);
    static_cast<void>(h.write(2));
    h.settle();
    EXPECT_EQ(h.property(), "");
}

TEST_P(PlantedFileBug, IsCaught) {
    FileTale h;
    h.form_files();
    ASSERT_EQ(h.property(), "");
    GetParam().tell(h);
    EXPECT_EQ(h.property(), GetParam().property);
}

cfs::Record record_at(std::uint64_t epoch, std::uint64_t index, std::uint64_t ticket) {
    cfs::Record record;
    record.position = {epoch, index};
    record.kind = 1;
    record.time = ticket;
    record.state.words[0] = mix(ticket);
    return record;
}

INSTANTIATE_TEST_SUITE_P(
    State, PlantedFileBug,
    ::testing::Values(PlantedInFiles{"TwoStatesAtOnePosition", "S1",
                                     [](FileTale& h) {
                                         h.apply(0, h.ask(0));
                                         h.apply(1, h.ask(1));
                                     }},
                      PlantedInFiles{"AnIndexLeftOut", "S2",
                                     [](FileTale& h) { h.tell(0, record_at(1, 4, h.ask(0))); }},
                      PlantedInFiles{"AnEpochThatFalls", "S2",
                                     [](FileTale& h) { h.tell(0, record_at(0, 3, h.ask(0))); }},
                      PlantedInFiles{"NotTheSameAtTheEnd", "S1",
                                     [](FileTale& h) {
                                         h.apply(0, h.ask(0));
                                         h.settle();
                                     }},
                      PlantedInFiles{"AMixAdopted", "S19",
                                     [](FileTale& h) {
                                         h.adopt(2, {{1, 3}, {{1, 2, 3, 4}}});
                                     }},
                      PlantedInFiles{"AdoptedWithoutAMajority", "S7",
                                     [](FileTale& h) { h.adopt(2, h.place(2), 0b100); }},
                      PlantedInFiles{"NewerStateGivenUp", "S7",
                                     [](FileTale& h) {
                                         const FilePlace older = h.place(0);
                                         static_cast<void>(h.write(0));
                                         h.adopt(0, older);
                                     }},
                      PlantedInFiles{
                          "AcknowledgedGivenUp", "S7",
                          [](FileTale& h) {
                              h.apply(2, h.ask(2));
                              h.open(2, 0b011);
                              static_cast<void>(h.write(0, 0b011));
                              h.crash(1);
                              h.publish(FilesStarted{FileTale::at(1), {}, 2});
                              h.publish(FileAdopted{FileTale::at(1), {}, h.place(2), 0b111});
                          }}),
    [](const auto& bug) { return bug.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Acknowledged, PlantedFileBug,
    ::testing::Values(PlantedInFiles{"LostInTheNextEpoch", "S3",
                                     [](FileTale& h) {
                                         static_cast<void>(h.write(0, 0b011));
                                         h.open(2, 0b111);
                                         h.apply(2, h.ask(2));
                                     }},
                      PlantedInFiles{"LostWithThePowerOfAll", "S9",
                                     [](FileTale& h) {
                                         static_cast<void>(h.write(0, 0b011));
                                         for (std::uint32_t node = 0; node < 3; ++node) {
                                             h.crash(node);
                                             h.start(node);
                                         }
                                         h.open(2, 0b111);
                                         h.apply(2, h.ask(2));
                                     }},
                      PlantedInFiles{"MissingAtTheEnd", "S3",
                                     [](FileTale& h) {
                                         static_cast<void>(h.write(0, 0b011));
                                         h.settle(0b100);
                                     }},
                      PlantedInFiles{"HappenedTwice", "S6",
                                     [](FileTale& h) {
                                         const std::uint64_t ticket = h.write(0);
                                         h.apply(0, ticket);
                                     }},
                      PlantedInFiles{"RefusedAndDone", "S6",
                                     [](FileTale& h) {
                                         const std::uint64_t ticket = h.ask(0);
                                         h.answer(0, ticket, cfs::Refusal::kNotWritable);
                                         h.apply(1, ticket);
                                     }},
                      PlantedInFiles{"DoneAndRefused", "S6",
                                     [](FileTale& h) {
                                         const std::uint64_t ticket = h.ask(0);
                                         h.apply(1, ticket);
                                         h.answer(0, ticket, cfs::Refusal::kNotWritable);
                                     }},
                      PlantedInFiles{"NobodyAsked", "S6",
                                     [](FileTale& h) { h.apply(0, kTickets + 99); }},
                      PlantedInFiles{"NotVisibleToWhoAsked", "S4",
                                     [](FileTale& h) {
                                         const std::uint64_t ticket = h.ask(0);
                                         h.apply(1, ticket);
                                         h.store(1);
                                         h.answer(0, ticket);
                                     }},
                      PlantedInFiles{"OrderedBeforeWhatWasDoneBefore", "S4",
                                     [](FileTale& h) {
                                         h.open(2, 0b011);
                                         static_cast<void>(h.write(1, 0b011));
                                         h.tell(2, record_at(1, 3, h.ask(0)));
                                     }},
                      PlantedInFiles{"ReadersGoBack", "S4",
                                     [](FileTale& h) {
                                         const FilePlace older = h.place(0);
                                         static_cast<void>(h.write(0));
                                         h.publish(FileRead{FileTale::at(0), 0, h.place(0)});
                                         h.publish(FileRead{FileTale::at(0), 1, older});
                                     }},
                      // It only caught up: what it adopted is its own history, and more.
                      PlantedInFiles{"ReadersGoBackAfterATransfer", "S4",
                                     [](FileTale& h) {
                                         const FilePlace older = h.place(2);
                                         h.publish(FileRead{FileTale::at(2), 0, older});
                                         static_cast<void>(h.write(0, 0b011));
                                         h.adopt(2, h.place(0));
                                         h.publish(FileRead{FileTale::at(2), 0, {}});
                                     }}),
    [](const auto& bug) { return bug.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Authority, PlantedFileBug,
    ::testing::Values(
        PlantedInFiles{"OneDiskOnly", "S18", [](FileTale& h) { h.write(0, 0b001); }},
        PlantedInFiles{"AppliedWithoutPromises", "S8",
                       [](FileTale& h) {
                           h.open(2, 0b001);
                           h.apply(0, h.ask(0));
                       }},
        PlantedInFiles{"OldEpochBesideTheNew", "Q4",
                       [](FileTale& h) {
                           const std::uint64_t ticket = h.ask(2);
                           h.apply(2, ticket);
                           h.open(2, 0b011);
                           static_cast<void>(h.write(0, 0b011));
                           h.publish(FileAnswered{FileTale::at(2), ticket, {}, {}, 1});
                       }},
        PlantedInFiles{"WritableAlone", "Q6",
                       [](FileTale& h) {
                           cfs::Status status;
                           status.obstacle = cfs::Obstacle::kNone;
                           status.epoch = 1;
                           status.synced = {id_of(0)};
                           h.publish(FileStatus{FileTale::at(0), &status});
                       }},
        PlantedInFiles{"OverrideOfNobody", "Q9",
                       [](FileTale& h) {
                           cfs::Status status;
                           status.obstacle = cfs::Obstacle::kNone;
                           status.override_epoch = true;
                           h.publish(FileStatus{FileTale::at(0), &status});
                       }},
        PlantedInFiles{"OutsideOfAnEpoch", "S5",
                       [](FileTale& h) {
                           const std::uint64_t ticket = h.ask(0);
                           for (std::uint32_t node = 0; node < 3; ++node) {
                               h.apply(node, ticket);
                               h.store(node);
                           }
                           h.publish(FileAnswered{FileTale::at(0), ticket, {}, {}, 0});
                       }},
        PlantedInFiles{
            "AcknowledgedByAFullDisk", "S17",
            [](FileTale& h) {
                const std::uint64_t ticket = h.ask(0);
                for (std::uint32_t node = 0; node < 3; ++node) {
                    h.apply(node, ticket);
                    h.store(node);
                }
                h.publish(FileStoreFailed{FileTale::at(0), cfs::StoreErrorKind::kNoSpace});
                h.answer(0, ticket);
            }},
        PlantedInFiles{
            "StoresOnAFailedDisk", "S17",
            [](FileTale& h) {
                h.publish(FileStoreFailed{FileTale::at(0), cfs::StoreErrorKind::kFailed});
                h.store(0);
            }},
        PlantedInFiles{
            "GoesOnWithAFailedDisk", "S17",
            [](FileTale& h) {
                h.publish(FileStoreFailed{FileTale::at(0), cfs::StoreErrorKind::kFailed});
                h.apply(0, h.ask(0));
            }}),
    [](const auto& bug) { return bug.param.name; });

// After an administrator lowered the votes nothing is promised of two histories.
TEST(FileCheckers, ForgiveWhatAnOverrideDoes) {
    FileTale h;
    h.form_files();
    h.publish(FileVotes{FileTale::at(2), 1, 3});
    h.open(2, 0b100);
    static_cast<void>(h.write(2, 0b100));
    h.open(2, 0b011);
    h.apply(0, h.ask(0));
    EXPECT_EQ(h.property(), "");
}

// With the only disks that knew of it gone, nobody can keep what was acknowledged.
TEST(FileCheckers, ForgiveWhatLostDisksTookAlong) {
    FileTale h;
    h.form_files();
    static_cast<void>(h.write(0, 0b011));
    h.publish(FilesFailed{FileTale::at(0), DiskFate::kLost, {}, 0});
    h.publish(FilesFailed{FileTale::at(1), DiskFate::kLost, {}, 0});
    h.open(2, 0b111);
    h.apply(2, h.ask(2));
    EXPECT_EQ(h.property(), "");
}

}  // namespace
}  // namespace sim
