// Names, attributes and virtual files on a real mount: the tables of cfs.md sections 2, 3 and 5,
// and the rows of section 11 that are about them.
#include <algorithm>
#include <array>
#include <dirent.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/cfs/fuse/mounted.h"

namespace cfs::testing {
namespace {

class MountNames : public Mounted {};

TEST_F(MountNames, CreateAndMkdir) {
    EXPECT_EQ(put(at("f"), "x", O_CREAT | O_EXCL), 0);
    EXPECT_EQ(put(at("f"), "x", O_CREAT | O_EXCL), EEXIST);
    EXPECT_EQ(put(at("missing/f"), "x"), ENOENT);
    EXPECT_EQ(put(at("f/g"), "x"), ENOTDIR);
    EXPECT_EQ(mkdir("d"), 0);
    EXPECT_EQ(mkdir("d"), EEXIST);
    EXPECT_EQ(mkdir("missing/d"), ENOENT);
    EXPECT_EQ(mkdir("f/d"), ENOTDIR);
    EXPECT_EQ(mode_of(at("d")), 0755U);
    EXPECT_EQ(put(at("d/any\n\"\xFF name"), "x"), 0);
    EXPECT_EQ(get(at("d/any\n\"\xFF name")), "x");
    EXPECT_EQ(put(at(std::string(256, 'n')), "x"), 0);
    EXPECT_EQ(put(at(std::string(257, 'n')), "x"), ENAMETOOLONG);
}

// Another node may make it between the kernel's look and the request.
TEST_F(MountNames, ExclusiveCreateIsDecidedByTheOrder) {
    files.hold();
    int error = -1;
    std::thread creator([&] { error = put(at("f"), "mine", O_CREAT | O_EXCL); });
    files.await_waiting(1);
    remote_put("f", "theirs");
    files.release();
    creator.join();
    EXPECT_EQ(error, EEXIST);
    EXPECT_EQ(get(at("f")), "theirs");
    // Without O_EXCL it is taken, and cut with O_TRUNC.
    files.hold();
    std::thread taker([&] { error = put(at("g"), "no", O_CREAT | O_TRUNC); });
    files.await_waiting(1);
    remote_put("g", "theirs");
    files.release();
    taker.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(get(at("g")), "no");
}

TEST_F(MountNames, Rename) {
    mkdirs("d/full");
    mkdir("empty");
    mkdir("other");
    put(at("a"), "a");
    put(at("b"), "b");
    put(at("d/full/x"), "x");
    const ino_t inode = stat_of(at("a")).st_ino;
    EXPECT_EQ(rename("a", "b"), 0);
    EXPECT_EQ(get(at("b")), "a");
    EXPECT_EQ(stat_of(at("b")).st_ino, inode);
    EXPECT_EQ(rename("b", "missing/b"), ENOENT);
    EXPECT_EQ(rename("missing", "b"), ENOENT);
    EXPECT_EQ(rename("b", "empty"), EISDIR);
    EXPECT_EQ(rename("empty", "b"), ENOTDIR);
    EXPECT_EQ(rename("empty", "empty2"), 0);
    EXPECT_EQ(rename("empty2", "other"), 0);
    EXPECT_EQ(rename("d/full", "moved"), ENOTEMPTY);
    EXPECT_EQ(rename("other", "d"), ENOTEMPTY);
    EXPECT_EQ(get(at("d/full/x")), "x");
    const auto with_flags = [&](const char* from, const char* to, unsigned flags) {
        return errno_of_call([&] {
            return ::renameat2(AT_FDCWD, at(from).c_str(), AT_FDCWD, at(to).c_str(), flags);
        });
    };
    EXPECT_EQ(with_flags("b", "d", RENAME_NOREPLACE), EEXIST);
    EXPECT_EQ(with_flags("b", "new", RENAME_NOREPLACE), EINVAL);
    EXPECT_EQ(with_flags("b", "other", RENAME_EXCHANGE), EINVAL);
    EXPECT_EQ(with_flags("b", "none", RENAME_EXCHANGE), ENOENT);
}

// cfs.md 11 row 2: three commands that made every node's database unusable.
TEST_F(MountNames, AFullDirectoryOverAnEmptyOneChangesNothing) {
    EXPECT_EQ(mkdir("a"), 0);
    EXPECT_EQ(mkdir("b"), 0);
    EXPECT_EQ(put(at("a/x"), ""), 0);
    EXPECT_EQ(rename("a", "b"), ENOTEMPTY);
    EXPECT_TRUE(S_ISDIR(stat_of(at("b")).st_mode));
    EXPECT_EQ(mkdir("b"), EEXIST);
    EXPECT_EQ(rmdir("b"), 0);
    EXPECT_EQ(get(at("a/x")), "");
}

TEST_F(MountNames, Remove) {
    mkdirs("d/e");
    put(at("f"), "x");
    EXPECT_EQ(unlink("missing"), ENOENT);
    EXPECT_EQ(unlink("d"), EISDIR);
    EXPECT_EQ(rmdir("f"), ENOTDIR);
    EXPECT_EQ(rmdir("d"), ENOTEMPTY);
    EXPECT_EQ(rmdir("d/e"), 0);
    EXPECT_EQ(rmdir("d"), 0);
    EXPECT_EQ(unlink("f"), 0);
    EXPECT_EQ(rmdir("."), EINVAL);
    EXPECT_FALSE(files.has("f"));
}

// cfs.md 11 row 18: EPERM where ENOSYS was, true links and blocks.
TEST_F(MountNames, WhatCannotBeMadeIsNotPermitted) {
    put(at("f"), "x");
    EXPECT_EQ(errno_of_call([&] { return ::symlink("f", at("s").c_str()); }), EPERM);
    EXPECT_EQ(errno_of_call([&] { return ::link(at("f").c_str(), at("l").c_str()); }), EPERM);
    EXPECT_EQ(errno_of_call([&] { return ::mkfifo(at("p").c_str(), 0600); }), EPERM);
    const auto node = [&](const char* name, mode_t mode) {
        return errno_of_call([&] { return ::mknod(at(name).c_str(), mode, makedev(1, 3)); });
    };
    EXPECT_EQ(node("c", S_IFCHR | 0600), EPERM);
    EXPECT_EQ(node("b", S_IFBLK | 0600), EPERM);
    EXPECT_EQ(node("s", S_IFSOCK | 0600), EPERM);
    EXPECT_EQ(node("r", S_IFREG | 0600), 0);
    EXPECT_EQ(node("r", S_IFREG | 0600), EEXIST);
    EXPECT_EQ(mode_of(at("r")), 0640U);
    std::array<char, 8> value{};
    const std::string path = at("f");
    EXPECT_EQ(errno_of_call([&] { return ::setxattr(path.c_str(), "user.a", "b", 1, 0); }),
              ENOTSUP);
    EXPECT_EQ(errno_of_call([&] { return ::getxattr(path.c_str(), "user.a", value.data(), 8); }),
              ENOTSUP);
    EXPECT_EQ(errno_of_call([&] { return ::removexattr(path.c_str(), "user.a"); }), ENOTSUP);
    EXPECT_EQ(errno_of_call([&] { return ::open(point.c_str(), O_TMPFILE | O_RDWR, 0600); }),
              ENOTSUP);
}

TEST_F(MountNames, AttributesAreTrue) {
    mkdirs("priv/lock");
    mkdirs("nodes/n1/priv");
    put(at("f"), std::string(1000, 'x'));
    put(at("priv/key"), "x");
    EXPECT_EQ(mode_of(point), 0755U);
    EXPECT_EQ(stat_of(point).st_mtim.tv_sec, 0);
    EXPECT_EQ(mode_of(at("f")), 0640U);
    EXPECT_EQ(mode_of(at("priv")), 0700U);
    EXPECT_EQ(mode_of(at("priv/key")), 0600U);
    EXPECT_EQ(mode_of(at("nodes/n1/priv")), 0700U);
    const struct stat st = stat_of(at("f"));
    EXPECT_EQ(st.st_uid, 0U);
    EXPECT_EQ(st.st_gid, kGroup);
    EXPECT_EQ(st.st_blocks, 2);
    EXPECT_EQ(st.st_nlink, 1U);
    EXPECT_EQ(st.st_mtim.tv_nsec, 0);
    EXPECT_EQ(st.st_ino, raw(files.inode("f")));
    EXPECT_EQ(stat_of(at("nodes")).st_nlink, 3U);
    EXPECT_EQ(stat_of(at("priv/lock")).st_nlink, 2U);
    mkdir("nodes/n2");
    EXPECT_EQ(stat_of(at("nodes")).st_nlink, 4U);
}

TEST_F(MountNames, ChmodAndChown) {
    mkdir("priv");
    mkdir("d");
    put(at("f"), "x");
    put(at("priv/f"), "x");
    const auto chmod = [&](const char* path, mode_t mode) {
        return errno_of_call([&] { return ::chmod(at(path).c_str(), mode); });
    };
    EXPECT_EQ(chmod("f", 0640), 0);
    EXPECT_EQ(chmod("f", 0600), EPERM);
    EXPECT_EQ(chmod("f", 0666), EPERM);
    EXPECT_EQ(chmod("priv/f", 0600), 0);
    EXPECT_EQ(chmod("priv/f", 0640), EPERM);
    EXPECT_EQ(chmod("d", 0640), 0);
    EXPECT_EQ(chmod("d", 0755), 0);
    EXPECT_EQ(chmod("d", 0777), EPERM);
    const auto chown = [&](uid_t user, gid_t group) {
        return errno_of_call([&] { return ::chown(at("f").c_str(), user, group); });
    };
    constexpr auto kSame = static_cast<uid_t>(-1);
    EXPECT_EQ(chown(0, kGroup), 0);
    EXPECT_EQ(chown(0, kSame), 0);
    EXPECT_EQ(chown(kSame, kGroup), 0);
    EXPECT_EQ(chown(kSame, kSame), 0);
    EXPECT_EQ(chown(1, kGroup), EPERM);
    EXPECT_EQ(chown(0, 0), EPERM);
    EXPECT_EQ(mode_of(at("f")), 0640U);
}

TEST_F(MountNames, Times) {
    mkdir("d");
    put(at("f"), "x");
    EXPECT_EQ(set_mtime("f", 12345), 0);
    EXPECT_EQ(stat_of(at("f")).st_mtim.tv_sec, 12345);
    EXPECT_EQ(stat_of(at("f")).st_mtim.tv_nsec, 0);
    EXPECT_EQ(stat_of(at("f")).st_atim.tv_sec, 12345);
    EXPECT_EQ(set_mtime("d", 777), 0);
    EXPECT_EQ(stat_of(at("d")).st_mtim.tv_sec, 777);
    // The directory keeps its own when something is made in it.
    put(at("d/x"), "x");
    EXPECT_EQ(stat_of(at("d")).st_mtim.tv_sec, 777);
    EXPECT_EQ(set_mtime("f", -5), EINVAL);
    EXPECT_EQ(set_mtime("", 5), EACCES);
    const std::array<timespec, 2> only_atime{{{99, 0}, {0, UTIME_OMIT}}};
    EXPECT_EQ(::utimensat(AT_FDCWD, at("f").c_str(), only_atime.data(), 0), 0);
    EXPECT_EQ(stat_of(at("f")).st_mtim.tv_sec, 12345);
    EXPECT_EQ(::utimensat(AT_FDCWD, at("f").c_str(), nullptr, 0), 0);
    EXPECT_NEAR(static_cast<double>(stat_of(at("f")).st_mtim.tv_sec),
                static_cast<double>(::time(nullptr)), 2);
}

// cfs.md 4.2.
TEST_F(MountNames, Locks) {
    mkdirs("priv/lock");
    EXPECT_EQ(mkdir("priv/lock/a"), 0);
    EXPECT_EQ(mkdir("priv/lock/a"), EEXIST);
    const time_t taken = stat_of(at("priv/lock/a")).st_mtim.tv_sec;
    EXPECT_EQ(set_mtime("priv/lock/a", taken + 10), 0);
    EXPECT_EQ(set_mtime("priv/lock/a", taken + 5), EACCES);
    EXPECT_EQ(rename("priv/lock/a", "priv/lock/b"), EACCES);
    EXPECT_EQ(rename("priv/lock/a", "a"), EACCES);
    EXPECT_EQ(set_mtime("priv/lock/a", 0), EACCES);
    EXPECT_EQ(files.kinds().back(), Change{RequestUnlock{}}.index());
    EXPECT_EQ(rmdir("priv/lock/a"), 0);
    // Another node's is not ours to refresh or to release.
    files.remote(MakeDirectory{files.inode("priv/lock"), "theirs"});
    EXPECT_EQ(set_mtime("priv/lock/theirs", 9999999999), EACCES);
    EXPECT_EQ(rmdir("priv/lock/theirs"), EACCES);
    // 0 means something for locks only.
    put(at("priv/f"), "x");
    EXPECT_EQ(set_mtime("priv/f", 0), 0);
    EXPECT_EQ(stat_of(at("priv/f")).st_mtim.tv_sec, 0);
}

TEST_F(MountNames, Guests) {
    mkdirs("nodes/n1/qemu-server");
    mkdirs("nodes/n2/qemu-server");
    EXPECT_EQ(put(at("nodes/n1/qemu-server/100.conf"), "x"), 0);
    EXPECT_EQ(put(at("nodes/n2/qemu-server/100.conf"), "x"), EEXIST);
    EXPECT_EQ(rename("nodes/n1/qemu-server/100.conf", "nodes/n2/qemu-server/100.conf"), 0);
    const auto json = nlohmann::json::parse(get(at(".vmlist")));
    EXPECT_EQ(json["ids"]["100"]["node"], "n2");
    EXPECT_EQ(get(at("qemu-server/100.conf")), "!2");
    EXPECT_EQ(rename("nodes/n2/qemu-server/100.conf", "nodes/n1/qemu-server/100.conf"), 0);
    EXPECT_EQ(get(at("qemu-server/100.conf")), "x");
}

TEST_F(MountNames, StatisticsCountWhatIsThere) {
    struct statvfs before {};
    ASSERT_EQ(::statvfs(point.c_str(), &before), 0);
    EXPECT_EQ(before.f_blocks * before.f_frsize, std::uint64_t{128} << 20U);
    EXPECT_EQ(before.f_files, 262144U);
    EXPECT_EQ(before.f_namemax, 256U);
    put(at("f"), std::string(409600, 'x'));
    struct statvfs after {};
    ASSERT_EQ(::statvfs(point.c_str(), &after), 0);
    EXPECT_EQ(before.f_bfree - after.f_bfree, 100U);
    EXPECT_EQ(before.f_ffree - after.f_ffree, 1U);
}

// cfs.md 11 row 10.
TEST_F(MountNames, ListingsAreSortedAndStandStillWhileEntriesChange) {
    mkdir("d");
    const Inode directory = files.inode("d");
    const auto name_of = [](int i) { return "file-" + std::to_string(10000 + i); };
    for (int i = 0; i < 3000; ++i) {
        files.remote(Create{directory, name_of(i), true});
    }
    DIR* open = ::opendir(at("d").c_str());
    ASSERT_NE(open, nullptr);
    std::vector<std::string> seen;
    while (const dirent* entry = ::readdir(open)) {
        seen.emplace_back(entry->d_name);
        if (seen.size() == 10 || seen.size() == 1500) {
            for (int i = 0; i < 1000; i += 3) {  // before and behind where it stands
                const std::string added = "file-" + std::to_string(10000 + i) + "-added";
                unlink("d/" + name_of(i + (seen.size() == 10 ? 0 : 1000)));
                files.remote(Create{directory, added, false});
            }
        }
    }
    ASSERT_GE(seen.size(), 3002U);
    EXPECT_EQ(seen[0], ".");
    EXPECT_EQ(seen[1], "..");
    EXPECT_TRUE(std::is_sorted(seen.begin() + 2, seen.end()));
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), seen.size());
    for (int i = 2001; i < 3000; ++i) {  // what was there all the time is seen once
        EXPECT_TRUE(std::binary_search(seen.begin() + 2, seen.end(), name_of(i))) << i;
    }
    ::rewinddir(open);
    std::size_t again = 0;
    while (const dirent* entry = ::readdir(open)) {
        again += std::string(entry->d_name).ends_with("-added") ? 1 : 0;
    }
    EXPECT_EQ(again, 334U);
    ::closedir(open);
}

