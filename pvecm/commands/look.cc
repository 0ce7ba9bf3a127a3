#include "pvecm/commands/look.h"

#include <ostream>
#include <utility>

namespace pvecm {

Looked look(Context& context) {
    if (!context.config.exists()) {
        context.err << "Error: Corosync config '" << context.config.path()
                    << "' does not exist - is this node part of a cluster?\n";
        return {std::nullopt, kFailed};
    }
    auto view = context.cluster.look();
    if (!view) {
        context.err << view.error().text << '\n';
        return {std::nullopt, kRefused};
    }
    for (const std::string& complaint : view->complaints) {
        context.err << complaint << '\n';
    }
    return {std::move(*view), kDone};
}

}  // namespace pvecm
