#include "tests/cfs/store/recording_vfs.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <sqlite3.h>

namespace cfs::testing {

namespace {

constexpr std::size_t kSector = 512;

// splitmix64: the same for every chance, event and sector.
std::uint64_t drawn(std::uint64_t chance, std::uint64_t event, std::uint64_t sector) {
    std::uint64_t x = chance * 0x9E3779B97F4A7C15U + event * 0xD1B54A32D192ED03U + sector;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
}

std::set<Recorder*>& recorders() {
    static std::set<Recorder*> all;
    return all;
}

Recorder* recorder_of(const char* path) {
    for (Recorder* recorder : recorders()) {
        if (path != nullptr && std::string(path).starts_with(recorder->directory() + "/")) {
            return recorder;
        }
    }
    return nullptr;
}

// ---- the layer between sqlite and its own files -------------------------------------------------

struct RecordedFile {
    sqlite3_file base;
    Recorder* recorder;
    std::string* name;
    sqlite3_file* real;  // behind this struct, in the memory that sqlite gave
};

RecordedFile* recorded(sqlite3_file* file) { return reinterpret_cast<RecordedFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return recorded(file)->real; }
sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
    delete recorded(file)->name;
    return real(file)->pMethods->xClose(real(file));
}
int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), out, size, offset);
}
int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    const RecordedFile* self = recorded(file);
    if (self->recorder != nullptr) {
        sqlite3_int64 length = 0;
        real(file)->pMethods->xFileSize(real(file), &length);
        if (self->recorder->disk_full && offset + size > length) {
            return SQLITE_FULL;
        }
        const auto* bytes = static_cast<const std::byte*>(data);
        self->recorder->add({Recorder::Event::Kind::kWrite,
                             *self->name,
                             static_cast<std::uint64_t>(offset),
                             {bytes, bytes + size}});
    }
    return real(file)->pMethods->xWrite(real(file), data, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    const RecordedFile* self = recorded(file);
    if (self->recorder != nullptr) {
        self->recorder->add(
            {Recorder::Event::Kind::kTruncate, *self->name, static_cast<std::uint64_t>(size), {}});
    }
    return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
    const RecordedFile* self = recorded(file);
    if (self->recorder == nullptr) {
        return real(file)->pMethods->xSync(real(file), flags);
    }
    if (self->recorder->syncs_fail) {
        return SQLITE_IOERR_FSYNC;
    }
    self->recorder->add({Recorder::Event::Kind::kSync, *self->name, 0, {}});
    return SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
    return real(file)->pMethods->xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* held) {
    return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control_file(sqlite3_file* file, int what, void* argument) {
    return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* /*file*/) { return static_cast<int>(kSector); }
int characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// Version 1: no shared memory, no mapping.
const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods kMethods = [] {
        sqlite3_io_methods all{};
        all.iVersion = 1;
        all.xClose = close_file;
        all.xRead = read_file;
        all.xWrite = write_file;
        all.xTruncate = truncate_file;
        all.xSync = sync_file;
        all.xFileSize = file_size;
        all.xLock = lock_file;
        all.xUnlock = unlock_file;
        all.xCheckReservedLock = check_lock;
        all.xFileControl = control_file;
        all.xSectorSize = sector_size;
        all.xDeviceCharacteristics = characteristics;
        return all;
    }();
    return kMethods;
}

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    RecordedFile* self = recorded(file);
    self->base.pMethods = nullptr;
    self->real = reinterpret_cast<sqlite3_file*>(self + 1);
    self->real->pMethods = nullptr;
    const int code = below(vfs)->xOpen(below(vfs), path, self->real, flags, out_flags);
    if (code != SQLITE_OK) {
        return code;
    }
    self->recorder = recorder_of(path);
    self->name = new std::string(path == nullptr ? "" : std::filesystem::path(path).filename());
    self->base.pMethods = &methods();
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    if (Recorder* recorder = recorder_of(path)) {
        recorder->add(
            {Recorder::Event::Kind::kRemove, std::filesystem::path(path).filename(), 0, {}});
    }
    return below(vfs)->xDelete(below(vfs), path, sync_directory);
}

