// `pvecm expected N`: how many votes the cluster expects, until its configuration is read again.
//
// Lowered below the votes of all nodes it makes a minority quorate, so it first names the nodes
// that are missing and asks; `-yes` is the answer of scripts. It prints nothing when it is done, as
// scripts know it; status shows what came of it.
//
// Exit status: 0 changed; 1 refused, no answer; 255 not wanted, or not in a cluster.
// Source: pvecm.md 4 (expected), properties.md Q9.
#include <istream>
#include <ostream>
#include <string>

#include "pvecm/commands/all.h"
#include "pvecm/commands/look.h"
#include "pvecm/lowered_votes.h"

namespace pvecm {

namespace {

bool wants(Context& context, const View& view, std::uint32_t votes) {
    context.out << "If they run, cut off from this side, both sides will act on their own. Be sure "
                   "that they are off.\nExpect "
                << votes_text(votes) << " instead of " << view.sums.highest_expected
                << " until they return? (yes/no) " << std::flush;
    std::string answer;
    std::getline(context.in, answer);
    return answer == "yes" || answer == "y";
}

// What was agreed to concerned these members.
bool still_the_same(Context& context, const View& before, int& exit_code) {
    const Looked now = look(context);
    exit_code = now.exit_code;
    if (!now.view) {
        return false;
    }
    if (missing_nodes(*now.view) == missing_nodes(before) &&
        now.view->sums.highest_expected == before.sums.highest_expected) {
        return true;
    }
    context.err << "the cluster has changed meanwhile: nothing was done, look at it again\n";
    exit_code = kRefused;
    return false;
}

int set(Context& context, const View& view, std::uint32_t votes) {
    if (const auto error = context.cluster.set_expected(votes)) {
        context.err << error->text << '\n';
        return kRefused;
    }
    const auto missing = missing_nodes(view);
    context.host.log("expected votes set from " + std::to_string(view.sums.highest_expected) +
                     " to " + std::to_string(votes) + " by " + context.host.operator_name() +
                     "; missing nodes: " + (missing.empty() ? "none" : to_string(missing)));
    return kDone;
}

int run_expected(Context& context, const Values& values) {
    const std::uint32_t votes = values.number("expected");
    const Looked looked = look(context);
    if (!looked.view) {
        return looked.exit_code;
    }
    const View& view = *looked.view;
    if (!view.votequorum) {
        context.err << "You cannot change expected votes, corosync is not using votequorum\n";
        return kRefused;
    }
    if (const auto why = useless(view, votes)) {
        context.err << "Unable to set expected votes: " << *why << '\n';
        return kRefused;
    }
    const auto missing = missing_nodes(view);
    if (missing.empty() || votes >= view.sums.highest_expected) {
        return set(context, view, votes);
    }
    context.err << "Missing: " << to_string(missing) << '\n';
    int exit_code = kDone;
    if (!values.flag("yes")) {
        if (!wants(context, view, votes)) {
            context.err << "expected votes are unchanged (in scripts: pvecm expected "
                        << std::to_string(votes) << " -yes)\n";
            return kFailed;
        }
        if (!still_the_same(context, view, exit_code)) {
            return exit_code;
        }
    }
    return set(context, view, votes);
}

}  // namespace

Command expected_command() {
    return {"expected",
            "Tell the cluster how many votes to expect, until its configuration is read again.",
            {.arguments = {{"expected", Format::kInteger, "Expected number of votes.", 1}},
             .options = {{"yes", Format::kFlag, "Do not ask, although nodes are missing."}}},
            run_expected};
}

}  // namespace pvecm
