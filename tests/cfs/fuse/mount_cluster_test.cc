// The cluster behind a real mount: without quorum, slow, refusing, and changing what is read here.
#include <array>
#include <dirent.h>
#include <future>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/cfs/fuse/mounted.h"

namespace cfs::testing {
namespace {

class MountCluster : public Mounted {};

// cfs.md 3, second table; properties.md S5.
TEST_F(MountCluster, NothingCanBeChangedWithoutQuorumAndEverythingRead) {
    mkdirs("priv/lock");
    mkdirs("nodes/n1");
    put(at("f"), "text");
    put(at("priv/key"), "x");
    const Open before(at("f"), O_RDWR);
    const std::size_t asked = files.kinds().size();
    files.set_writable(false);
    EXPECT_EQ(get(at("f")), "text");
    EXPECT_EQ(list(at("nodes")).size(), 3U);
    EXPECT_EQ(put(at("new"), "x"), EACCES);
    EXPECT_EQ(Open(at("f"), O_WRONLY).error(), EACCES);
    EXPECT_EQ(Open(at("f"), O_RDWR | O_TRUNC).error(), EACCES);
    EXPECT_EQ(before.write("x"), EACCES);
    EXPECT_EQ(truncate("f", 0), EACCES);
    EXPECT_EQ(mkdir("d"), EACCES);
    EXPECT_EQ(unlink("f"), EACCES);
    EXPECT_EQ(rmdir("nodes/n1"), EACCES);
    EXPECT_EQ(rename("f", "g"), EACCES);
    EXPECT_EQ(set_mtime("f", 5), EACCES);
    EXPECT_EQ(::chmod(at("f").c_str(), 0640), 0);
    EXPECT_EQ(::chown(at("f").c_str(), 0, kGroup), 0);
    EXPECT_EQ(files.kinds().size(), asked) << "nothing was even asked for";
    EXPECT_EQ(nlohmann::json::parse(get(at(".status")))["obstacle"], "no-quorum");
    EXPECT_EQ(nlohmann::json::parse(get(at(".members")))["cluster"]["quorate"], 0);
}

TEST_F(MountCluster, ModesShowAtOnceWhetherAnythingCanBeWritten) {
    mkdirs("priv");
    put(at("f"), "text");
    put(at("priv/key"), "x");
    const Open open(at("f"), O_RDONLY);
    const auto modes = [&] {
        return std::vector<mode_t>{mode_of(at("f")),        mode_of(at("priv")),
                                   mode_of(at("priv/key")), mode_of(at("local")),
                                   mode_of(point),          mode_of(at(".version"))};
    };
    const std::vector<mode_t> writable{0640, 0700, 0600, 0755, 0755, 0440};
    const std::vector<mode_t> not_writable{0440, 0500, 0400, 0555, 0755, 0440};
    for (int i = 0; i < 20; ++i) {
        files.set_writable(false);
        ASSERT_EQ(modes(), not_writable);
        files.set_writable(true);
        ASSERT_EQ(modes(), writable);
    }
    // Of an open file by its descriptor: as soon as the kernel was told.
    files.set_writable(false);
    for (int i = 0; i < 1000 && (open.stat().st_mode & ALLPERMS) != 0440; ++i) {
        ::usleep(1000);
    }
    EXPECT_EQ(open.stat().st_mode & ALLPERMS, 0440U);
}

TEST_F(MountCluster, RefusalsHaveTheirErrno) {
    put(at("f"), "text");
    const struct {
        Refusal refusal;
        int error;
    } rows[] = {{Refusal::kNotWritable, EACCES},
                {Refusal::kBusy, EBUSY},
                {Refusal::kDiskFull, ENOSPC},
                {Refusal::kUncertain, ETIMEDOUT}};
    for (const auto& row : rows) {
        Open file(at("f"), O_RDWR);
        EXPECT_EQ(file.write("x"), 0);
        files.refuse(row.refusal);
        EXPECT_EQ(mkdir("d"), row.error);
        EXPECT_EQ(put(at("new"), "x"), row.error);
        EXPECT_EQ(unlink("f"), row.error);
        EXPECT_EQ(rename("f", "g"), row.error);
        EXPECT_EQ(truncate("f", 1), row.error);
        EXPECT_EQ(set_mtime("f", 1), row.error);
        EXPECT_EQ(Open(at("f"), O_RDWR | O_TRUNC).error(), row.error);
        EXPECT_EQ(file.close(), row.error);
        files.refuse(Refusal::kNone);
    }
    EXPECT_EQ(get(at("f")), "text");
}

// What certainly did not happen is tried again; what perhaps happened is not sent twice.
TEST_F(MountCluster, AFailedSyncIsToldAndTheDataKeptWhileThatIsSafe) {
    put(at("f"), "....");
    Open file(at("f"), O_RDWR);
    EXPECT_EQ(file.pwrite("ab", 0), 0);
    files.refuse(Refusal::kNotWritable);
    EXPECT_EQ(errno_of_call([&] { return ::fsync(file.fd()); }), EACCES);
    EXPECT_EQ(errno_of_call([&] { return ::fsync(file.fd()); }), EACCES) << "told again";
    EXPECT_EQ(file.pwrite("c", 2), 0);
    files.refuse(Refusal::kNone);
    EXPECT_EQ(::fsync(file.fd()), 0);
    EXPECT_EQ(get(at("f")), "abc.");
    EXPECT_EQ(file.pwrite("X", 0), 0);
    files.refuse(Refusal::kUncertain);
    EXPECT_EQ(errno_of_call([&] { return ::fsync(file.fd()); }), ETIMEDOUT);
    files.refuse(Refusal::kNone);
    const std::size_t asked = files.kinds().size();
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(files.kinds().size(), asked);
}

TEST_F(MountCluster, AChangeThatWaitsBlocksNothingElse) {
    mkdir("d");
    put(at("f"), "text");
    put(at("g"), "text");
    files.hold();
    int closed = -1;
    int made = -1;
    std::thread writer([&] { closed = put(at("f"), "new", 0); });
    std::thread maker([&] { made = mkdir("d/e"); });
    files.await_waiting(2);
    EXPECT_EQ(get(at("f")), "text");
    EXPECT_EQ(get(at("g")), "text");
    EXPECT_EQ(list(point).size(), 2U + 11U + 3U);
    Open file(at("g"), O_RDWR);
    EXPECT_EQ(file.write("more"), 0);
    EXPECT_EQ(file.read_all(), "more");
    remote_write("g", "TEXT+");  // of another node, while ours wait
    EXPECT_EQ(file.read_all(), "more+");
    EXPECT_EQ(get(at("g")), "TEXT+");
    EXPECT_EQ(closed, -1);
    EXPECT_EQ(made, -1);
    files.release();
    writer.join();
    maker.join();
    EXPECT_EQ(closed, 0);
    EXPECT_EQ(made, 0);
    EXPECT_EQ(get(at("f")), "newt");
    EXPECT_EQ(file.close(), 0);
}

// Whatever is looked at by its name is looked up in what was published last.
TEST_F(MountCluster, ChangesOfAnotherNodeShowAtOnce) {
    put(at("f"), "0");
    for (int i = 1; i < 300; ++i) {
        const std::string text = std::to_string(i);
        remote_write("f", text);
        ASSERT_EQ(get(at("f")), text);
        ASSERT_EQ(stat_of(at("f")).st_size, static_cast<off_t>(text.size()));
        const std::string name = "n" + text;
        files.remote(Create{kRootInode, name, true});
        ASSERT_EQ(::access(at(name).c_str(), F_OK), 0);
        ASSERT_EQ(list(point).size(), 2U + 11U + 2U);
        files.remote(Rename{kRootInode, name, kRootInode, "moved"});
        ASSERT_NE(::access(at(name).c_str(), F_OK), 0);
        ASSERT_EQ(::access(at("moved").c_str(), F_OK), 0);
        files.remote(Unlink{kRootInode, "moved"});
        ASSERT_NE(::access(at("moved").c_str(), F_OK), 0);
    }
}

// Also through what is open; through a mapping as soon as the kernel was told.
TEST_F(MountCluster, AnOpenFileSeesWhatAnotherNodeWrote) {
    put(at("f"), std::string(20000, 'a'));
    const Open reader(at("f"), O_RDONLY);
    void* mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, reader.fd(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    ASSERT_EQ(reader.read_all(), std::string(20000, 'a'));
    const auto soon = [](const std::function<bool()>& seen) {
        for (int i = 0; i < 2000 && !seen(); ++i) {
            ::usleep(1000);
        }
        return seen();
    };
    for (char letter = 'b'; letter < 'j'; ++letter) {
        remote_write("f", std::string(20000, letter));
        EXPECT_EQ(reader.read_all(), std::string(20000, letter));
        EXPECT_TRUE(soon([&] { return *static_cast<const char*>(mapped) == letter; }));
    }
    files.remote(Truncate{files.inode("f"), 3});
    EXPECT_EQ(reader.read_all(), "iii");
    EXPECT_TRUE(soon([&] { return reader.stat().st_size == 3; }));
    ::munmap(mapped, 4096);
}

// Who was told that its write is done reads it, also through what it had open before.
TEST_F(MountCluster, OwnWritesAreReadThroughWhatWasOpenBefore) {
    put(at("f"), "00000");
    const Open reader(at("f"), O_RDONLY);
    for (int i = 1; i < 500; ++i) {
        const std::string text = std::to_string(10000 + i);
        ASSERT_EQ(reader.read_all().size(), 5U);
        ASSERT_EQ(put(at("f"), text, i % 2 == 0 ? 0 : O_TRUNC), 0);
        ASSERT_EQ(reader.read_all(), text);
    }
}

// No reader anywhere sees a mixture (properties.md S11).
TEST_F(MountCluster, AWriteIsSeenWholeOrNotAtAll) {
    put(at("f"), std::string(4000, 'a'));
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (int i = 0; i < 400; ++i) {
            remote_write("f", std::string(4000, static_cast<char>('a' + i % 26)));
        }
        stop = true;
    });
    while (!stop) {
        const std::string text = get(at("f"));
        ASSERT_EQ(text, std::string(4000, text.front()));
    }
    writer.join();
}

TEST_F(MountCluster, WhatWaitsAtTheEndIsAnswered) {
    mkdir("d");
    put(at("f"), "text");
    put(at("g"), "text");
    files.hold();
    std::vector<std::future<int>> waiting;
    waiting.push_back(std::async(std::launch::async, [&] { return mkdir("d/e"); }));
    waiting.push_back(std::async(std::launch::async, [&] { return put(at("f"), "new", 0); }));
    waiting.push_back(std::async(std::launch::async, [&] { return set_mtime("g", 5); }));
    files.await_waiting(3);
    mount->stop();
    for (std::future<int>& one : waiting) {
        EXPECT_EQ(one.get(), ETIMEDOUT);
    }
    files.release();  // their answers come too late, and hurt nobody
}

TEST_F(MountCluster, AWriterThatIsKilledLeavesOldOrNew) {
    put(at("f"), "old");
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const Open file(at("f"), O_RDWR);
        file.write("n");
        ::write(pipe_ends[1], "x", 1);
        ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(pipe_ends[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(get(at("f")), "nld") << "the kernel closes its files: what was written is kept";
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace cfs::testing
