// cpg_member GROUP: a member of that group, whose name counts with its NUL as pmxcfs's does, until
// it is ended. Says "joined" once it is.
#include <corosync/cpg.h>
#include <cstring>
#include <iostream>

namespace {

void on_change(cpg_handle_t, const cpg_name*, const cpg_address*, std::size_t, const cpg_address*,
               std::size_t, const cpg_address*, std::size_t joined) {
    if (joined > 0) {
        std::cout << "joined" << std::endl;
    }
}

void on_message(cpg_handle_t, const cpg_name*, std::uint32_t, std::uint32_t, void*, std::size_t) {}

}  // namespace

int main(int argc, char** argv) {
    cpg_name group{};
    if (argc != 2 || std::strlen(argv[1]) >= sizeof group.value) {
        std::cerr << "usage: cpg_member GROUP\n";
        return 2;
    }
    group.length = static_cast<std::uint32_t>(std::strlen(argv[1]) + 1);
    std::memcpy(group.value, argv[1], group.length);
    cpg_callbacks_t callbacks{};
    callbacks.cpg_confchg_fn = on_change;
    callbacks.cpg_deliver_fn = on_message;
    cpg_handle_t handle = 0;
    if (cpg_initialize(&handle, &callbacks) != CS_OK || cpg_join(handle, &group) != CS_OK) {
        std::cerr << "cpg_member: cannot join\n";
        return 1;
    }
    return cpg_dispatch(handle, CS_DISPATCH_BLOCKING) == CS_OK ? 0 : 1;
}
