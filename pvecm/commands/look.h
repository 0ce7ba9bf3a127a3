// What status, nodes and expected have in common: they ask the cluster engine, if this node is in a
// cluster at all.
//
// Source: pvecm.md 4 (status, nodes, expected).
#pragma once

#include <optional>

#include "pvecm/command.h"

namespace pvecm {

struct Looked {
    std::optional<View> view;
    int exit_code = kDone;  // without a view; the reason is on Context::err
};

[[nodiscard]] Looked look(Context& context);

}  // namespace pvecm
