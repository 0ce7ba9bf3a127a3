// What was put aside: its operations, and files as they were.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "cfs/store/sqlite_rows.h"

namespace cfs::sqlite {

namespace {

bool write_tail(sqlite3* database, std::uint64_t aside, const std::vector<Record>& tail) {
    Statement put(database, "INSERT INTO aside_record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (const Record& record : tail) {
        put.bind(aside);
        bind_record(put, record);
        if (!put.run()) {
            return false;
        }
    }
    return true;
}

bool write_file(sqlite3* database, std::uint64_t aside, const AsideEntry& file) {
    const char* sql = file.entry ? "INSERT INTO aside_entry VALUES (NULL,?,?,?,?,?,?,?,?,?,?)"
                                 : "INSERT INTO aside_entry (aside, path) VALUES (?,?)";
    Statement put(database, sql);
    put.bind(aside).bind(file.path);
    if (file.entry) {
        bind_entry(put, *file.entry);
    }
    if (!put.run()) {
        return false;
    }
    if (!file.entry) {
        return true;
    }
    const auto id = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database));
    Statement block(database, "INSERT INTO aside_block VALUES (?, ?, ?)");
    const auto& blocks = file.entry->content.blocks();
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        if (blocks[number] &&
            !block.bind(id).bind(std::uint64_t{number}).bind(blocks[number]->bytes).run()) {
            return false;
        }
    }
    return true;
}

bool read_content(sqlite3* database, std::uint64_t file, std::vector<BlockRef>& blocks) {
    Statement row(database, "SELECT number, data FROM aside_block WHERE entry = ? ORDER BY number");
    row.bind(file);
    while (row.step()) {
        const std::uint64_t number = row.number();
        if (number < blocks.size() || number > kFileBytesCeiling / kBlockBytes) {
            return false;
        }
        blocks.resize(static_cast<std::size_t>(number));
        blocks.push_back(make_block(row.blob()));
    }
    return !row.failed();
}

}  // namespace

bool write_aside(sqlite3* database, const Aside& aside) {
    Statement head(database, "INSERT INTO aside VALUES (NULL, ?, ?)");
    if (!head.bind(aside.time).bind(aside.reason).run()) {
        return false;
    }
    const auto id = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database));
    if (!write_tail(database, id, aside.tail)) {
        return false;
    }
    return std::ranges::all_of(
        aside.entries, [&](const AsideEntry& file) { return write_file(database, id, file); });
}

bool delete_aside(sqlite3* database, std::uint64_t id) {
    constexpr std::array<const char*, 4> kParts = {
        "DELETE FROM aside_block WHERE entry IN (SELECT id FROM aside_entry WHERE aside = ?)",
        "DELETE FROM aside_entry WHERE aside = ?", "DELETE FROM aside_record WHERE aside = ?",
        "DELETE FROM aside WHERE id = ?"};
    return std::ranges::all_of(
        kParts, [&](const char* sql) { return Statement(database, sql).bind(id).run(); });
}

bool read_asides(sqlite3* database, std::vector<AsideHead>& asides) {
    Statement row(database,
                  "SELECT id, time, reason, "
                  "(SELECT count(*) FROM aside_record WHERE aside = aside.id), "
                  "(SELECT count(*) FROM aside_entry WHERE aside = aside.id) "
                  "FROM aside ORDER BY id");
    while (row.step()) {
        AsideHead head;
        head.id = row.number();
        head.time = row.number();
        head.reason = row.text();
        head.operations = row.number();
        head.entries = row.number();
        asides.push_back(std::move(head));
    }
    return !row.failed();
}

bool read_aside(sqlite3* database, std::uint64_t id, Aside& aside, std::string& problem) {
    Statement head(database, "SELECT time, reason FROM aside WHERE id = ?");
    head.bind(id);
    if (!head.step()) {
        problem = "nothing was put aside under number " + std::to_string(id);
        return false;
    }
    aside.time = head.number();
    aside.reason = head.text();
    Statement record(database,
                     "SELECT idx, epoch, node, life, number, kind, time, error, inode, version, "
                     "state, subject FROM aside_record WHERE aside = ? ORDER BY idx");
    record.bind(id);
    while (record.step()) {
        aside.tail.push_back(read_record(record));
    }
    Statement file(database,
                   "SELECT id, path, inode, parent, version, writer, mtime, type, size, name "
                   "FROM aside_entry WHERE aside = ? ORDER BY id");
    file.bind(id);
    while (file.step()) {
        const std::uint64_t row = file.number();
        AsideEntry kept{file.text(), nullptr};
        if (!file.is_null()) {
            Entry entry;
            std::uint64_t size = 0;
            std::vector<BlockRef> blocks;
            const bool good = read_entry(file, entry, size) && read_content(database, row, blocks);
            if (!good || !Content::well_formed(size, blocks)) {
                problem = "what was put aside of " + kept.path + " is damaged";
                return false;
            }
            entry.content = Content(size, std::move(blocks));
            kept.entry = sealed(std::move(entry));
        }
        aside.entries.push_back(std::move(kept));
    }
    return !record.failed() && !file.failed();
}

}  // namespace cfs::sqlite
