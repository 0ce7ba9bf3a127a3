// Where a run's trace goes: to the ground truth, to every checker, into the hash that names the
// run, into the coverage, and into a short memory of the last events for the evidence.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/checker.h"
#include "sim/coverage.h"
#include "sim/file_ledger.h"
#include "sim/ledger.h"
#include "sim/random.h"
#include "sim/record.h"
#include "totem/core/codec.h"

namespace sim {

// What became of files in a run.
struct FilesDone {
    std::uint64_t acknowledged = 0;
    std::uint64_t crashes = 0;     // of cfsds
    std::uint64_t power_cuts = 0;  // of all nodes at once
    std::uint64_t epochs = 0;
    std::uint64_t adoptions = 0;
    std::uint64_t asides = 0;
    bool trusted = true;  // FileLedger::trusted()

    void add(const FilesDone& other);
};

class Recorder {
  public:
    Recorder(Seq first, std::uint32_t nodes);

    template <typename T, typename... Args>
    T& add_checker(Args&&... args) {
        auto checker = std::make_unique<T>(findings_, std::forward<Args>(args)...);
        T& added = *checker;
        checkers_.push_back(std::move(checker));
        return added;
    }

    template <typename Event>
    void publish(const Event& event) {
        remember(line(event));
        observe(event);
        for (const auto& checker : checkers_) {
            checker->on(event);
        }
    }

    void input(totem::State state, std::size_t kind) {
        ++coverage_.inputs.at(static_cast<std::size_t>(state)).at(kind);
    }
    void fate(totem::State state, std::size_t kind, Fate fate) {
        coverage_.add_fate(state, kind, fate);
    }
    // Mixes something that is no event of its own into the run's hash.
    void note(std::uint64_t value) { hash_ = combine(hash_, value); }
    void report(Violation violation) { findings_.report(std::move(violation)); }
    // Every line of the trace as it happens, for a person who replays a run.
    void set_log(std::function<void(const std::string&)> log) { log_ = std::move(log); }

    [[nodiscard]] Findings& findings() noexcept { return findings_; }
    [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
    [[nodiscard]] const FileLedger& files() const noexcept { return files_; }
    [[nodiscard]] const Coverage& coverage() const noexcept { return coverage_; }
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    [[nodiscard]] std::uint64_t rings_installed() const noexcept { return rings_; }
    [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
    // Messages that clients have heard.
    [[nodiscard]] std::uint64_t heard() const noexcept { return heard_; }
    [[nodiscard]] FilesDone files_done() const {
        return {.acknowledged = files_.acknowledgements(),
                .crashes = files_crashed_,
                .epochs = files_.epochs(),
                .adoptions = adoptions_,
                .asides = asides_,
                .trusted = files_.trusted()};
    }
    // The last events, oldest first.
    [[nodiscard]] std::vector<std::string> recent() const;

  private:
    // One event, in numbers: formatted only when somebody looks.
    struct Line {
        const char* kind = "";
        Where where;
        RingId ring;
        std::uint64_t a = 0;
        std::uint64_t b = 0;
        std::uint64_t c = 0;
    };
    static constexpr std::size_t kRemembered = 512;

    static Line line(const Started& e);
    static Line line(const Failed& e);
    static Line line(const Originated& e);
    static Line line(const Held& e);
    static Line line(const Delivered& e);
    static Line line(const Configured& e);
    static Line line(const StateChanged& e);
    static Line line(const Released& e);
    static Line line(const TokenTaken& e);
    static Line line(const TokenSent& e);
    static Line line(const SafeLine& e);
    static Line line(const Idle& e);
    static Line line(const TokenWanted& e);
    static Line line(const Spoke& e);
    static Line line(const Durable& e);
    static Line line(const Ignorable& e);
    static Line line(const FrameOpened& e);
    static Line line(const QuorumView& e);
    static Line line(const SyncWaits& e);
    static Line line(const Settled& e);
    static Line line(const GroupStarted& e);
    static Line line(const GroupFailed& e);
    static Line line(const GroupExpelled& e);
    static Line line(const GroupSaid& e);
    static Line line(const GroupHeard& e);
    static Line line(const GroupView& e);
    static Line line(const GroupRing& e);
    static Line line(const GroupTrouble& e);
    static Line line(const FilesStarted& e);
    static Line line(const FilesFailed& e);
    static Line line(const FileAsked& e);
    static Line line(const FileAnswered& e);
    static Line line(const FileApplied& e);
    static Line line(const FileAdopted& e);
    static Line line(const FileStored& e);
    static Line line(const FileStoreFailed& e);
    static Line line(const FileStatus& e);
    static Line line(const FileNotice& e);
    static Line line(const FileRead& e);
    static Line line(const FileVotes& e);
    static Line line(const FilesSettled& e);
    static std::string format(const Line& line);

    template <typename Event>
    void observe(const Event& /*event*/) {}
    void observe(const Originated& event) { ledger_.on(event); }
    void observe(const Held& event) { ledger_.on(event); }
    void observe(const Delivered& /*event*/) { ++deliveries_; }
    void observe(const GroupHeard& /*event*/) { ++heard_; }
    void observe(const Configured& event) {
        rings_ += event.regular ? 1 : 0;
        ledger_.on(event);
    }
    void observe(const StateChanged& event);
    void observe(const FilesStarted& event) { files_.on(event); }
    void observe(const FilesFailed& event) {
        ++files_crashed_;
        files_.on(event);
    }
    void observe(const FileNotice& event) {
        asides_ += event.kind == cfs::Notice::Kind::kTailAside ? 1 : 0;
    }
    void observe(const FileAsked& event) { files_.on(event); }
    void observe(const FileAnswered& event) { files_.on(event); }
    void observe(const FileApplied& event) { files_.on(event); }
    void observe(const FileAdopted& event) {
        ++adoptions_;
        files_.on(event);
    }
    void observe(const FileStored& event) { files_.on(event); }
    void observe(const FileVotes& event) { files_.on(event); }
    void remember(const Line& line);

    Findings findings_;
    Ledger ledger_;
    FileLedger files_;
    Coverage coverage_;
    std::vector<std::unique_ptr<Checker>> checkers_;
    std::function<void(const std::string&)> log_;
    std::vector<Line> lines_;
    std::size_t next_line_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t rings_ = 0;
    std::uint64_t deliveries_ = 0;
    std::uint64_t heard_ = 0;
    std::uint64_t files_crashed_ = 0;
    std::uint64_t adoptions_ = 0;
    std::uint64_t asides_ = 0;
};

}  // namespace sim
