#include "cfs/fuse/views.h"

#include <algorithm>

namespace cfs {

const std::vector<ViewEntry>& views() {
    static const std::vector<ViewEntry> all{
        {ViewKind::kClusterLog, ".clusterlog"}, {ViewKind::kDebug, ".debug"},
        {ViewKind::kMembers, ".members"},       {ViewKind::kMetrics, ".rrd"},
        {ViewKind::kStatus, ".status"},         {ViewKind::kVersion, ".version"},
        {ViewKind::kGuests, ".vmlist"},         {ViewKind::kLocal, "local", true},
        {ViewKind::kLxc, "lxc", true},          {ViewKind::kOpenvz, "openvz", true},
        {ViewKind::kQemu, "qemu-server", true},
    };
    return all;
}

const ViewEntry* find_view(std::string_view name) {
    const auto found = std::find_if(views().begin(), views().end(),
                                    [name](const ViewEntry& view) { return view.name == name; });
    return found == views().end() ? nullptr : &*found;
}

const ViewEntry* find_view(KernelInode inode) {
    if (raw(inode) < kFirstViewInode) {
        return nullptr;
    }
    const auto found = std::find_if(views().begin(), views().end(), [inode](const ViewEntry& view) {
        return kernel_inode(view.kind) == inode;
    });
    return found == views().end() ? nullptr : &*found;
}

KernelInode kernel_inode(ViewKind kind) noexcept {
    return KernelInode{kFirstViewInode + static_cast<std::uint64_t>(kind)};
}

std::string link_target(ViewKind kind, const std::string& node) {
    switch (kind) {
        case ViewKind::kQemu:
            return "nodes/" + node + "/qemu-server";
        case ViewKind::kLxc:
            return "nodes/" + node + "/lxc";
        case ViewKind::kOpenvz:
            return "nodes/" + node + "/openvz";
        default:
            return "nodes/" + node;
    }
}

struct stat view_attributes(const ViewEntry& view, std::size_t size, std::uint64_t started,
                            Ownership ownership) {
    struct stat st {};
    st.st_ino = raw(kernel_inode(view.kind));
    st.st_nlink = 1;
    st.st_gid = ownership.group;
    st.st_size = static_cast<off_t>(size);
    st.st_blksize = 4096;
    st.st_mtim.tv_sec = static_cast<time_t>(started);
    st.st_atim = st.st_mtim;
    st.st_ctim = st.st_mtim;
    if (view.link) {
        st.st_mode = S_IFLNK | (ownership.writable ? 0755U : 0555U);
    } else {
        st.st_mode = S_IFREG | (view.kind == ViewKind::kDebug ? 0640U : 0440U);
    }
    return st;
}

std::optional<bool> parse_debug(std::string_view text, std::uint64_t offset) {
    if (offset != 0 || (text != "0\n" && text != "1\n")) {
        return std::nullopt;
    }
    return text == "1\n";
}

}  // namespace cfs
