#include "cfs/daemon/group_thread.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "totem/process/time_of_day.h"

namespace cfs {

namespace client = totem::client;
using client::Door;
using totem::process::Severity;

namespace {

Instant clock_now() {
    return Instant{std::chrono::duration_cast<totem::Duration>(
        std::chrono::steady_clock::now().time_since_epoch())};
}

std::uint64_t wall_seconds() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

std::string time_of_day(Instant instant) {
    const auto wall =
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(instant - clock_now());
    return totem::process::time_of_day(wall);
}

std::optional<Door> door_of(const client::Input& input) {
    return std::visit(
        [](const auto& value) -> std::optional<Door> {
            if constexpr (requires { value.door; }) {
                return value.door;
            } else {
                return std::nullopt;
            }
        },
        input);
}

Voting voting_of(const client::Cluster& cluster) {
    Voting voting;
    for (const client::ConfiguredNode& node : cluster.nodes) {
        voting.voters.push_back({node.node, node.votes});
    }
    voting.tie_break = cluster.tie_break;
    voting.expected = cluster.expected_votes;
    return voting;
}

template <typename Time>
void sooner(std::optional<Time>& first, const std::optional<Time>& other) {
    if (other && (!first || *other < *first)) {
        first = other;
    }
}

}  // namespace

GroupThread::GroupThread(Options options, Around around)
    : options_(std::move(options)),
      around_(around),
      transport_({.name_suffix = options_.door_suffix}),
      host_config_(options_.corosync_conf,
                   [this](HostConfig::Written written) {
                       static_cast<void>(inbox_.push(std::move(written)));
                   }),
      words_{[this](NodeId node) { return name_of(node); }, time_of_day} {}

GroupThread::~GroupThread() {
    if (thread_.joinable()) {
        static_cast<void>(inbox_.push(StopAsked{}));
        thread_.join();
    }
}

void GroupThread::start(StoreThread& store, Loaded loaded) {
    store_ = &store;
    loaded_ = std::move(loaded);
    thread_ = std::thread([this] {
        ::pthread_setname_np(::pthread_self(), "cfsd-group");
        run();
        const std::lock_guard lock(mutex_);
        ended_ = true;
        ended_changed_.notify_all();
    });
}

void GroupThread::stored(StoreThread::Answer answer) {
    static_cast<void>(inbox_.push(std::move(answer)));
}

bool GroupThread::submit(Wish& wish, Files::Completion& completion) {
    Item item = Asked{std::move(wish), std::move(completion)};
    if (inbox_.push(std::move(item))) {
        return true;
    }
    auto& asked = std::get<Asked>(item);
    wish = std::move(asked.wish);
    completion = std::move(asked.completion);
    return false;
}

bool GroupThread::stop(std::chrono::steady_clock::time_point deadline) {
    static_cast<void>(inbox_.push(StopAsked{}));
    std::unique_lock lock(mutex_);
    if (!ended_changed_.wait_until(lock, deadline, [this] { return ended_; })) {
        return false;
    }
    lock.unlock();
    thread_.join();
    return true;
}

// ---- the loop -----------------------------------------------------------------------------------

void GroupThread::run() {
    began_ = clock_now();
    if (options_.local) {
        become_member(began_, NodeId{1});
    } else {
        watch(began_, client::Open{});
    }
    while (!over_) {
        wait();
        ++rounds_;
        const Instant now = clock_now();
        for (Item& item : inbox_.take()) {
            std::visit([&](auto& value) { on(now, value); }, item);
        }
        transport_.run(now, [&](const client::Input& input) { on_door(now, input); });
        if (member_ && member_wake_ && now >= *member_wake_) {
            member_->wake(now, effects_);
            perform(now);
        }
        if (watch_wake_ && now >= *watch_wake_) {
            watch(now, client::Wake{});
        }
        std::vector<client::Action> actions;
        host_config_.wake(now, actions);
        for (const client::Action& action : actions) {
            transport_.perform(now, action);
        }
        tell_of_store(now);
        tell_of_silence(now);
        if (status_log_.wake_at() && now >= *status_log_.wake_at()) {
            tell_of_status(now);
        }
    }
    inbox_.close();
    // Nobody knows of these any more; those that came too late were not begun.
    for (Item& item : inbox_.take()) {
        if (auto* asked = std::get_if<Asked>(&item)) {
            asked->completion({.refusal = Refusal::kNotWritable});
        }
    }
    for (auto& [ticket, completion] : std::exchange(waiting_, {})) {
        completion({.refusal = Refusal::kUncertain});
    }
}

void GroupThread::wait() {
    const Instant now = clock_now();
    std::optional<Instant> wake = now + kRoundAtLeast;
    sooner(wake, member_wake_);
    sooner(wake, watch_wake_);
    sooner(wake, transport_.wake_at());
    sooner(wake, host_config_.wake_at());
    sooner(wake, status_log_.wake_at());
    const auto left = std::max(*wake - now, totem::Duration{0});
    timespec time{};
    time.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    time.tv_nsec = (left % std::chrono::seconds(1)).count();
    std::array<pollfd, 2> polled{{{inbox_.fd(), POLLIN, 0}, {transport_.fd(), POLLIN, 0}}};
    ::ppoll(polled.data(), polled.size(), &time, nullptr);
}

void GroupThread::on(Instant now, Asked& item) {
    if (!member_ || stopping_) {
        item.completion({.refusal = Refusal::kNotWritable});
        return;
    }
    const std::uint64_t ticket = next_ticket_++;
    waiting_[ticket] = std::move(item.completion);
    step(now, Submit{ticket, item.wish.time, std::move(item.wish.change)});
}

void GroupThread::on(Instant now, StoreThread::Answer& item) {
    if (storing_since_ && std::exchange(told_of_store_, false)) {
        const std::chrono::duration<double> took = now - *storing_since_;
        say({Severity::kWarning, fmt::format("the disk took {:.1f} s to store", took.count())});
    }
    storing_since_.reset();
    std::visit([&](auto& answer) { step(now, std::move(answer)); }, item);
}

void GroupThread::on(Instant now, StopAsked& /*item*/) {
    if (std::exchange(stopping_, true)) {
        return;
    }
    over_ = !member_;
    if (member_) {
        step(now, Stop{});
    }
}

void GroupThread::on(Instant now, HostConfig::Written& item) {
    host_config_.on_written(now, item);
    if (!item.problem.empty()) {
        say({Severity::kWarning, item.problem});
    } else if (item.replaced) {
        say({Severity::kNotice, fmt::format("{} is version {} of the tree now",
                                            options_.corosync_conf, item.version)});
    }
}

void GroupThread::on_door(Instant now, const client::Input& input) {
    const std::optional<Door> door = door_of(input);
    if (door && std::holds_alternative<client::ConnectFailed>(input)) {
        closed_doors_.insert(*door);
    } else if (door && std::holds_alternative<client::Connected>(input)) {
        closed_doors_.erase(*door);
    }
    if (door == Door::kCmap || door == Door::kVotequorum) {
        watch(now, input);
    } else if (door == Door::kCfg) {
        std::vector<client::Action> actions;
        const std::string text = host_config_.on_door(now, input, actions);
        for (const client::Action& action : actions) {
            transport_.perform(now, action);
        }
        if (!text.empty()) {
            say({Severity::kNotice, text});
        }
    } else if (member_) {
        member_->step(now, input, effects_);
        perform(now);
    }
}

// ---- the member ---------------------------------------------------------------------------------

void GroupThread::step(Instant now, ReplicaInput input) {
    member_->step(now, std::move(input), effects_);
    perform(now);
}

// What readers see comes before the answers that it explains; nothing here steps again.
void GroupThread::perform(Instant now) {
    ReplicaEffects& effects = effects_.replica;
    if (effects.published) {
        show_tree(now);
    }
    if (effects.status_changed) {
        show_status(now);
    }
    for (const client::Action& action : effects_.actions) {
        transport_.perform(now, action);
    }
    if (effects.commit) {
        storing_since_ = now;
        store_->commit(std::move(*effects.commit));
    }
    if (effects.reload) {
        storing_since_ = now;
        store_->reload();
    }
    for (const Answer& answer : effects.answers) {
        if (auto node = waiting_.extract(answer.ticket); !node.empty()) {
            node.mapped()({answer.refusal, answer.outcome});
        }
    }
    for (const Notice& notice : effects.notices) {
        say(to_line(notice, words_));
    }
    for (const std::string& trouble : effects_.trouble) {
        tell_of_trouble(now, trouble);
    }
    member_wake_ = effects_.wake_at;
    over_ = over_ || (stopping_ && effects_.stopped);
    effects_.clear();
}

void GroupThread::show_tree(Instant now) {
    const auto view = member_->replica().shared_snapshot();
    around_.published.publish(view);
    around_.mount.published(view, effects_.replica.changed);
    if (!options_.local) {
        host_config_.look(now, *view, self_);
    }
}

void GroupThread::show_status(Instant now) {
    const Status& status = member_->replica().status();
    around_.published.publish(status);
    show_cluster();
    around_.mount.status_changed();
    tell_of_status(now);
    if (status.obstacle == Obstacle::kNone) {
        import_host_config();
    }
}

void GroupThread::tell_of_status(Instant now) {
    const Status& status = member_->replica().status();
    if (status_log_.look(now, status)) {
        const Line line = to_line(status, words_);
        say(line);
        options_.on_status(line.text);
    }
}

// A new cluster's tree begins with the configuration that its nodes were started with. One of them
// does it, and whoever comes later finds that something was done.
void GroupThread::import_host_config() {
    const Status& status = member_->replica().status();
    const bool lowest = status.local || (!status.synced.empty() && status.synced.front() == self_);
    const bool untouched = member_->replica().state().position().index == 0;
    if (options_.first_corosync_conf.empty() || !lowest || !untouched ||
        std::exchange(imported_, true)) {
        return;
    }
    const auto text = std::make_shared<const std::string>(options_.first_corosync_conf);
    Wish create{wall_seconds(), Create{kRootInode, "corosync.conf", true}, {}};
    Files::Completion created = [this, text](const Done& done) {
        if (done.refusal != Refusal::kNone || done.outcome.error != Errno::kOk) {
            return;
        }
        const Ranges all{{0, std::as_bytes(std::span(*text))}};
        Wish write{wall_seconds(), Write{done.outcome.inode, all}, text};
        Files::Completion written = [](const Done& /*done*/) {};
        static_cast<void>(submit(write, written));
    };
    static_cast<void>(submit(create, created));
}

// ---- the cluster --------------------------------------------------------------------------------

void GroupThread::watch(Instant now, const client::Input& input) {
    watch_effects_.clear();
    watch_.step(now, input, watch_effects_);
    watch_wake_ = watch_effects_.wake_at;
    for (const client::Action& action : watch_effects_.actions) {
        transport_.perform(now, action);
    }
    for (const client::Trouble& trouble : watch_effects_.troubles) {
        tell_of_trouble(now, fmt::format("{} (error {})", trouble.text,
                                         static_cast<std::uint32_t>(trouble.error)));
    }
    if (watch_effects_.cluster) {
        on_cluster(now, *watch_effects_.cluster);
    }
}

void GroupThread::on_cluster(Instant now, const client::Cluster& cluster) {
    if (stopping_) {
        return;
    }
    if (!member_) {
        become_member(now, cluster.self);
    } else if (cluster.self != self_) {
        options_.on_failure(
            fmt::format("this node was {} and is {} now", raw(self_), raw(cluster.self)));
        return;
    }
    step(now, VotingIs{voting_of(cluster)});
    host_config_.on_running(now, cluster.config_version);
    show_cluster();
    around_.mount.status_changed();
}

void GroupThread::become_member(Instant now, NodeId self) {
    self_ = self;
    Member::Options options;
    options.replica.node = self;
    options.replica.life = options_.life;
    options.replica.local = options_.local;
    options.pid = static_cast<std::uint32_t>(::getpid());
    member_.emplace(options);
    step(now, std::move(*loaded_));
    loaded_.reset();
    host_config_.look(now, member_->replica().snapshot(), self_);
}

void GroupThread::show_cluster() {
    ClusterInfo info;
    const auto& cluster = watch_.cluster();
    if (cluster && member_) {
        const std::vector<NodeId>& members = member_->replica().status().members;
        info.name = cluster->name;
        info.config_version = cluster->config_version;
        info.quorate = member_->client().quorate();
        for (const client::ConfiguredNode& node : cluster->nodes) {
            const bool online = std::ranges::binary_search(members, node.node);
            info.nodes.push_back({node.name, node.node, online, node.address});
        }
    }
    around_.published.publish(std::move(info));
}

std::string GroupThread::name_of(NodeId node) const {
    if (const auto& cluster = watch_.cluster()) {
        for (const client::ConfiguredNode& each : cluster->nodes) {
            if (each.node == node && !each.name.empty()) {
                return each.name;
            }
        }
    }
    return fmt::format("node {}", raw(node));
}

// ---- words --------------------------------------------------------------------------------------

void GroupThread::tell_of_store(Instant now) {
    constexpr std::chrono::seconds kPatience{1};
    if (storing_since_ && !told_of_store_ && now - *storing_since_ >= kPatience) {
        told_of_store_ = true;
        say({Severity::kWarning,
             "not stored within 1 s, is the disk stuck? Reads go on, writes wait"});
    }
}

// Until the ring daemon has said which node this is there is no status that could tell.
void GroupThread::tell_of_silence(Instant now) {
    constexpr std::chrono::seconds kPatience{3};
    if (member_ || stopping_ || told_of_silence_ || now < began_ + kPatience) {
        return;
    }
    told_of_silence_ = true;
    const std::string why =
        closed_doors_.contains(Door::kCmap)
            ? "the ring daemon cannot be reached, does totemd or corosync run?"
        : closed_doors_.contains(Door::kVotequorum)
            ? "the ring daemon has no votequorum, see quorum.provider in its configuration"
            : "the ring daemon has not said yet which node this is";
    const std::string text = "read-only: " + why;
    say({Severity::kWarning, text});
    options_.on_status(text);
}

// It is tried again and again; a line a minute is enough about each.
void GroupThread::tell_of_trouble(Instant now, const std::string& text) {
    constexpr std::chrono::minutes kAgain{1};
    const auto [told, first] = told_troubles_.try_emplace(text, now);
    if (first || now - told->second >= kAgain) {
        told->second = now;
        say({Severity::kWarning, "the ring daemon: " + text});
    }
}

void GroupThread::say(const Line& line) { around_.log.write(line.severity, "CFS", line.text); }

}  // namespace cfs
