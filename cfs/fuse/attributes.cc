#include "cfs/fuse/attributes.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace cfs {

namespace {

constexpr std::uint64_t kTreeOne = kFirstViewInode - 1;
constexpr std::uint64_t kSectorBytes = 512;
constexpr blksize_t kIoBytes = 4096;

constexpr mode_t kWriteBits = 0222;

// "100.mount", "vps.start": scripts of OpenVZ containers are executable.
bool is_script(std::string_view name) {
    static constexpr std::array<std::string_view, 6> kSuffixes{
        ".mount", ".umount", ".start", ".stop", ".premount", ".postumount"};
    return std::any_of(kSuffixes.begin(), kSuffixes.end(), [name](std::string_view suffix) {
        if (!name.ends_with(suffix) || name.size() == suffix.size()) {
            return false;
        }
        const std::string_view stem = name.substr(0, name.size() - suffix.size());
        return stem == "vps" ||
               std::all_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
    });
}

mode_t permissions_of(bool directory, bool secret, std::string_view name) {
    if (directory) {
        return secret ? 0700 : 0755;
    }
    const mode_t script = is_script(name) ? 0100 : 0;
    return (secret ? 0600 : 0640) | script;
}

struct stat filled(const Entry& entry, std::uint64_t size, gid_t group) {
    struct stat st {};
    st.st_ino = raw(to_kernel(entry.inode));
    st.st_gid = group;
    st.st_size = static_cast<off_t>(size);
    st.st_blksize = kIoBytes;
    st.st_blocks = static_cast<blkcnt_t>((size + kSectorBytes - 1) / kSectorBytes);
    st.st_mtim.tv_sec = static_cast<time_t>(entry.mtime);
    st.st_atim = st.st_mtim;
    st.st_ctim = st.st_mtim;
    return st;
}

}  // namespace

KernelInode to_kernel(Inode inode) noexcept {
    if (inode == kRootInode) {
        return kKernelRoot;
    }
    return KernelInode{raw(inode) == raw(kKernelRoot) ? kTreeOne : raw(inode)};
}

Inode from_kernel(KernelInode inode) noexcept {
    if (inode == kKernelRoot) {
        return kRootInode;
    }
    return Inode{raw(inode) == kTreeOne ? raw(kKernelRoot) : raw(inode)};
}

bool is_private(const TreeView& view, const Entry& entry) {
    // The names of the first three components of the path; the rest does not count.
    std::array<EntryRef, 3> above{};
    const Entry* at = &entry;
    EntryRef holder;
    while (at->inode != kRootInode) {
        std::rotate(above.begin(), above.end() - 1, above.end());
        above[0] = view.find(at->inode);
        holder = view.find(at->parent);
        if (!holder || !above[0]) {
            return false;
        }
        at = holder.get();
    }
    const auto is = [&above](std::size_t place, std::string_view name) {
        return above.at(place) && above.at(place)->name == name;
    };
    return is(0, "priv") || (is(0, "nodes") && is(2, "priv"));
}

mode_t permissions(const TreeView& view, const Entry& entry, bool writable) {
    if (entry.inode == kRootInode) {
        return 0755;
    }
    const mode_t mode = permissions_of(entry.is_directory(), is_private(view, entry), entry.name);
    return writable ? mode : mode & ~kWriteBits;
}

struct stat attributes(const TreeView& view, const Entry& entry, Ownership ownership) {
    const bool directory = entry.is_directory();
    struct stat st = filled(entry, directory ? 0 : entry.content.size(), ownership.group);
    st.st_mode = permissions(view, entry, ownership.writable);
    st.st_mode |= directory ? S_IFDIR : S_IFREG;
    st.st_nlink = directory ? 2 + view.subdirectories(entry.inode) : 1;
    if (entry.inode == kRootInode) {
        // As the root of a mount always was; its time is that of the last change anywhere.
        st.st_mtim = st.st_atim = st.st_ctim = {};
    }
    return st;
}

struct stat removed_attributes(const Entry& entry, std::uint64_t size, Ownership ownership) {
    struct stat st = filled(entry, size, ownership.group);
    st.st_mode = permissions_of(entry.is_directory(), true, entry.name);
    st.st_mode |= entry.is_directory() ? S_IFDIR : S_IFREG;
    st.st_nlink = 0;
    return st;
}

bool mode_allowed(const TreeView& view, const Entry& entry, mode_t mode) {
    const mode_t asked = mode & static_cast<mode_t>(ALLPERMS);
    return asked == permissions(view, entry, true) ||
           asked == permissions_of(false, is_private(view, entry), {});
}

struct statvfs statistics(const TreeView& view) {
    const Summary& used = view.summary();
    const Limits& limits = view.limits();
    const auto left = [](std::uint64_t most, std::uint64_t now) {
        return most - std::min(most, now);
    };
    struct statvfs st {};
    st.f_bsize = kIoBytes;
    st.f_frsize = kIoBytes;
    st.f_blocks = limits.total_bytes_max / kIoBytes;
    st.f_bfree = left(limits.total_bytes_max, used.bytes) / kIoBytes;
    st.f_bavail = st.f_bfree;
    st.f_files = limits.inodes_max;
    st.f_ffree = left(limits.inodes_max, used.inodes);
    st.f_favail = st.f_ffree;
    st.f_namemax = limits.name_bytes_max;
    return st;
}

}  // namespace cfs
