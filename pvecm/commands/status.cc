// `pvecm status`: quorum, votes and members as corosync-quorumtool -siH prints them; and, behind
// that, whose return ends lowered expected votes.
//
// Exit status: 0 quorate, 2 not quorate, 1 no answer, 255 not in a cluster.
// Source: pvecm.md 4 (status), samples/quorumtool-expected.txt, quorumtool-noprovider.txt.
#include <ostream>

#include "pvecm/commands/all.h"
#include "pvecm/commands/look.h"
#include "pvecm/lowered_votes.h"
#include "pvecm/quorum_text.h"

namespace pvecm {

namespace {

int run_status(Context& context, const Values& /*values*/) {
    const Looked looked = look(context);
    if (!looked.view) {
        return looked.exit_code;
    }
    const View& view = *looked.view;
    if (!view.votequorum) {
        context.err << "Unable to start votequorum status tracking: CS_ERR_BAD_HANDLE\n";
        return kRefused;
    }
    context.out << status_text(view, context.host.date()) << lowered_votes_text(view);
    return view.quorate ? kDone : kNotQuorate;
}

}  // namespace

Command status_command() {
    return {"status", "Show quorum, votes and members of the cluster.", {}, run_status};
}

}  // namespace pvecm
