// The house's own rules, read off the tree: sizes, arrows between rooms, words banned in cores.
//
// Source: architecture.md section 2 (which room may include which) and style.md 3.5.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLinesMax = 500;
constexpr std::size_t kFunctionLinesMax = 60;
constexpr std::size_t kColumnsMax = 100;

struct Source {
    std::string path;  // from the root of the tree, with slashes
    std::vector<std::string> lines;
};

// Rooms whose folder is a prefix of the path; the longest wins. `may_include` lists other rooms.
struct Room {
    std::string folder;
    std::vector<std::string> may_include;
    bool core = false;
};

const std::vector<Room>& rooms() {
    static const std::vector<Room> kRooms{
        {"totem/core", {}, true},
        {"totem/config", {"totem/core"}, true},
        {"totem/group", {"totem/core"}, true},
        {"votequorum/core", {"totem/core", "totem/group"}, true},
        {"totem/client", {"totem/core", "totem/group", "totem/ipc/doors", "votequorum/ipc"}, true},
        {"totem/ipc/doors", {"totem/core", "totem/group"}, true},
        {"votequorum/ipc",
         {"totem/core", "totem/group", "votequorum/core", "totem/ipc/doors"},
         true},
        {"totem/host", {"totem/config"}},
        {"totem/process", {"totem/core", "totem/config"}},
        {"cfs/core", {"totem/core", "totem/client"}, true},
        {"cfs/store", {"totem/core", "cfs/core"}},
        {"cfs/fuse", {"totem/core", "cfs/core"}},
        {"cfs/daemon",
         {"totem/core", "totem/config", "totem/process", "totem/client", "totem/ipc", "cfs/core",
          "cfs/store", "cfs/fuse"}},
        {"totem/net", {"totem/core"}},
        {"totem/ipc", {"totem/core", "totem/group", "totem/client", "totem/ipc/doors"}},
        {"totem/daemon",
         {"totem/core", "totem/group", "totem/config", "totem/host", "totem/process", "totem/net",
          "totem/ipc", "totem/ipc/doors", "totem/client", "votequorum/core", "votequorum/ipc"}},
        {"pvecm", {"totem/core", "totem/config", "totem/host", "totem/net"}},
        // The simulator runs cores only; sealing is the one shell it borrows, for its sealed
        // profile.
        {"sim",
         {"totem/core", "totem/group", "totem/client", "totem/config", "totem/ipc/doors",
          "totem/net", "votequorum/core", "votequorum/ipc", "cfs/core"}},
    };
    return kRooms;
}

const Room* room_of(const std::string& path) {
    const Room* best = nullptr;
    for (const Room& room : rooms()) {
        if (path.rfind(room.folder + "/", 0) == 0 &&
            (best == nullptr || room.folder.size() > best->folder.size())) {
            best = &room;
        }
    }
    return best;
}

std::vector<Source> sources() {
    std::vector<Source> found;
    const fs::path root = QUORATE_SOURCE_DIR;
    for (const std::string folder :
         {"totem", "votequorum", "cfs", "pvecm", "sim", "tests", "bench"}) {
        if (!fs::exists(root / folder)) {
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const auto extension = entry.path().extension();
            if (extension != ".cc" && extension != ".h") {
                continue;
            }
            Source source{fs::relative(entry.path(), root).generic_string(), {}};
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);) {
                source.lines.push_back(line);
            }
            found.push_back(std::move(source));
        }
    }
    return found;
}

// The line without its // comment and without what stands in quotes.
std::string code_of(const std::string& line) {
    std::string code;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0) {
            if (c == '\\') {
                ++i;
            } else if (c == quote) {
                quote = 0;
            }
            continue;
        }
        const bool digit_separator = c == '\'' && i > 0 && std::isxdigit(line[i - 1]) != 0;
        if ((c == '"' || c == '\'') && !digit_separator) {
            quote = c;
        } else if (c == '/' && i + 1 < line.size() && line[i + 1] == '/') {
            break;
        } else {
            code += c;
        }
    }
    return code;
}

