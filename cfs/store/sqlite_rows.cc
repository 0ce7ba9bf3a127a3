#include "cfs/store/sqlite_rows.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace cfs::sqlite {

namespace {

// Key of a block: its file's inode and its number in the file. kInodeCeiling leaves room for it.
constexpr std::uint64_t kBlocksPerInode = 4096;
static_assert(kFileBytesCeiling / kBlockBytes <= kBlocksPerInode);
static_assert(kInodeCeiling <= (std::uint64_t{1} << 63U) / kBlocksPerInode);

std::uint64_t block_key(Inode inode, std::size_t number) {
    return raw(inode) * kBlocksPerInode + number;
}

std::array<std::byte, kDigestBytes> bytes_of(const Digest& digest) {
    std::array<std::byte, kDigestBytes> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>((digest.words[i / 8] >> (8 * (i % 8))) & 0xFFU);
    }
    return bytes;
}

Digest digest_from(const std::vector<std::byte>& bytes) {
    Digest digest;
    for (std::size_t i = 0; i < std::min(bytes.size(), kDigestBytes); ++i) {
        digest.words[i / 8] |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * (i % 8));
    }
    return digest;
}

bool same_block(const BlockRef& a, const BlockRef& b) {
    return a == b || (a && b && a->digest == b->digest);
}

// The blocks of `after` where they are not those of `before`.
bool write_blocks(sqlite3* database, const TreeChange& change) {
    static const std::vector<BlockRef> none;
    const auto& before = change.before ? change.before->content.blocks() : none;
    const auto& after = change.after ? change.after->content.blocks() : none;
    if (before.empty() && after.empty()) {
        return true;
    }
    Statement put(database, "INSERT OR REPLACE INTO block VALUES (?, ?)");
    Statement remove(database, "DELETE FROM block WHERE id = ?");
    for (std::size_t number = 0; number < std::max(before.size(), after.size()); ++number) {
        const BlockRef old = number < before.size() ? before[number] : nullptr;
        const BlockRef fresh = number < after.size() ? after[number] : nullptr;
        if (same_block(old, fresh)) {
            continue;
        }
        const std::uint64_t key = block_key(change.inode, number);
        const bool done = fresh ? put.bind(key).bind(fresh->bytes).run() : remove.bind(key).run();
        if (!done) {
            return false;
        }
    }
    return true;
}

// The root as of a batch's last record, see write_records().
EntryRef root_from(Statement& row) {
    Entry root;
    root.version = row.number();
    root.writer = NodeId{static_cast<std::uint32_t>(row.number())};
    root.mtime = row.number();
    root.type = FileType::kDirectory;
    return sealed(std::move(root));
}

using BlockLists = std::map<Inode, std::vector<BlockRef>>;

bool read_blocks(sqlite3* database, BlockLists& lists, std::string& problem) {
    Statement row(database, "SELECT id, data FROM block ORDER BY id");
    while (row.step()) {
        const std::uint64_t key = row.number();
        std::vector<BlockRef>& blocks = lists[Inode{key / kBlocksPerInode}];
        blocks.resize(static_cast<std::size_t>(key % kBlocksPerInode));
        std::vector<std::byte> data = row.blob();
        const std::size_t size = data.size();
        blocks.push_back(make_block(std::move(data)));
        if (!blocks.back() || blocks.back()->bytes.size() != size) {
            problem = "block " + std::to_string(key) + " ends in zeros";
            return false;
        }
    }
    return !row.failed();
}

bool read_entries(sqlite3* database, std::vector<EntryRef>& entries, std::string& problem) {
    BlockLists lists;
    if (!read_blocks(database, lists, problem)) {
        return false;
    }
    Statement row(database,
                  "SELECT inode, parent, version, writer, mtime, type, size, name FROM entry "
                  "ORDER BY inode");
    while (row.step()) {
        Entry entry;
        std::uint64_t size = 0;
        auto blocks = std::vector<BlockRef>{};
        bool good = read_entry(row, entry, size);
        if (const auto list = lists.find(entry.inode); list != lists.end()) {
            blocks = std::move(list->second);
            lists.erase(list);
        }
        good = good && Content::well_formed(size, blocks) && (!entry.is_directory() || size == 0);
        if (!good) {
            problem = "the row of inode " + std::to_string(raw(entry.inode)) + " is none of ours";
            return false;
        }
        entry.content = Content(size, std::move(blocks));
        entries.push_back(sealed(std::move(entry)));
    }
    if (!lists.empty()) {
        problem = "inode " + std::to_string(raw(lists.begin()->first)) + " has content only";
    }
    return !row.failed() && lists.empty();
}

