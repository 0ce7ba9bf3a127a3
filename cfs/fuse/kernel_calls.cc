#include "cfs/fuse/kernel_calls.h"

#include <cerrno>

#include "cfs/fuse/server.h"

namespace cfs {

namespace {

// Times are whole seconds.
constexpr unsigned kTimeGranularity = 1'000'000'000;

Server& server_of(fuse_req_t request) { return *static_cast<Server*>(fuse_req_userdata(request)); }

HandleId handle_of(const fuse_file_info* info) { return HandleId{info != nullptr ? info->fh : 0}; }

void on_init(void* /*user*/, fuse_conn_info* connection) {
    // Names are not cached, so attributes that come with a listing would be asked for again anyway.
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS | FUSE_CAP_WRITEBACK_CACHE);
    connection->time_gran = kTimeGranularity;
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    server_of(request).lookup(request, {KernelInode{parent}, name});
}

void on_getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    server_of(request).get_attributes(request, KernelInode{inode}, handle_of(info));
}

void on_setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which,
                fuse_file_info* /*info*/) {
    server_of(request).set_attributes(request, KernelInode{inode}, *wanted, which);
}

void on_readlink(fuse_req_t request, fuse_ino_t inode) {
    server_of(request).read_link(request, KernelInode{inode});
}

void on_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
              dev_t /*device*/) {
    server_of(request).make_node(request, {KernelInode{parent}, name}, mode);
}

void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t /*mode*/) {
    server_of(request).make_directory(request, {KernelInode{parent}, name});
}

void on_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    server_of(request).unlink(request, {KernelInode{parent}, name});
}

void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    server_of(request).remove_directory(request, {KernelInode{parent}, name});
}

void on_symlink(fuse_req_t request, const char* /*target*/, fuse_ino_t /*parent*/,
                const char* /*name*/) {
    fuse_reply_err(request, EPERM);
}

void on_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags) {  // NOLINT(readability-function-size)
    server_of(request).rename(request, {KernelInode{parent}, name},
                              {KernelInode{new_parent}, new_name}, flags);
}

void on_link(fuse_req_t request, fuse_ino_t /*inode*/, fuse_ino_t /*new_parent*/,
             const char* /*new_name*/) {
    fuse_reply_err(request, EPERM);
}

void on_open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    server_of(request).open(request, KernelInode{inode}, *info);
}

void on_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t /*mode*/,
               fuse_file_info* info) {
    server_of(request).create(request, {KernelInode{parent}, name}, *info);
}

void on_read(fuse_req_t request, fuse_ino_t /*inode*/, std::size_t size, off_t offset,
             fuse_file_info* info) {
    server_of(request).read(request, handle_of(info), size, static_cast<std::uint64_t>(offset));
}

void on_write(fuse_req_t request, fuse_ino_t /*inode*/, const char* data, std::size_t size,
              off_t offset, fuse_file_info* info) {  // NOLINT(readability-function-size)
    server_of(request).write(request, handle_of(info), std::as_bytes(std::span(data, size)),
                             static_cast<std::uint64_t>(offset));
}

void on_flush(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* info) {
    server_of(request).flush(request, handle_of(info));
}

void on_fsync(fuse_req_t request, fuse_ino_t /*inode*/, int /*data_only*/, fuse_file_info* info) {
    server_of(request).flush(request, handle_of(info));
}

void on_release(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* info) {
    server_of(request).release(handle_of(info));
    fuse_reply_err(request, 0);
}

void on_opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    server_of(request).open_directory(request, KernelInode{inode}, *info);
}

void on_readdir(fuse_req_t request, fuse_ino_t /*inode*/, std::size_t size, off_t offset,
                fuse_file_info* info) {
    server_of(request).read_directory(request, handle_of(info), size,
                                      static_cast<std::uint64_t>(offset));
}

void on_statfs(fuse_req_t request, fuse_ino_t /*inode*/) { server_of(request).statistics(request); }

// What is not in here the kernel does alone (locks, seeking), or refuses as it should (extended
// attributes: ENOTSUP).
fuse_lowlevel_ops make_calls() {
    fuse_lowlevel_ops calls{};
    calls.init = on_init;
    calls.lookup = on_lookup;
    calls.getattr = on_getattr;
    calls.setattr = on_setattr;
    calls.readlink = on_readlink;
    calls.mknod = on_mknod;
    calls.mkdir = on_mkdir;
    calls.unlink = on_unlink;
    calls.rmdir = on_rmdir;
    calls.symlink = on_symlink;
    calls.rename = on_rename;
    calls.link = on_link;
    calls.open = on_open;
    calls.create = on_create;
    calls.read = on_read;
    calls.write = on_write;
    calls.flush = on_flush;
    calls.fsync = on_fsync;
    calls.release = on_release;
    calls.opendir = on_opendir;
    calls.readdir = on_readdir;
    calls.releasedir = on_release;
    calls.statfs = on_statfs;
    return calls;
}

}  // namespace

const fuse_lowlevel_ops& kernel_calls() {
    static const fuse_lowlevel_ops calls = make_calls();
    return calls;
}

}  // namespace cfs