TEST_F(MountNames, OtherUsersReadWhatTheyMay) {
    mkdir("priv");
    put(at("f"), "text");
    put(at("priv/key"), "secret");
    const auto read = [&](const char* path) { return Open(at(path), O_RDONLY).error(); };
    const auto write = [&](const char* path) { return Open(at(path), O_WRONLY).error(); };
    EXPECT_EQ(as_user(33, 33, [&] { return read("f"); }), 0);
    EXPECT_EQ(as_user(33, 33, [&] { return read(".version"); }), 0);
    EXPECT_EQ(as_user(33, 33, [&] { return write("f"); }), EACCES);
    EXPECT_EQ(as_user(33, 33, [&] { return mkdir("d"); }), EACCES);
    EXPECT_EQ(as_user(33, 33, [&] { return read("priv/key"); }), EACCES);
    EXPECT_EQ(as_user(1000, 1000, [&] { return read("f"); }), EACCES);
    EXPECT_EQ(as_user(1000, 1000, [&] { return list(point).size() > 10 ? 0 : 1; }), 0);
}

// ---- virtual files and links --------------------------------------------------------------------

TEST_F(MountNames, LinksLeadToThisNode) {
    std::array<char, 64> target{};
    const auto read = [&](const char* name) {
        const ssize_t size = ::readlink(at(name).c_str(), target.data(), target.size());
        return std::string(target.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    };
    EXPECT_EQ(read("local"), "nodes/n1");
    EXPECT_EQ(read("qemu-server"), "nodes/n1/qemu-server");
    EXPECT_EQ(read("lxc"), "nodes/n1/lxc");
    EXPECT_EQ(read("openvz"), "nodes/n1/openvz");
    EXPECT_EQ(stat_of(at("local")).st_mode, S_IFLNK | 0755U);
    EXPECT_EQ(get(at("local/x")), "!2");
    mkdirs("nodes/n1");
    put(at("local/x"), "through");
    EXPECT_EQ(files.content("nodes/n1/x"), "through");
    for (const char* name : {"local", "lxc", ".version", ".debug"}) {
        EXPECT_EQ(unlink(name), EACCES) << name;
        EXPECT_EQ(rename(name, "other"), EACCES) << name;
        EXPECT_EQ(mkdir(name), EEXIST) << name;
    }
    put(at("f"), "x");
    EXPECT_EQ(rename("f", ".members"), EACCES);
    EXPECT_EQ(rename("f", "local"), EACCES);
}

TEST_F(MountNames, VirtualFilesCannotBeChanged) {
    const Open version(at(".version"), O_WRONLY);
    EXPECT_EQ(version.error(), 0);  // root may open anything
    EXPECT_EQ(version.write("x"), EIO);
    EXPECT_EQ(truncate(".version", 0), EIO);
    EXPECT_EQ(Open(at(".version"), O_WRONLY | O_TRUNC).error(), EIO);
    EXPECT_EQ(set_mtime(".version", 5), EACCES);
    EXPECT_EQ(mkdir(".version/d"), ENOTDIR);
    EXPECT_EQ(mode_of(at(".version")), 0440U);
    EXPECT_EQ(mode_of(at(".debug")), 0640U);
    EXPECT_EQ(stat_of(at(".members")).st_gid, kGroup);
    EXPECT_EQ(get(at(".debug")), "0\n");
    EXPECT_EQ(put(at(".debug"), "1\n", O_TRUNC), 0);
    EXPECT_TRUE(files.debug());
    EXPECT_EQ(get(at(".debug")), "1\n");
    EXPECT_EQ(put(at(".debug"), "maybe\n", O_TRUNC), EIO);
    EXPECT_EQ(get(at(".debug")), "1\n");
}

// cfs.md 11 row 16: made when it is opened, so neither old nor torn.
TEST_F(MountNames, VirtualFilesAreMadeWhenOpened) {
    const auto count = [](const std::string& text) {
        return nlohmann::json::parse(text)["user.cfg"].get<int>();
    };
    EXPECT_EQ(count(get(at(".version"))), 1);
    const Open before(at(".version"), O_RDONLY);
    std::array<char, 40> head{};
    ASSERT_EQ(::pread(before.fd(), head.data(), head.size(), 0), 40);
    put(at("user.cfg"), "x");
    stat_of(at(".version"));  // another process's stat makes no new one of it
    EXPECT_EQ(count(before.read_all()), 1);
    EXPECT_EQ(count(get(at(".version"))), 3);  // at once: created and written
    EXPECT_EQ(before.stat().st_size, static_cast<off_t>(before.read_all().size()));
    EXPECT_EQ(stat_of(at(".version")).st_size, static_cast<off_t>(get(at(".version")).size()));
    EXPECT_EQ(nlohmann::json::parse(get(at(".version")))["starttime"], 4711);
    EXPECT_EQ(nlohmann::json::parse(get(at(".members")))["nodelist"]["n2"]["online"], 0);
    EXPECT_EQ(nlohmann::json::parse(get(at(".clusterlog")))["data"].size(), 0U);
    EXPECT_EQ(get(at(".rrd")), "");
    EXPECT_EQ(nlohmann::json::parse(get(at(".status")))["obstacle"], "none");
    EXPECT_EQ(mount->text(ViewKind::kMembers), get(at(".members")));
}

TEST_F(MountNames, ManyFilesAreListedInLinearTime) {
    mkdir("small");
    mkdir("large");
    const auto fill = [&](const char* path, int count) {
        for (int i = 0; i < count; ++i) {
            files.remote(Create{files.inode(path), std::to_string(i), true});
        }
    };
    fill("small", 500);
    fill("large", 10000);
    // The best of several, so that a busy machine does not decide.
    const auto seconds = [&](const char* path) {
        double best = 1e9;
        for (int i = 0; i < 7; ++i) {
            const auto start = std::chrono::steady_clock::now();
            list(at(path));
            best = std::min(
                best,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        return best;
    };
    const double small = seconds("small");
    const double large = seconds("large");
    std::cout << "500: " << small * 1e3 << " ms, 10000: " << large * 1e3 << " ms\n";
    EXPECT_LT(large / small, 200) << "20 times as many";  // quadratic would be 400
}

}  // namespace
}  // namespace cfs::testing
