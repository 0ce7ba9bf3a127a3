// quorum_watch: prints every change of membership and quorum, one line each, until it is ended.
//
//   <milliseconds since boot> nodes 1,2,3 joined 3 left -
//   <milliseconds since boot> quorate yes ring 1.1f members 1,2,3
//
// Reconnects when the daemon goes away ("gone"), as the real clients do.
#include <chrono>
#include <corosync/quorum.h>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

namespace {

long long now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string list(const std::uint32_t* nodes, std::uint32_t count) {
    std::ostringstream text;
    for (std::uint32_t i = 0; i < count; ++i) {
        text << (i == 0 ? "" : ",") << nodes[i];
    }
    return count == 0 ? "-" : text.str();
}

void on_quorum(quorum_handle_t, std::uint32_t quorate, quorum_ring_id ring, std::uint32_t count,
               const std::uint32_t* members) {
    std::cout << now_ms() << " quorate " << (quorate != 0 ? "yes" : "no") << " ring " << std::hex
              << ring.nodeid << "." << ring.seq << std::dec << " members " << list(members, count)
              << std::endl;
}

void on_nodes(quorum_handle_t, quorum_ring_id, std::uint32_t members, const std::uint32_t* member,
              std::uint32_t joined, const std::uint32_t* join, std::uint32_t left,
              const std::uint32_t* leave) {
    std::cout << now_ms() << " nodes " << list(member, members) << " joined " << list(join, joined)
              << " left " << list(leave, left) << std::endl;
}

void watch() {
    quorum_model_v1_data_t model{};
    model.model = QUORUM_MODEL_V1;
    model.quorum_notify_fn = on_quorum;
    model.nodelist_notify_fn = on_nodes;
    quorum_handle_t handle = 0;
    std::uint32_t type = 0;
    if (quorum_model_initialize(&handle, QUORUM_MODEL_V1,
                                reinterpret_cast<quorum_model_data_t*>(&model), &type,
                                nullptr) != CS_OK) {
        return;
    }
    if (quorum_trackstart(handle, CS_TRACK_CURRENT | CS_TRACK_CHANGES) == CS_OK) {
        while (quorum_dispatch(handle, CS_DISPATCH_ONE) == CS_OK) {
        }
        std::cout << now_ms() << " gone" << std::endl;
    }
    quorum_finalize(handle);
}

}  // namespace

int main() {
    for (;;) {
        watch();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}
