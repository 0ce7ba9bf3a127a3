// The state of the cluster in the words and columns of corosync-quorumtool 3.1, to the byte: status
// is its -siH, nodes its -l.
//
// Source: pvecm.md 4 (status, nodes), samples/quorumtool-*.txt.
#pragma once

#include <string>

#include "pvecm/cluster.h"

namespace pvecm {

// `date` is a line of the text. The view is of a cluster with votequorum.
[[nodiscard]] std::string status_text(const View& view, const std::string& date);
[[nodiscard]] std::string nodes_text(const View& view);

// "pve2" as the node list has it, else the node's address.
[[nodiscard]] std::string name_of(const View& view, const Member& member);

}  // namespace pvecm
