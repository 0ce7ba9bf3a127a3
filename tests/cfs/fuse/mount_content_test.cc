// What is in files, on a real mount: reading, writing, open files, limits (cfs.md sections 1, 3,
// 11).
#include <algorithm>
#include <array>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cfs/fuse/mounted.h"

namespace cfs::testing {
namespace {

constexpr off_t kMiB = off_t{1} << 20;

class MountContent : public Mounted {
  protected:
    std::size_t count(const Change& kind) const {
        const auto kinds = files.kinds();
        return static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind.index()));
    }
};

TEST_F(MountContent, WritesAreReadByTheWriterAtOnceAndByOthersAfterClose) {
    Open file(at("f"), O_RDWR | O_CREAT | O_EXCL);
    ASSERT_EQ(file.error(), 0);
    EXPECT_EQ(file.write("hello"), 0);
    EXPECT_EQ(file.read_all(), "hello");
    EXPECT_EQ(file.stat().st_size, 5);
    EXPECT_EQ(get(at("f")), "");
    EXPECT_EQ(::fsync(file.fd()), 0);
    EXPECT_EQ(get(at("f")), "hello");
    EXPECT_EQ(file.pwrite("HE", 0), 0);
    EXPECT_EQ(file.pwrite("!!", 8), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")), std::string("HEllo\0\0\0!!", 10));
    EXPECT_EQ(count(Write{}), 2U) << "one operation each";
}

TEST_F(MountContent, TruncateAppendAndHoles) {
    EXPECT_EQ(put(at("f"), "0123456789"), 0);
    EXPECT_EQ(put(at("f"), "new"), 0);
    EXPECT_EQ(get(at("f")), "new");
    EXPECT_EQ(put(at("f"), "er", O_APPEND), 0);
    EXPECT_EQ(get(at("f")), "newer");
    EXPECT_EQ(truncate("f", 2), 0);
    EXPECT_EQ(get(at("f")), "ne");
    EXPECT_EQ(truncate("f", 4), 0);
    EXPECT_EQ(get(at("f")), std::string("ne\0\0", 4));
    EXPECT_EQ(truncate("missing", 4), ENOENT);
}

// cfs.md 11 row 3: this crashed whoever read it.
TEST_F(MountContent, AnEmptyFileGrowsToZeros) {
    EXPECT_EQ(put(at("new"), ""), 0);
    EXPECT_EQ(truncate("new", 100), 0);
    EXPECT_EQ(get(at("new")), std::string(100, '\0'));
    EXPECT_EQ(stat_of(at("new")).st_size, 100);
}

// cfs.md 11 row 4: offsets were cut to 32 bits.
TEST_F(MountContent, OffsetsHave64Bits) {
    put(at("f"), "first");
    constexpr off_t kFar = (off_t{1} << 32) + 5;
    EXPECT_EQ(truncate("f", kFar), EFBIG);
    Open file(at("f"), O_RDWR);
    EXPECT_EQ(file.pwrite("x", kFar - 5), EFBIG);
    EXPECT_EQ(errno_of_call([&] { return ::ftruncate(file.fd(), kFar); }), EFBIG);
    EXPECT_EQ(file.pwrite("x", (off_t{1} << 62)), EFBIG);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")), "first");
}

TEST_F(MountContent, AFileHoldsOneMebibyte) {
    const std::string text(static_cast<std::size_t>(kMiB) + 1, 'x');
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(::write(file.fd(), text.data(), text.size()), kMiB) << "as much as fits";
    EXPECT_EQ(file.pwrite("x", kMiB), EFBIG);
    EXPECT_EQ(::pwrite(file.fd(), "xyz", 3, kMiB - 1), 1);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(stat_of(at("f")).st_size, kMiB);
    EXPECT_EQ(truncate("f", kMiB + 1), EFBIG);
    EXPECT_EQ(truncate("f", kMiB), 0);
}

TEST_F(MountContent, TheTotalIsLimited) {
    Limits limits;
    limits.total_bytes_max = 10000;
    files.remote(SetLimits{limits});
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write(std::string(10000, 'x')), 0);
    EXPECT_EQ(file.write("x"), ENOSPC);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(put(at("g"), "x"), ENOSPC);
    EXPECT_EQ(unlink("f"), 0);
    EXPECT_EQ(put(at("g"), "x"), 0);
    // Another node may have filled it since the write was taken in.
    Open late(at("g"), O_RDWR);
    EXPECT_EQ(late.write(std::string(9000, 'y')), 0);
    remote_put("h", std::string(9000, 'z'));
    EXPECT_EQ(late.close(), ENOSPC);
    EXPECT_EQ(get(at("g")), "x");
}