TEST(Tidy, FilesAreShort) {
    for (const Source& source : sources()) {
        EXPECT_LE(source.lines.size(), kFileLinesMax) << source.path;
    }
}

TEST(Tidy, LinesAreShort) {
    for (const Source& source : sources()) {
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string& line = source.lines[i];
            const bool excused =
                line.find("NOLINT") != std::string::npos || line.find("R\"") != std::string::npos;
            EXPECT_TRUE(line.size() <= kColumnsMax || excused) << source.path << ':' << i + 1;
        }
    }
}

// Functions are found by shape: a line that ends in `{`, is indented less than the body, and whose
// opening line (back to the last line that ends a statement) has a parameter list.
TEST(Tidy, FunctionsAreShort) {
    static const std::regex kOpens(
        R"(^(    |  )?[A-Za-z~\[].*\)( const| noexcept| override|&)*( ->.*)? \{$)");
    static const std::regex kNot(
        R"(^\s*(namespace|class|struct|enum|union|switch|if|for|while|do|else)\b)");
    for (const Source& source : sources()) {
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string& line = source.lines[i];
            if (!std::regex_match(line, kOpens) || std::regex_search(line, kNot)) {
                continue;
            }
            const std::size_t indent = line.find_first_not_of(' ');
            const std::string closing = std::string(indent, ' ') + "}";
            std::size_t end = i;
            while (end < source.lines.size() && source.lines[end].rfind(closing, 0) != 0) {
                ++end;
            }
            EXPECT_LE(end - i + 1, kFunctionLinesMax) << source.path << ':' << i + 1;
        }
    }
}

TEST(Tidy, ArrowsGoWhereTheyMay) {
    static const std::regex kInclude(R"(^#include \"([^\"]+)\")");
    for (const Source& source : sources()) {
        const Room* from = room_of(source.path);
        if (from == nullptr) {
            continue;  // tests and benchmarks may use anything
        }
        for (const std::string& line : source.lines) {
            std::smatch match;
            if (!std::regex_search(line, match, kInclude)) {
                continue;
            }
            const Room* to = room_of(match[1]);
            if (to == from) {
                continue;
            }
            ASSERT_NE(to, nullptr) << source.path << ": " << line;
            const std::set<std::string> allowed(from->may_include.begin(), from->may_include.end());
            EXPECT_TRUE(allowed.contains(to->folder)) << source.path << " includes " << match[1];
        }
    }
}

TEST(Tidy, CoresArePure) {
    static const std::regex kBanned(
        R"(\b(system_clock|steady_clock|high_resolution_clock|random_device|rand\(|unordered_\w+)"
        R"(|getenv|spdlog|throw|std::function|uniform_int_distribution)\b|<(thread|mutex|fstream|)"
        R"(iostream|atomic|random|unordered_map|unordered_set|sys/|unistd|netinet/).*>)");
    for (const Source& source : sources()) {
        const Room* room = room_of(source.path);
        if (room == nullptr || !room->core) {
            continue;
        }
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string code = code_of(source.lines[i]);
            EXPECT_FALSE(std::regex_search(code, kBanned))
                << source.path << ':' << i + 1 << ": " << source.lines[i];
        }
    }
}

TEST(Tidy, NothingUnfinishedOrSloppy) {
    // The words are put together here so that this file does not find itself.
    const std::regex banned(std::string("\\b(TO") + "DO|FIX" + "ME|XX" + "X|HA" +
                            "CK)\\b|using name" +
                            "space (?!std::chrono_literals|std::string_literals)");
    for (const Source& source : sources()) {
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string& line = source.lines[i];
            EXPECT_FALSE(std::regex_search(line, banned)) << source.path << ':' << i + 1;
            EXPECT_EQ(line.find('\r'), std::string::npos) << source.path << ':' << i + 1;
        }
    }
}

TEST(Tidy, HeadersSayWhatTheyAreFor) {
    for (const Source& source : sources()) {
        if (source.path.ends_with(".h")) {
            ASSERT_FALSE(source.lines.empty()) << source.path;
            EXPECT_EQ(source.lines.front().rfind("// ", 0), 0U) << source.path;
        }
    }
}

}  // namespace
