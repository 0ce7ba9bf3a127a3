#include <algorithm>
#include <utility>

#include "cfs/core/replica_machine.h"
#include "totem/core/mutant.h"

namespace cfs {

namespace {

// An epoch that does not open is given up after donor_wait, then twice that, and so on up to this
// often doubled.
constexpr std::uint32_t kPatienceMax = 4;

// Which of two states may hold what was acknowledged later.
bool newer_than(const Position& a, const Position& b) {
    if (TOTEM_MUTANT(longest_index_wins)) {
        return a.index > b.index;
    }
    return a > b;
}

}  // namespace

void Replica::Machine::begin_stage(std::uint32_t round) {
    end_epoch();
    stage_ = Stage{};
    stage_->round = round;
    stage_->name = name_of(view_name_, round);
    stage_->since = now_;
}

void Replica::Machine::end_epoch() {
    stop_catching_up();
    if (epoch_ && epoch_->open) {
        opened_at_ = now_;
    }
    epoch_.reset();
    wishes_.begin_epoch();
}

// ---- who has what -------------------------------------------------------------------------------

Point Replica::Machine::here() const { return {state_.position(), state_.digest()}; }

// A branch that the only node with votes has written is the cluster's history.
bool Replica::Machine::branched() const {
    const bool alone = voting_.voters.size() == 1 && listed(options_.node);
    return record_.branch.has_value() && !alone;
}

std::uint64_t Replica::Machine::promised_at_most() const {
    const std::uint64_t on_disk = std::max(promise_.epoch, state_.position().epoch);
    const bool under_way = commit_out_ && commit_out_->promise;
    return under_way ? std::max(on_disk, commit_out_->promise->epoch) : on_disk;
}

Hello Replica::Machine::own_hello() const {
    Hello hello;
    hello.view = view_name_;
    hello.round = stage_->round;
    hello.life = options_.life;
    hello.promised = promised_at_most();
    hello.branch = branched();
    hello.last = hello.branch ? *record_.branch : here();
    hello.voting = name_of(voting_);
    hello.override_epoch = record_.override_epoch ? record_.epoch : EpochName{};
    return hello;
}

void Replica::Machine::say_hello() {
    if (stage_ && !newer_ && !newer_record_ && nodes_.contains(options_.node) &&
        due(stage_->hello)) {
        say(own_hello());
    }
}

void Replica::Machine::handle(NodeId sender, const Hello& hello) {
    if (hello.view != view_name_) {
        return;
    }
    if (hello.round == stage_->round + 1) {
        begin_stage(hello.round);
        return;
    }
    if (hello.round != stage_->round) {
        return;
    }
    stage_->heard.insert_or_assign(sender, hello);
    if (sender == options_.node) {
        stage_->hello.back = true;
    } else {
        judge(sender, hello);
    }
}

// Says so when what another has and what is here cannot come from one order.
void Replica::Machine::judge(NodeId sender, const Hello& hello) {
    if (branched() || hello.branch || !contradicts(hello) || !listed(sender)) {
        return;
    }
    if (due(stage_->conflict_said)) {
        say(Conflict{stage_->name, sender});
    }
}

bool Replica::Machine::contradicts(const Hello& hello) const {
    const Position mine = state_.position();
    const Position theirs = hello.last.position;
    const bool both_overridden = record_.override_epoch && hello.override_epoch != EpochName{} &&
                                 record_.epoch != hello.override_epoch &&
                                 mine.epoch == promise_.epoch && theirs.epoch == hello.promised;
    const bool comparable = mine.epoch == theirs.epoch || both_overridden;
    // Nothing at all is the beginning of everything, and who has more sees more.
    if (!comparable || theirs.index == 0 || mine.index == 0 || theirs > mine) {
        return false;
    }
    return state_.history().place(theirs, hello.last.state) == History::Place::kOther;
}

void Replica::Machine::handle(NodeId sender, const Conflict& conflict) {
    if (conflict.stage != stage_->name || !nodes_.contains(conflict.other)) {
        return;
    }
    if (sender == options_.node) {
        stage_->conflict_said.back = true;
    }
    if (stage_->conflict.insert(conflict.other).second) {
        if (!epoch_) {
            stage_->conflict.insert(sender);  // which of the two is right, nobody can tell
        }
        tell(Notice::Kind::kConflict, conflict.other, totem::raw(sender));
    }
}

// ---- proposals ----------------------------------------------------------------------------------

std::vector<NodeId> Replica::Machine::nodes_missing_from_heard() const {
    std::vector<NodeId> missing;
    for (const NodeId node : nodes_) {
        if (!stage_->heard.contains(node)) {
            missing.push_back(node);
        }
    }
    return missing;
}

// Who could promise an epoch by our votes.
std::vector<NodeId> Replica::Machine::voters_heard() const {
    std::vector<NodeId> nodes;
    const VotingName votes = name_of(voting_);
    for (const auto& [node, hello] : stage_->heard) {
        if (hello.voting == votes && listed(node)) {
            nodes.push_back(node);
        }
    }
    return nodes;
}

// Who may propose, the newest state first; who is written in local mode has none to offer.
std::vector<NodeId> Replica::Machine::candidates() const {
    std::vector<NodeId> nodes = voters_heard();
    std::erase_if(nodes, [&](NodeId node) { return stage_->heard.at(node).branch; });
    std::stable_sort(nodes.begin(), nodes.end(), [&](NodeId a, NodeId b) {
        return newer_than(stage_->heard.at(a).last.position, stage_->heard.at(b).last.position);
    });
    return nodes;
}

// Branches from a point that no other member has reached: nobody could give it back to them.
std::set<NodeId> Replica::Machine::stray_branches() const {
    std::set<NodeId> stray;
    const std::vector<NodeId> offering = candidates();
    for (const auto& [node, hello] : stage_->heard) {
        const bool reached =
            !offering.empty() &&
            stage_->heard.at(offering.front()).last.position >= hello.last.position;
        if (hello.branch && !reached) {
            stray.insert(node);
        }
    }
    return stray;
}

bool Replica::Machine::ready_to_propose() {
    if (!gate() || !stage_->conflict.empty() || !listed(options_.node)) {
        return false;
    }
    const std::vector<NodeId> missing = nodes_missing_from_heard();
    const Instant waited = stage_->since + options_.hello_wait;
    if (!missing.empty() && now_ < waited) {
        until_ = waited;
        want(waited);
        return false;
    }
    const bool sufficient =
        voting_.sufficient(voters_heard()) || TOTEM_MUTANT(adoption_without_majority);
    if (!sufficient || !stray_branches().empty()) {
        return false;
    }
    for (const NodeId node : missing) {
        name_silent(node, "has not said what it has");
    }
    return true;
}

void Replica::Machine::name_silent(NodeId node, const std::string& what) {
    if (stage_->named.insert(node).second) {
        tell(Notice::Kind::kMemberSilent, node, 0, what);
    }
}

void Replica::Machine::propose() {
    if (!stage_ || epoch_) {
        return;
    }
    if (!ready_to_propose()) {
        stage_->ready_since.reset();
        return;
    }
    stage_->ready_since = stage_->ready_since.value_or(now_);
    const std::vector<NodeId> order = candidates();
    const auto self = std::ranges::find(order, options_.node);
    const auto rank = self - order.begin();
    const Instant turn = *stage_->ready_since + rank * options_.proposal_wait;
    until_ = turn;
    if (self == order.end()) {
        return;
    }
    if (now_ < turn) {
        want(turn);
        return;
    }
    std::vector<NodeId> rest = voters_heard();
    std::erase_if(rest, [&](NodeId node) { return std::find(order.begin(), self, node) != self; });
    if (!voting_.sufficient(rest) && !TOTEM_MUTANT(adoption_without_majority)) {
        return;
    }
    std::for_each(order.begin(), self,
                  [&](NodeId node) { name_silent(node, "has not proposed an epoch"); });
    if (!due(stage_->proposal)) {
        return;
    }
    std::uint64_t highest = promised_at_most();
    for (const auto& [node, hello] : stage_->heard) {
        highest = std::max(highest, hello.promised);
    }
    say(Propose{stage_->name, highest + 1, here(), name_of(voting_), voting_.lowered()});
}

void Replica::Machine::handle(NodeId sender, const Propose& proposal) {
    if (proposal.stage != stage_->name || epoch_ || !stage_->conflict.empty() || !listed(sender)) {
        return;
    }
    epoch_ = Epoch{};
    epoch_->name = name_of(proposal, sender);
    epoch_->proposal = proposal;
    epoch_->proposer = sender;
    epoch_->turns = Turns(voting_);
    epoch_->active = now_;
    epoch_->following = !branched() && here() == proposal.parent;
}

// ---- promises -----------------------------------------------------------------------------------

void Replica::Machine::promise() {
    if (!epoch_ || !gate() || stage_->conflict.contains(options_.node)) {
        return;
    }
    Epoch& epoch = *epoch_;
    if (epoch.promise_given) {
        const bool durable = epoch.promise_stored || TOTEM_MUTANT(promise_before_stored);
        if (durable && due(epoch.promised)) {
            say(Promised{epoch.name});
        }
        if (!epoch.following) {
            catch_up();
        }
        return;
    }
    if (!same_votes() || !listed(options_.node)) {
        return;
    }
    if (epoch.proposal.epoch <= promised_at_most()) {
        stage_->restart_wanted = true;  // it was proposed without our Hello
        return;
    }
    // What was acknowledged is known to at least one of any sufficient set. So a set in which
    // nobody has more than the parent proves that the parent has it all, and only then may who has
    // more come and put that aside.
    const Position mine = branched() ? record_.branch->position : state_.position();
    if (!epoch.open && newer_than(mine, epoch.proposal.parent.position) &&
        !TOTEM_MUTANT(promise_above_parent)) {
        return;
    }
    if (epoch.following) {
        epoch.promise_wanted = true;
    } else {
        catch_up();
    }
}

void Replica::Machine::handle(NodeId sender, const Promised& promised) {
    if (!epoch_ || promised.epoch != epoch_->name || !listed(sender)) {
        return;
    }
    if (sender == options_.node) {
        epoch_->promised.back = true;
    }
    if (!epoch_->turns.synced(sender)) {
        epoch_->turns.add_synced(sender);
        epoch_->active = now_;
    }
    open_if_sufficient();
}

void Replica::Machine::open_if_sufficient() {
    if (epoch_->open || !epoch_->turns.sufficient()) {
        return;
    }
    epoch_->open = true;
    opened_at_ = now_;
    tell(Notice::Kind::kEpochOpened, epoch_->proposer, epoch_->proposal.epoch,
         epoch_->proposal.override_epoch ? "override" : "");
}

// Asks for another exchange in this view, when this one cannot lead anywhere.
void Replica::Machine::begin_again() {
    if (!stage_ || !gate() || !stage_->hello.back || !listed(options_.node)) {
        return;
    }
    if (epoch_ && !epoch_->open && stage_->conflict.empty() && same_votes()) {
        const auto patience = options_.donor_wait * (1U << std::min(stage_->round, kPatienceMax));
        const Instant end = epoch_->active + patience;
        stage_->restart_wanted = stage_->restart_wanted || now_ >= end;
        if (now_ < end) {
            want(end);
            until_ = end;
        }
    }
    if (!stage_->restart_wanted) {
        return;
    }
    if (restarted_at_ && now_ < *restarted_at_ + options_.repeat) {
        want(*restarted_at_ + options_.repeat);
        return;
    }
    restarted_at_ = now_;
    Hello hello = own_hello();
    hello.round += 1;
    say(hello);
    want(now_ + options_.repeat);
}

}  // namespace cfs
