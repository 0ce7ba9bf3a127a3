// The contract of cfs::Store as tests, for any implementation: a disk that stores live on.
//
// A test program gives a DiskFactory (below) and instantiates StoreContract with it:
//     INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(&make_sqlite_disk));
// check_power_cuts() is the heart, and also what shows that planted bugs are caught.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "cfs/core/state.h"
#include "cfs/core/store.h"

namespace cfs::testing {

// What a store keeps its things on, and what power cuts can do to it.
class Disk {
  public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    Disk(Disk&&) = delete;
    Disk& operator=(Disk&&) = delete;
    virtual ~Disk() = default;

    using Opened = totem::Result<std::unique_ptr<Store>, StoreError>;
    // At most one store of a disk is open.
    [[nodiscard]] virtual Opened open() = 0;

    // How often something happened to the disk that a power cut could fall before or after.
    [[nodiscard]] virtual std::size_t moments() const = 0;
    // A disk as it may be found after a power cut at that moment; `chance` chooses among what may
    // be: 0 nothing that was not synced, 1 all of it, else some of it.
    [[nodiscard]] virtual std::unique_ptr<Disk> after_power_cut(std::size_t moment,
                                                                std::uint64_t chance) const = 0;
};

using DiskFactory = std::unique_ptr<Disk> (*)();
class StoreContract : public ::testing::TestWithParam<DiskFactory> {};

// Stores a random history, cuts the power at every moment of it and opens what is left: it must be
// the state after some first batches, with every one whose commit had returned. "" if so, else what
// was wrong first.
[[nodiscard]] std::string check_power_cuts(Disk& disk, std::uint64_t seed);

}  // namespace cfs::testing
