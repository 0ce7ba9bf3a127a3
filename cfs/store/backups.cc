#include "cfs/store/backups.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cfs {

namespace {

namespace fs = std::filesystem;

std::string utc_stamp() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
    return text.data();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "20261128T072400Z", perhaps with ".1" behind it.
bool is_stamp(std::string_view text) {
    constexpr std::string_view kForm = "ddddddddTddddddZ";
    const auto fits = [](char c, char form) { return form == 'd' ? is_digit(c) : c == form; };
    if (text.size() < kForm.size() ||
        !std::equal(kForm.begin(), kForm.end(), text.begin(),
                    [&](char form, char c) { return fits(c, form); })) {
        return false;
    }
    text.remove_prefix(kForm.size());
    return text.empty() || (text.size() > 1 && text.front() == '.' &&
                            std::all_of(text.begin() + 1, text.end(), is_digit));
}

}  // namespace

std::string new_backup_path(const std::string& directory, const std::string& name) {
    const std::string base = directory + "/" + name + "." + utc_stamp();
    std::string path = base;
    for (int again = 1; ::access(path.c_str(), F_OK) == 0; ++again) {
        path = base + "." + std::to_string(again);
    }
    return path;
}

void make_room_for_backup(const std::string& directory, const std::string& name) {
    const std::string prefix = name + ".";
    std::vector<std::pair<fs::file_time_type, fs::path>> backups;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; at != end; at.increment(error)) {
        const std::string entry = at->path().filename().string();
        const bool ours = entry.starts_with(prefix) &&
                          is_stamp(std::string_view(entry).substr(prefix.size())) &&
                          at->symlink_status(error).type() == fs::file_type::regular;
        const auto written = ours ? at->last_write_time(error) : fs::file_time_type{};
        if (ours && !error) {
            backups.emplace_back(written, at->path());
        }
    }
    std::sort(backups.begin(), backups.end());
    for (std::size_t i = 0; i + kBackupsKept <= backups.size(); ++i) {
        fs::remove(backups[i].second, error);  // what stays is tried again before the next one
    }
}

}  // namespace cfs