bool read_rest(sqlite3* database, Store::Loaded& loaded, std::string& problem) {
    Image& image = loaded.image;
    Statement floor(database, "SELECT node, life, number, idx FROM floor");
    while (floor.step()) {
        Floor read;
        read.node = NodeId{static_cast<std::uint32_t>(floor.number())};
        read.life = Life{floor.number()};
        read.number = floor.number();
        read.index = floor.number();
        image.floors.push_back(read);
    }
    Statement part(database, "SELECT node, life, write, sequence, ranges FROM part ORDER BY id");
    while (part.step()) {
        Part read;
        read.id.node = NodeId{static_cast<std::uint32_t>(part.number())};
        read.id.life = Life{part.number()};
        read.id.write = part.number();
        read.sequence = static_cast<std::uint32_t>(part.number());
        read.ranges = std::make_shared<const std::vector<std::byte>>(part.blob());
        image.parts.push_back(std::move(read));
    }
    Statement limits(database,
                     "SELECT file_bytes, total_bytes, inodes, name_bytes FROM limits WHERE id = 1");
    if (limits.step()) {
        image.limits.file_bytes_max = limits.number();
        image.limits.total_bytes_max = limits.number();
        image.limits.inodes_max = limits.number();
        image.limits.name_bytes_max = static_cast<std::uint32_t>(limits.number());
    }
    if (!valid(image.limits)) {
        problem = "the limits are none";
        return false;
    }
    Statement promise(database, "SELECT epoch, record FROM promise WHERE id = 1");
    if (promise.step()) {
        loaded.promise.epoch = promise.number();
        loaded.promise.record = promise.blob();
    }
    return !floor.failed() && !part.failed() && !limits.failed() && !promise.failed();
}

}  // namespace

bool create_tables(sqlite3* database) {
    return execute(database, R"(
CREATE TABLE entry (inode INTEGER PRIMARY KEY, parent, version, writer, mtime, type, size, name);
CREATE TABLE block (id INTEGER PRIMARY KEY, data);
CREATE TABLE record (idx INTEGER PRIMARY KEY, epoch, node, life, number, kind, time, error, inode,
                     version, state, subject, root_version, root_writer, root_mtime);
CREATE TABLE floor (node, life, number, idx);
CREATE TABLE part (id INTEGER PRIMARY KEY, node, life, write, sequence, ranges);
CREATE TABLE limits (id INTEGER PRIMARY KEY, file_bytes, total_bytes, inodes, name_bytes);
CREATE TABLE promise (id INTEGER PRIMARY KEY, epoch, record);
CREATE TABLE aside (id INTEGER PRIMARY KEY AUTOINCREMENT, time, reason);
CREATE TABLE aside_record (aside, idx, epoch, node, life, number, kind, time, error, inode,
                           version, state, subject);
CREATE TABLE aside_entry (id INTEGER PRIMARY KEY, aside, path, inode, parent, version, writer,
                          mtime, type, size, name);
CREATE TABLE aside_block (entry, number, data);
)");
}

void bind_record(Statement& statement, const Record& record) {
    statement.bind(record.position.index).bind(record.position.epoch);
    statement.bind(totem::raw(record.id.node)).bind(raw(record.id.life)).bind(record.id.number);
    statement.bind(record.kind).bind(record.time);
    statement.bind(static_cast<std::uint8_t>(record.outcome.error));
    statement.bind(raw(record.outcome.inode)).bind(record.outcome.version);
    statement.bind_copy(bytes_of(record.state)).bind(record.subject);
}

Record read_record(Statement& row) {
    Record record;
    record.position.index = row.number();
    record.position.epoch = row.number();
    record.id.node = NodeId{static_cast<std::uint32_t>(row.number())};
    record.id.life = Life{row.number()};
    record.id.number = row.number();
    record.kind = static_cast<std::uint8_t>(row.number());
    record.time = row.number();
    record.outcome.error = static_cast<Errno>(row.number());
    record.outcome.inode = Inode{row.number()};
    record.outcome.version = row.number();
    record.state = digest_from(row.blob());
    record.subject = row.text();
    return record;
}

void bind_entry(Statement& statement, const Entry& entry) {
    statement.bind(raw(entry.inode)).bind(raw(entry.parent)).bind(entry.version);
    statement.bind(totem::raw(entry.writer)).bind(entry.mtime);
    statement.bind(static_cast<std::uint8_t>(entry.type)).bind(entry.content.size());
    statement.bind(entry.name);
}

