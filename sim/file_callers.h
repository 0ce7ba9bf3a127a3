// The programs that use the files of one node: a random walk over few names, so that callers of
// all nodes meet at the same files (properties.md section 12, W6 to W8).
//
// Every write has content of its own, made from its ticket. Each caller waits for its answer before
// it goes on; some only read.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cfs/core/replica.h"
#include "sim/options.h"

namespace sim {

using totem::Instant;

class FileCallers {
  public:
    FileCallers(const Options& options, std::uint32_t node);

    // A new life of the node's cfsd: nobody waits for an answer any more.
    void start(Instant now);
    // Nobody does anything any more, but for probes.
    void stop() { stopped_ = true; }
    // One more caller, that makes one file and is never refused in a healthy cluster.
    void probe(Instant now);

    [[nodiscard]] std::optional<Instant> due() const;
    // What the next one whose time has come does: looks around, and may want something done.
    struct Act {
        std::uint32_t caller = 0;
        std::optional<cfs::Submit> wish;  // views into this object, valid until the next call
    };
    [[nodiscard]] std::optional<Act> act(Instant now, const cfs::TreeView& tree);
    void answered(Instant now, const cfs::Answer& answer);

    // Since when the oldest wish waits.
    [[nodiscard]] std::optional<Instant> oldest_wish() const;
    // Every probe was answered, as done.
    [[nodiscard]] bool probes_done() const noexcept { return probes_done_ == probes_; }

  private:
    struct Caller {
        Instant due{};
        std::uint32_t acts = 0;
        std::uint64_t ticket = 0;  // of the wish that it waits for; 0: none
        Instant asked{};
        cfs::Inode large{};  // of the write in parts that it is at, if parts > 0
        std::uint32_t parts = 0;
        std::uint32_t part = 0;
        std::uint64_t write = 0;
    };

    [[nodiscard]] std::optional<cfs::Change> choose(Caller& caller, std::uint64_t h,
                                                    const cfs::TreeView& tree);
    [[nodiscard]] cfs::Change change_names(std::uint64_t h, const cfs::TreeView& tree);
    [[nodiscard]] std::optional<cfs::Change> change_file(Caller& caller, std::uint64_t h,
                                                         const cfs::TreeView& tree);
    [[nodiscard]] std::optional<cfs::Change> use_lock(std::uint64_t h, const cfs::TreeView& tree);
    [[nodiscard]] cfs::Change go_on_writing(Caller& caller, std::uint64_t h);
    [[nodiscard]] cfs::Ranges data(std::uint64_t h, std::uint64_t offset, std::uint32_t bytes);
    [[nodiscard]] cfs::Change probe_file();

    const Options* options_;
    std::uint32_t node_;
    bool reads_only_;
    std::vector<Caller> callers_;  // the last one is for probes
    std::uint64_t tickets_ = 0;
    std::uint64_t acts_ = 0;
    std::uint64_t writes_ = 0;
    bool stopped_ = false;
    std::uint32_t probes_ = 0;
    std::uint32_t probes_done_ = 0;
    std::string name_, other_name_;
    std::vector<std::byte> data_;
};

}  // namespace sim