// In the place of sqlite's default layer, once.
void install() {
    static sqlite3_vfs layer = [] {
        sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
        sqlite3_vfs made = *system;
        made.zName = "recording";
        made.pAppData = system;
        made.pNext = nullptr;
        made.szOsFile = static_cast<int>(sizeof(RecordedFile)) + system->szOsFile;
        made.xOpen = open_file;
        made.xDelete = delete_file;
        return made;
    }();
    sqlite3_vfs_register(&layer, 1);
}

// ---- laying out a disk --------------------------------------------------------------------------

using File = std::optional<std::vector<std::byte>>;

void write_part(std::vector<std::byte>& file, std::uint64_t offset, const std::byte* from,
                std::size_t size) {
    const auto at = static_cast<std::size_t>(offset);
    file.resize(std::max(file.size(), at + size));
    std::memcpy(file.data() + at, from, size);
}

// What is left of one unsynced event.
void apply(File& file, const Recorder::Event& event, std::uint64_t chance, std::uint64_t number) {
    const bool all = chance == 1;
    if (event.kind != Recorder::Event::Kind::kWrite) {
        if (!all && drawn(chance, number, 0) % 2 == 0) {
            return;
        }
        if (event.kind == Recorder::Event::Kind::kRemove) {
            file.reset();
        } else if (file) {
            file->resize(static_cast<std::size_t>(event.offset));
        }
        return;
    }
    if (!file) {
        file.emplace();
    }
    // Whole, lost, or sector by sector.
    const std::uint64_t fate = all ? 0 : drawn(chance, number, 0) % 3;
    for (std::size_t at = 0; at < event.bytes.size();) {
        const std::uint64_t place = event.offset + at;
        const std::size_t size =
            std::min(kSector - static_cast<std::size_t>(place % kSector), event.bytes.size() - at);
        if (fate == 0 || (fate == 1 && drawn(chance, number, place + 1) % 2 == 0)) {
            write_part(*file, place, event.bytes.data() + at, size);
        }
        at += size;
    }
}

void apply_whole(File& file, const Recorder::Event& event) { apply(file, event, 1, 0); }

}  // namespace

Recorder::Recorder(std::string directory) : directory_(std::move(directory)) {
    install();
    recorders().insert(this);
    settle();
}

Recorder::~Recorder() { recorders().erase(this); }

void Recorder::settle() {
    events_.clear();
    base_.clear();
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        if (!entry.is_regular_file()) {
            continue;
        }
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
        base_[entry.path().filename()] = {bytes.begin(), bytes.end()};
    }
}

void Recorder::add(Event event) {
    bytes_written_ += event.bytes.size();
    syncs_ += event.kind == Event::Kind::kSync ? 1 : 0;
    events_.push_back(std::move(event));
}

Recorder::Contents Recorder::after_power_cut(std::size_t moment, std::uint64_t chance) const {
    std::map<std::string, File> files;
    for (const auto& [name, bytes] : base_) {
        files[name] = bytes;
    }
    std::map<std::string, std::vector<std::size_t>> unsynced;
    for (std::size_t i = 0; i < moment; ++i) {
        const Event& event = events_[i];
        if (event.kind != Event::Kind::kSync) {
            unsynced[event.file].push_back(i);
            continue;
        }
        for (const std::size_t earlier : unsynced[event.file]) {
            apply_whole(files[event.file], events_[earlier]);
        }
        unsynced[event.file].clear();
    }
    for (const auto& [name, events] : unsynced) {
        for (const std::size_t number : events) {
            if (chance != 0) {
                apply(files[name], events_[number], chance, number);
            }
        }
    }
    Contents found;
    for (auto& [name, file] : files) {
        if (file) {
            found[name] = std::move(*file);
        }
    }
    return found;
}

}  // namespace cfs::testing