bool read_entry(Statement& row, Entry& entry, std::uint64_t& size) {
    entry.inode = Inode{row.number()};
    entry.parent = Inode{row.number()};
    entry.version = row.number();
    entry.writer = NodeId{static_cast<std::uint32_t>(row.number())};
    entry.mtime = row.number();
    const std::uint64_t type = row.number();
    entry.type = static_cast<FileType>(type);
    size = row.number();
    entry.name = row.text();
    return entry.type == FileType::kDirectory || entry.type == FileType::kRegular;
}

bool write_records(sqlite3* database, const std::vector<Record>& records, const EntryRef& root) {
    Statement put(database, "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (const Record& record : records) {
        bind_record(put, record);
        if (root && &record == &records.back()) {
            put.bind(root->version).bind(totem::raw(root->writer)).bind(root->mtime);
        } else {
            put.bind_null().bind_null().bind_null();
        }
        if (!put.run()) {
            return false;
        }
    }
    return true;
}

bool delete_records_before(sqlite3* database, std::uint64_t index) {
    return Statement(database, "DELETE FROM record WHERE idx < ?").bind(index).run();
}

bool write_changes(sqlite3* database, const std::vector<TreeChange>& changes) {
    Statement put(database, "INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?,?,?)");
    Statement remove(database, "DELETE FROM entry WHERE inode = ?");
    for (const TreeChange& change : changes) {
        if (change.inode == kRootInode) {
            continue;
        }
        if (change.after) {
            bind_entry(put, *change.after);
        } else {
            remove.bind(raw(change.inode));
        }
        if (!(change.after ? put : remove).run() || !write_blocks(database, change)) {
            return false;
        }
    }
    return true;
}

bool write_parts(sqlite3* database, const std::vector<PartChange>& parts) {
    if (parts.empty()) {
        return true;
    }
    Statement put(database, "INSERT INTO part VALUES (NULL, ?, ?, ?, ?, ?)");
    Statement remove(database,
                     "DELETE FROM part WHERE node = ? AND life = ? AND write = ? AND sequence = ?");
    for (const PartChange& part : parts) {
        Statement& statement = part.ranges ? put : remove;
        statement.bind(totem::raw(part.id.node)).bind(raw(part.id.life)).bind(part.id.write);
        statement.bind(part.sequence);
        if (part.ranges) {
            statement.bind(*part.ranges);
        }
        if (!statement.run()) {
            return false;
        }
    }
    return true;
}

bool write_floors(sqlite3* database, const std::vector<Floor>& floors) {
    if (!execute(database, "DELETE FROM floor")) {
        return false;
    }
    Statement put(database, "INSERT INTO floor VALUES (?, ?, ?, ?)");
    return std::all_of(floors.begin(), floors.end(), [&put](const Floor& floor) {
        put.bind(totem::raw(floor.node)).bind(raw(floor.life));
        return put.bind(floor.number).bind(floor.index).run();
    });
}

bool write_limits(sqlite3* database, const Limits& limits) {
    Statement put(database, "INSERT OR REPLACE INTO limits VALUES (1, ?, ?, ?, ?)");
    put.bind(limits.file_bytes_max).bind(limits.total_bytes_max);
    return put.bind(limits.inodes_max).bind(limits.name_bytes_max).run();
}

bool write_promise(sqlite3* database, const Promise& promise) {
    Statement put(database, "INSERT OR REPLACE INTO promise VALUES (1, ?, ?)");
    return put.bind(promise.epoch).bind(promise.record).run();
}

bool read_root(sqlite3* database, EntryRef& root) {
    Statement row(database,
                  "SELECT root_version, root_writer, root_mtime FROM record "
                  "WHERE root_version IS NOT NULL ORDER BY idx DESC LIMIT 1");
    if (row.step()) {
        root = root_from(row);
    }
    return !row.failed();
}

bool read_all(sqlite3* database, Store::Loaded& loaded, std::string& problem) {
    EntryRef root;
    if (!read_root(database, root)) {
        return false;
    }
    if (root) {
        loaded.image.entries.push_back(root);
    }
    Statement record(database,
                     "SELECT idx, epoch, node, life, number, kind, time, error, inode, version, "
                     "state, subject FROM record ORDER BY idx");
    while (record.step()) {
        loaded.image.records.push_back(read_record(record));
    }
    return !record.failed() && read_entries(database, loaded.image.entries, problem) &&
           read_rest(database, loaded, problem);
}

}  // namespace cfs::sqlite
