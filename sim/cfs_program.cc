#include "sim/cfs_program.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "cfs/core/operation_codec.h"
#include "sim/random.h"
#include "totem/core/check.h"

namespace sim {

namespace {

namespace client = totem::client;
using std::chrono::milliseconds;

constexpr milliseconds kReconnect{50};

FilePlace last_of(const cfs::State& state) {
    const auto& records = state.history().records();
    return records.empty() ? FilePlace{} : FilePlace{records.back().position, state.digest()};
}

}  // namespace

CfsProgram::CfsProgram(const Options& options, Recorder& recorder, std::uint32_t node)
    : options_(&options),
      recorder_(&recorder),
      node_(node),
      clock_(options.clock_ppm.at(node)),
      disk_latency_(options.files.disk_latency),
      callers_(options, node) {}

std::uint64_t CfsProgram::next_draw() {
    return draw(options_->seed, Purpose::kFileDisk, node_, ++draws_);
}

// ---- lives --------------------------------------------------------------------------------------

void CfsProgram::start(const GroupWhere& at) {
    where_ = at.where;
    const std::uint64_t life = draw(options_->seed, Purpose::kFiles, node_, at.where.life);
    cfs::Member::Options options;
    options.replica.node = id_of(node_);
    options.replica.life = cfs::Life{life | 1U};
    options.pid = at.pid;
    options.reconnect = kReconnect;
    member_ = std::make_unique<cfs::Member>(options);
    inputs_.clear();
    wake_at_.reset();
    expected_ = options_->nodes;
    callers_.start(at.where.at);
    load(at);
    inputs_.emplace_back(cfs::VotingIs{voting()});
}

// Opens the disk and hands the replica what is on it.
void CfsProgram::load(const GroupWhere& at) {
    auto loaded = disk_.open();
    auto state = cfs::load(loaded.image);
    if (!state) {
        recorder_->report({"file-fail-stop", "S10",
                           std::string("what was stored is no state: ") + to_string(state.error()),
                           at.where});
        return;
    }
    seen_ = last_of(*state);
    shown_ = seen_;
    recorder_->publish(FilesStarted{at.where, seen_, loaded.promise.epoch});
    inputs_.emplace_back(cfs::Loaded{std::move(*state), std::move(loaded.promise)});
}

void CfsProgram::crash(const GroupWhere& at) {
    member_.reset();
    effects_.clear();
    inputs_.clear();
    disk_.crash(fate_, clone_of_ != nullptr ? *clone_of_ : disk_, next_draw());
    FilesFailed event{at.where, fate_, {}};
    event.durable = durable_place(event.promise);
    recorder_->publish(event);
    fate_ = DiskFate::kKept;
    clone_of_ = nullptr;
}

FilePlace CfsProgram::durable_place(std::uint64_t& promise) const {
    FilePlace place;
    bool placed = false;
    bool promised = false;
    for (std::size_t i = disk_.durable(); i > 0 && !(placed && promised); --i) {
        const cfs::Batch& batch = *disk_.log()[i - 1];
        if (!promised && batch.promise) {
            promise = batch.promise->epoch;
            promised = true;
        }
        if (!placed && (!batch.records.empty() || batch.adoption)) {
            place = batch.records.empty()
                        ? FilePlace{}
                        : FilePlace{batch.records.back().position, batch.records.back().state};
            placed = true;
        }
    }
    return place;
}

cfs::Voting CfsProgram::voting() const {
    cfs::Voting voting;
    for (std::uint32_t node = 0; node < options_->nodes; ++node) {
        voting.voters.push_back({id_of(node), 1});
    }
    voting.tie_break = id_of(0);
    voting.expected = expected_;
    return voting;
}

// ---- steps --------------------------------------------------------------------------------------

// What the node's ring daemon says besides: how many votes are expected.
void CfsProgram::look(const DaemonState& daemon) {
    if (!daemon.listening || member_ == nullptr) {
        return;
    }
    if (daemon.expected != 0 && daemon.expected != expected_) {
        expected_ = daemon.expected;
        inputs_.emplace_back(cfs::VotingIs{voting()});
        recorder_->publish(FileVotes{where_, expected_, options_->nodes});
    }
}

void CfsProgram::step(const GroupWhere& at, const client::Input& input, Doors& doors) {
    where_ = at.where;
    if (std::holds_alternative<client::Wake>(input)) {
        run(at, doors);
        let_callers_act(at.where);
        if (wake_at_ && *wake_at_ <= clock_.local(at.where.at)) {
            effects_.clear();
            member_->wake(clock_.local(at.where.at), effects_);
            perform(at, doors);
        }
    } else if (!std::holds_alternative<client::Open>(input)) {
        effects_.clear();
        member_->step(clock_.local(at.where.at), input, effects_);
        perform(at, doors);
    }
    run(at, doors);
}

void CfsProgram::run(const GroupWhere& at, Doors& doors) {
    while (!inputs_.empty()) {
        cfs::ReplicaInput next = std::move(inputs_.front());
        inputs_.pop_front();
        if (const auto* failed = std::get_if<cfs::StoreFailed>(&next)) {
            recorder_->publish(FileStoreFailed{at.where, failed->error.kind});
        }
        effects_.clear();
        member_->step(clock_.local(at.where.at), std::move(next), effects_);
        perform(at, doors);
    }
}

void CfsProgram::perform(const GroupWhere& at, Doors& doors) {
    wake_at_ = effects_.wake_at;
    cfs::ReplicaEffects& effects = effects_.replica;
    if (effects.commit && effects.commit->adoption) {
        watch_adoption(at.where);
    }
    watch_state(at.where);
    const bool open = member_->replica().status().epoch != 0;
    if (std::exchange(open_, open) || open) {
        last_open_ = at.where.at;
    }
    for (const cfs::Notice& notice : effects.notices) {
        recorder_->publish(FileNotice{at.where, notice.kind, notice.node, notice.number});
    }
    if (effects.status_changed) {
        recorder_->publish(FileStatus{at.where, &member_->replica().status()});
    }
    shown_ = effects.published ? seen_ : shown_;
    for (const cfs::Answer& each : effects.answers) {
        answer(at.where, each);
    }
    if (effects.commit) {
        const std::uint64_t h = next_draw();
        const Duration sync =
            sample({disk_latency_ / 2, disk_latency_ / 2, Tail::kExponential}, mix(h));
        disk_.commit(at.where.at, std::move(*effects.commit), {disk_latency_ / 8, sync});
    }
    for (const std::string& trouble : effects_.trouble) {
        recorder_->report({"clients", "E8.3", trouble, at.where});
    }
    for (const client::Action& action : effects_.actions) {
        doors.act(at.where.at, action);
    }
    if (effects.reload) {
        load(at);
    }
}

// ---- the state ----------------------------------------------------------------------------------

void CfsProgram::watch_state(const Where& where) {
    const cfs::State& state = member_->replica().state();
    const cfs::History& history = state.history();
    if (state.position() == seen_.position && state.digest() == seen_.digest) {
        return;
    }
    if (!(seen_ == FilePlace{}) &&
        history.place(seen_.position, seen_.digest) != cfs::History::Place::kHere) {
        recorder_->report(
            {"file-transfer", "S19", text(seen_) + " replaced, and nothing adopted", where});
    }
    const auto& records = history.records();
    const auto from =
        std::ranges::upper_bound(records, seen_.position.index, {},
                                 [](const cfs::Record& record) { return record.position.index; });
    for (auto record = from; record != records.end(); ++record) {
        recorder_->publish(FileApplied{where, seen_, &*record});
        seen_ = {record->position, record->state};
    }
    if (!(seen_.digest == state.digest()) && !records.empty()) {
        recorder_->report({"file-convergence", "S1",
                           "at " + text(seen_) + " with another state than its last record says",
                           where});
    }
}

// What was adopted is the last place that some replica was in before; what follows was applied here
// for the first time.
void CfsProgram::watch_adoption(const Where& where) {
    const cfs::Replica& replica = member_->replica();
    const auto& records = replica.state().history().records();
    FilePlace adopted = last_of(replica.state());
    const auto known = std::find_if(records.rbegin(), records.rend(), [&](const auto& record) {
        return recorder_->files().find({record.position, record.state}).has_value();
    });
    if (known != records.rend()) {
        adopted = {known->position, known->state};
    }
    recorder_->publish(FileAdopted{where, seen_, adopted, mask_of_ids(replica.status().members)});
    seen_ = adopted;
}

// ---- callers ------------------------------------------------------------------------------------

void CfsProgram::let_callers_act(const Where& where) {
    while (auto act = callers_.act(where.at, member_->replica().snapshot())) {
        recorder_->publish(FileRead{where, act->caller, shown_});
        if (act->wish) {
            ask(where, *act->wish);
            return;  // its views live until the next one acts
        }
    }
}

void CfsProgram::ask(const Where& where, const cfs::Submit& wish) {
    auto bytes = std::make_shared<std::vector<std::byte>>();
    cfs::encode({{id_of(node_), cfs::Life{1}, 1}, wish.time, wish.change}, *bytes);
    recorder_->publish(FileAsked{where, wish.ticket, std::move(bytes)});
    inputs_.emplace_back(wish);
}

void CfsProgram::answer(const Where& where, const cfs::Answer& answer) {
    recorder_->publish(FileAnswered{where, answer.ticket, answer.refusal, answer.outcome,
                                    member_->replica().status().epoch});
    callers_.answered(where.at, answer);
}

// ---- time ---------------------------------------------------------------------------------------

std::optional<Instant> CfsProgram::settle(Instant now) {
    if (const auto answer = disk_.settle(now)) {
        Where where = where_;
        where.at = now;
        if (const auto* failed = std::get_if<cfs::StoreFailed>(&*answer)) {
            inputs_.emplace_back(*failed);
        } else {
            FileStored event{where, {}};
            event.durable = durable_place(event.promise);
            recorder_->publish(event);
            inputs_.emplace_back(std::get<cfs::Stored>(*answer));
        }
    }
    return disk_.due();
}

std::optional<Instant> CfsProgram::deadline() const {
    if (member_ == nullptr) {
        return std::nullopt;
    }
    std::optional<Instant> due = callers_.due();
    if (wake_at_) {
        const Instant wake = clock_.world(*wake_at_);
        due = due ? std::min(*due, wake) : wake;
    }
    if (!inputs_.empty()) {
        due = Instant{};
    }
    return due;
}

}  // namespace sim