TEST_F(MountContent, LargeWritesGoInParts) {
    std::string text;
    for (int i = 0; text.size() < 700000; ++i) {
        text += std::to_string(i) + ' ';
    }
    put(at("f"), "old");
    Open reader(at("f"), O_RDONLY);
    Open writer(at("f"), O_RDWR);
    EXPECT_EQ(writer.write(text), 0);
    EXPECT_EQ(writer.read_all(), text);
    files.hold();
    int error = -1;
    std::thread closer([&] { error = writer.close(); });
    files.await_waiting(4);
    EXPECT_EQ(reader.read_all(), "old");
    files.release();
    closer.join();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(count(Chunk{}), 3U);
    EXPECT_EQ(count(CommitChunks{}), 1U);
    EXPECT_EQ(get(at("f")), text);
    EXPECT_EQ(reader.read_all(), text);
}

TEST_F(MountContent, PartsOfAWriteThatFailedAreForgotten) {
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write(std::string(600000, 'x')), 0);
    files.hold();
    int error = -1;
    std::thread syncer([&] { error = errno_of_call([&] { return ::fsync(file.fd()); }); });
    files.await_waiting(4);
    files.refuse_after(2, Refusal::kNotWritable);
    files.release();
    syncer.join();
    EXPECT_EQ(error, EACCES);
    EXPECT_GT(files.parts_bytes(), 0U);
    files.refuse(Refusal::kNone);
    EXPECT_EQ(file.close(), 0) << "it was certain that nothing happened: it is tried again";
    EXPECT_EQ(get(at("f")), std::string(600000, 'x'));
    EXPECT_EQ(files.parts_bytes(), 0U);
}

TEST_F(MountContent, TruncateOfADirtyHandle) {
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write("0123456789"), 0);
    EXPECT_EQ(::ftruncate(file.fd(), 4), 0);
    EXPECT_EQ(file.read_all(), "0123");
    EXPECT_EQ(get(at("f")), "0123");
    EXPECT_EQ(file.pwrite("ab", 6), 0);
    EXPECT_EQ(::ftruncate(file.fd(), 7), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")), std::string("0123\0\0a", 7));
}

// As cp -p and tar do it: the time that was set must not be undone by the flush.
TEST_F(MountContent, ATimeSetOnADirtyHandleStays) {
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write("text"), 0);
    const std::array<timespec, 2> times{{{55, 0}, {55, 0}}};
    EXPECT_EQ(::futimens(file.fd(), times.data()), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(stat_of(at("f")).st_mtim.tv_sec, 55);
    EXPECT_EQ(get(at("f")), "text");
}

TEST_F(MountContent, TwoHandlesOfOneFile) {
    put(at("f"), "..........");
    Open a(at("f"), O_RDWR);
    Open b(at("f"), O_RDWR);
    EXPECT_EQ(a.pwrite("AAAA", 0), 0);
    EXPECT_EQ(b.pwrite("BBBB", 2), 0);
    EXPECT_EQ(a.read_all(), "AAAA......");
    EXPECT_EQ(b.read_all(), "..BBBB....");
    EXPECT_EQ(a.close(), 0);
    EXPECT_EQ(b.read_all(), "AABBBB....");
    EXPECT_EQ(b.close(), 0);
    EXPECT_EQ(get(at("f")), "AABBBB....");
}

TEST_F(MountContent, ADuplicateFlushesWhatTheOtherWrote) {
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write("text"), 0);
    EXPECT_EQ(::close(::dup(file.fd())), 0);
    EXPECT_EQ(get(at("f")), "text");
    EXPECT_EQ(file.write(" and more"), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")), "text and more");
}

