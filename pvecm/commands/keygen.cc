// `pvecm keygen FILE`: a new key for a cluster, in a file that only root can read.
//
// Source: pvecm.md 4 (keygen).
#include <filesystem>
#include <ostream>
#include <system_error>

#include "pvecm/commands/all.h"
#include "pvecm/key_file.h"

namespace pvecm {

namespace {

int run_keygen(Context& context, const Values& values) {
    const std::string& path = values.text("filename");
    std::error_code ignored;
    if (std::filesystem::symlink_status(path, ignored).type() !=
        std::filesystem::file_type::not_found) {
        context.err << "key file '" << path << "' already exists\n";
        return kFailed;
    }
    if (const auto error = make_key_file(context.host, path)) {
        context.err << *error << '\n';
        return kFailed;
    }
    context.out << "Writing corosync key to " << path << ".\n";
    return kDone;
}

}  // namespace

Command keygen_command() {
    return {"keygen",
            "Make a new key for a cluster.",
            {.arguments = {{"filename", Format::kText, "File to write; there must be none yet."}}},
            run_keygen};
}

}  // namespace pvecm
