// `pvecm nodes`: the members, as corosync-quorumtool -l prints them.
//
// Exit status: 0, 1 no answer, 255 not in a cluster. Source: pvecm.md 4 (nodes).
#include <ostream>

#include "pvecm/commands/all.h"
#include "pvecm/commands/look.h"
#include "pvecm/quorum_text.h"

namespace pvecm {

namespace {

int run_nodes(Context& context, const Values& /*values*/) {
    const Looked looked = look(context);
    if (!looked.view) {
        return looked.exit_code;
    }
    context.out << nodes_text(*looked.view);
    return kDone;
}

}  // namespace

Command nodes_command() { return {"nodes", "Show the members of the cluster.", {}, run_nodes}; }

}  // namespace pvecm