TEST_F(MountContent, AppendsOfManyAreAllThere) {
    put(at("log"), "");
    files.set_delay(std::chrono::microseconds(300));
    std::vector<std::thread> writers;
    for (int i = 0; i < 8; ++i) {
        writers.emplace_back([&, i] {
            for (int k = 0; k < 20; ++k) {
                EXPECT_EQ(put(at("log"), std::string(1, static_cast<char>('a' + i)), O_APPEND), 0);
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    const std::string text = get(at("log"));
    EXPECT_EQ(text.size(), 160U);
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(std::count(text.begin(), text.end(), static_cast<char>('a' + i)), 20);
    }
}

TEST_F(MountContent, AnAppendingHandleIgnoresOffsets) {
    put(at("f"), "one");
    Open file(at("f"), O_RDWR | O_APPEND);
    EXPECT_EQ(file.pwrite("two", 0), 0);
    EXPECT_EQ(file.read_all(), "onetwo");
    remote_write("f", "ONE AND A HALF ");
    EXPECT_EQ(file.write("three"), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")), "ONE AND A HALF twothree");
}

// cfs.md 11 row 17: nothing is hidden in the tree for an open file that was removed.
TEST_F(MountContent, ARemovedFileStaysForWhoHasItOpen) {
    put(at("f"), "old");
    Open reader(at("f"), O_RDONLY);
    Open writer(at("f"), O_RDWR);
    EXPECT_EQ(unlink("f"), 0);
    EXPECT_EQ(list(point).size(), 2U + 11U) << "only what is always there";
    EXPECT_EQ(reader.read_all(), "old");
    EXPECT_EQ(reader.stat().st_nlink, 0U);
    EXPECT_EQ(writer.pwrite("more", 3), 0);
    EXPECT_EQ(::fsync(writer.fd()), 0);
    EXPECT_EQ(reader.read_all(), "oldmore");
    EXPECT_EQ(::ftruncate(writer.fd(), 1), 0);
    EXPECT_EQ(reader.read_all(), "o");
    EXPECT_EQ(writer.close(), 0);
    EXPECT_FALSE(files.has("f"));
    EXPECT_EQ(put(at("f"), "another"), 0);
    EXPECT_EQ(reader.read_all(), "o");
}

TEST_F(MountContent, WhoHasItOpenKeepsWhatWasReplaced) {
    put(at("f"), "old");
    Open reader(at("f"), O_RDONLY);
    std::array<char, 8> some{};
    EXPECT_EQ(::pread(reader.fd(), some.data(), 2, 0), 2);
    put(at("f.new"), "new");
    EXPECT_EQ(rename("f.new", "f"), 0);
    EXPECT_EQ(reader.read_all(), "old");
    EXPECT_EQ(get(at("f")), "new");
    put(at("g"), "newer");
    files.remote(Rename{kRootInode, "g", kRootInode, "f"});
    EXPECT_EQ(get(at("f")), "newer");
    EXPECT_EQ(reader.read_all(), "old");
}

TEST_F(MountContent, WhatAnotherNodeRemovedCannotBeWrittenAndTheWriterIsTold) {
    put(at("f"), "old");
    Open written(at("f"), O_RDWR);
    EXPECT_EQ(written.write("lost"), 0);
    files.remote(Unlink{kRootInode, "f"});
    EXPECT_EQ(written.close(), ESTALE);
    // Removed while the write was on its way.
    put(at("g"), "old");
    Open sent(at("g"), O_RDWR);
    EXPECT_EQ(sent.write("lost"), 0);
    files.hold();
    int error = -1;
    std::thread closer([&] { error = sent.close(); });
    files.await_waiting(1);
    files.remote(Unlink{kRootInode, "g"});
    files.release();
    closer.join();
    EXPECT_EQ(error, ESTALE);
    // Removed here: as everywhere.
    put(at("h"), "old");
    Open own(at("h"), O_RDWR);
    EXPECT_EQ(own.write("mine"), 0);
    EXPECT_EQ(unlink("h"), 0);
    EXPECT_EQ(own.read_all(), "mine");
    EXPECT_EQ(own.close(), 0);
}

// A removal that was refused in the middle, by a quorum that was lost between two questions about
// it, must not make a later removal by another node look like one of this node's.
TEST_F(MountContent, ARefusedRemovalIsForgotten) {
    std::size_t refusals = 0;
    for (std::size_t asked = 0; asked < 12; ++asked) {
        put(at("f"), "old");
        files.lose_after(asked);
        const int error = unlink("f");
        files.set_writable(true);
        if (error == 0) {
            break;
        }
        ++refusals;
        EXPECT_EQ(error, EACCES);
        Open written(at("f"), O_RDWR);
        EXPECT_EQ(written.write("lost"), 0);
        files.remote(Unlink{kRootInode, "f"});
        EXPECT_EQ(written.close(), ESTALE) << "lost after " << asked << " questions";
    }
    EXPECT_GT(refusals, 0U);
}

// The kernel looks a name up and opens what it found in two steps.
TEST_F(MountContent, AFileThatIsReplacedAllTheTimeCanAlwaysBeOpened) {
    put(at("f"), "0");
    std::atomic<bool> stop{false};
    std::thread replacer([&] {
        for (int i = 1; i <= 3000; ++i) {
            put(at("f.new"), std::to_string(i));
            rename("f.new", "f");
        }
        stop = true;
    });
    int reads = 0;
    int last = 0;
    while (!stop) {
        const std::string text = get(at("f"));
        ASSERT_FALSE(text.empty() || text.front() == '!') << text << " after " << reads;
        ASSERT_GE(std::stoi(text), last) << "went back";
        last = std::stoi(text);
        ++reads;
    }
    replacer.join();
    EXPECT_GT(reads, 100);
}

TEST_F(MountContent, MappingsLocksAndFallocate) {
    put(at("f"), "mapped");
    Open file(at("f"), O_RDWR);
    Open reader(at("f"), O_RDONLY);
    const auto map = [](int fd, int protection, int flags) {
        errno = 0;
        void* address = ::mmap(nullptr, 4096, protection, flags, fd, 0);
        const std::string text = address == MAP_FAILED ? std::to_string(errno)
                                                       : std::string(static_cast<char*>(address));
        if (address != MAP_FAILED) {
            ::munmap(address, 4096);
        }
        return text;
    };
    EXPECT_EQ(map(file.fd(), PROT_READ | PROT_WRITE, MAP_SHARED), std::to_string(ENODEV));
    EXPECT_EQ(map(reader.fd(), PROT_READ, MAP_PRIVATE), "mapped");
    EXPECT_EQ(map(file.fd(), PROT_READ, MAP_PRIVATE), "mapped");
    EXPECT_EQ(::flock(file.fd(), LOCK_EX | LOCK_NB), 0);
    EXPECT_EQ(errno_of_call([&] { return ::flock(reader.fd(), LOCK_EX | LOCK_NB); }), EWOULDBLOCK);
    struct flock range {};
    range.l_type = F_WRLCK;
    EXPECT_EQ(::fcntl(file.fd(), F_SETLK, &range), 0);
    EXPECT_EQ(::posix_fallocate(file.fd(), 0, 100), 0);
    EXPECT_EQ(::fdatasync(file.fd()), 0);
    EXPECT_EQ(file.close(), 0);
    EXPECT_EQ(get(at("f")).size(), 100U);
    const Open directory(point, O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(::fsync(directory.fd()), 0);
    const Open direct(at("f"), O_RDONLY | O_DIRECT);
    EXPECT_EQ(direct.error(), 0);
    EXPECT_EQ(direct.read_all().size(), 100U);
}

TEST_F(MountContent, SeekingKnowsWhatWasWritten) {
    Open file(at("f"), O_RDWR | O_CREAT);
    EXPECT_EQ(file.write("12345"), 0);
    stat_of(at("f"));  // tells the kernel the size that others see
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_END), 5);
    EXPECT_EQ(::lseek(file.fd(), -2, SEEK_END), 3);
}

TEST_F(MountContent, SixteenWritersAtOnce) {
    mkdir("d");
    std::vector<std::thread> writers;
    for (int i = 0; i < 16; ++i) {
        writers.emplace_back([&, i] {
            const std::string name = "d/" + std::to_string(i);
            for (int k = 0; k < 50; ++k) {
                const std::string text(static_cast<std::size_t>(k) * 97 + 1,
                                       static_cast<char>('a' + i));
                ASSERT_EQ(put(at(name + ".tmp"), text, O_CREAT | O_EXCL), 0);
                ASSERT_EQ(rename(name + ".tmp", name), 0);
                ASSERT_EQ(get(at(name)), text);
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    EXPECT_EQ(list(at("d")).size(), 18U);
}

}  // namespace
}  // namespace cfs::testing
