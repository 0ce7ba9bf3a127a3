// pvecm: makes, shows and repairs a cluster. Real machine, real cluster engine, real files.
#include <iostream>
#include <string>
#include <vector>

#include "pvecm/client_doors.h"
#include "pvecm/host_config.h"
#include "pvecm/program.h"
#include "pvecm/system_host.h"

// NOLINTNEXTLINE(bugprone-exception-escape): only of lack of memory
int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    pvecm::ClientDoors doors;
    pvecm::SystemHost host;
    pvecm::HostConfig config{"/etc/corosync/corosync.conf"};
    pvecm::Context context{.in = std::cin,
                           .out = std::cout,
                           .err = std::cerr,
                           .cluster = doors,
                           .host = host,
                           .config = config};
    const int status = pvecm::run_program(context, words);
    std::cout.flush();
    return std::cout ? status : pvecm::kFailed;
}
