// sqlite's file layer with a memory: everything written below a directory is recorded, and the disk
// as it could be found after a power cut at any moment can be laid out.
//
// Until a file is synced, each write to it since the last sync may be there, not be there, or be
// there in part, by sectors of 512 bytes, whatever became of the others. A file that was made is
// there for sure once it was synced (sqlite syncs its directory with it), one that was removed may
// come back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cfs::testing {

class Recorder {
  public:
    using Contents = std::map<std::string, std::vector<std::byte>>;  // by name in the directory

    // Records from here on what sqlite does to files in `directory`. Syncs do not reach the disk.
    explicit Recorder(std::string directory);
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;
    Recorder(Recorder&&) = delete;
    Recorder& operator=(Recorder&&) = delete;
    ~Recorder();

    // What there is on the disk now is durable; forgets everything else.
    void settle();
    // How many writes, syncs, removals there were.
    [[nodiscard]] std::size_t moments() const noexcept { return events_.size(); }
    // The files after a power cut before event number `moment`. `chance` 0: nothing unsynced is
    // there; 1: all of it; else some.
    [[nodiscard]] Contents after_power_cut(std::size_t moment, std::uint64_t chance) const;

    [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }
    [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }

    // From now on writes that make a file longer fail (SQLITE_FULL), syncs fail (SQLITE_IOERR).
    bool disk_full = false;
    bool syncs_fail = false;

    // ---- for the file layer ----
    struct Event {
        enum class Kind { kWrite, kTruncate, kSync, kRemove };
        Kind kind = Kind::kSync;
        std::string file;
        std::uint64_t offset = 0;  // or the new size
        std::vector<std::byte> bytes;
    };
    void add(Event event);
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  private:
    std::string directory_;
    Contents base_;
    std::vector<Event> events_;
    std::uint64_t bytes_written_ = 0;
    std::uint64_t syncs_ = 0;
};

}  // namespace cfs::testing
