// A state to try operations on, by path, as one of several nodes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cfs/core/state.h"

namespace cfs::testing {

inline std::vector<std::byte> bytes_of(std::string_view text) {
    const auto raw = std::as_bytes(std::span(text.data(), text.size()));
    return {raw.begin(), raw.end()};
}

inline std::string text_of(const Content& content) {
    std::string text(static_cast<std::size_t>(content.size()), '\0');
    content.read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

class Replica {
  public:
    State state;
    std::uint64_t epoch = 1;
    std::uint64_t time = 1000;  // s
    NodeId node{1};
    Life life{7};

    OperationId next_id() { return {node, life, ++number_}; }
    Applied apply(Change change) {
        return state.apply(epoch, {next_id(), time, std::move(change)});
    }

    // As the path's directory and last name; a directory that is not there gets an inode that is
    // not there.
    std::pair<Inode, std::string> place(const std::string& path) const {
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash);
        return {inode(directory), path.substr(slash == std::string::npos ? 0 : slash + 1)};
    }
    Inode inode(const std::string& path) const {
        const EntryRef entry = state.tree().resolve(path);
        return entry ? entry->inode : Inode{999999};
    }
    EntryRef entry(const std::string& path) const { return state.tree().resolve(path); }
    bool has(const std::string& path) const { return entry(path) != nullptr; }
    std::string text(const std::string& path) const { return text_of(entry(path)->content); }

    Errno create(const std::string& path, bool exclusive = true) {
        const auto [parent, name] = place(path);
        return apply(Create{parent, name, exclusive}).outcome.error;
    }
    Errno mkdir(const std::string& path) {
        const auto [parent, name] = place(path);
        return apply(MakeDirectory{parent, name}).outcome.error;
    }
    // mkdir -p
    void mkdirs(const std::string& path) {
        for (std::size_t end = path.find('/'); end != std::string::npos;
             end = path.find('/', end + 1)) {
            static_cast<void>(mkdir(path.substr(0, end)));
        }
        static_cast<void>(mkdir(path));
    }
    Errno write(const std::string& path, std::string_view text, std::uint64_t offset = 0) {
        const auto data = bytes_of(text);
        return apply(Write{inode(path), {{offset, data}}}).outcome.error;
    }
    // A new file with this text.
    Errno put(const std::string& path, std::string_view text) {
        const Errno error = create(path, false);
        return error == Errno::kOk && !text.empty() ? write(path, text) : error;
    }
    Errno truncate(const std::string& path, std::uint64_t size) {
        return apply(Truncate{inode(path), size}).outcome.error;
    }
    Errno rename(const std::string& from, const std::string& to) {
        const auto [parent, name] = place(from);
        const auto [new_parent, new_name] = place(to);
        return apply(Rename{parent, name, new_parent, new_name}).outcome.error;
    }
    Errno unlink(const std::string& path) {
        const auto [parent, name] = place(path);
        return apply(Unlink{parent, name}).outcome.error;
    }
    Errno rmdir(const std::string& path) {
        const auto [parent, name] = place(path);
        return apply(RemoveDirectory{parent, name}).outcome.error;
    }
    Errno set_time(const std::string& path, std::uint64_t mtime) {
        return apply(SetTime{inode(path), mtime}).outcome.error;
    }
    std::vector<std::string> list(const std::string& path) const {
        std::vector<std::string> names;
        state.tree().visit_children(inode(path), {}, [&](const EntryRef& entry) {
            names.push_back(entry->name);
            return true;
        });
        return names;
    }

  private:
    std::uint64_t number_ = 0;
};

// All of a state, as an image that a fresh one can adopt.
inline Image image_of(const State& state) {
    Image image;
    state.tree().visit_entries(kRootInode, [&](const EntryRef& entry) {
        image.entries.push_back(entry);
        return true;
    });
    image.limits = state.tree().limits();
    image.records.assign(state.history().records().begin(), state.history().records().end());
    image.floors = state.history().floors();
    image.parts = state.parts().all();
    return image;
}

// What must load.
inline State state_of(const Image& image) {
    auto state = load(image);
    EXPECT_TRUE(state.has_value()) << (state ? "" : to_string(state.error()));
    return state ? std::move(*state) : State{};
}

}  // namespace cfs::testing
