// The tree against a model that anybody can read: paths in a map.
//
// A random walk over few names (so that things collide) is applied to the state, to the model, and
// to a second state that takes batches and snapshots at other times. Answers, content and digests
// must agree; old snapshots must stay what they were; and a load from an image must give the same
// state back. Replay what a failure prints with RC_PARAMS="reproduce=...".
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/cfs/replica.h"

namespace {

using cfs::Errno;
using cfs::testing::Replica;

struct Step {
    int kind = 0;  // as in Model::expect
    std::string path;
    std::string other;  // rename's target
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};

// rapidcheck looks for this name.
void showValue(const Step& step, std::ostream& out) {  // NOLINT(readability-identifier-naming)
    out << step.kind << ' ' << step.path << ' ' << step.other << ' ' << step.offset << '+'
        << step.size;
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string data_of(const Step& step) {
    return std::string(step.size + 1, static_cast<char>('a' + step.offset % 26));
}

// Path to content; a directory has none.
class Model {
  public:
    Model() { files_[""] = std::nullopt; }

    Errno expect(const Step& step) {
        switch (step.kind) {
            case 0:
                return make(step.path, std::string());
            case 1:
                return make(step.path, std::nullopt);
            case 2:
                return write(step);
            case 3:
                return truncate(step);
            case 4:
                return rename(step.path, step.other);
            case 5:
                return unlink(step.path);
            default:
                return rmdir(step.path);
        }
    }
    [[nodiscard]] const std::map<std::string, std::optional<std::string>>& files() const {
        return files_;
    }

  private:
    using File = std::optional<std::string>;

    Errno directory(const std::string& path) const {
        const auto found = files_.find(path);
        if (found != files_.end()) {
            return found->second ? Errno::kNotDirectory : Errno::kOk;
        }
        return Errno::kNotFound;
    }
    bool empty(const std::string& path) const {
        for (const auto& [other, file] : files_) {
            if (other.starts_with(path + "/")) {
                return false;
            }
        }
        return true;
    }
    Errno make(const std::string& path, const File& file) {
        if (const Errno error = directory(parent_of(path)); error != Errno::kOk) {
            return error;
        }
        return files_.emplace(path, file).second ? Errno::kOk : Errno::kExists;
    }
    Errno content(const std::string& path, std::string** out) {
        const auto found = files_.find(path);
        if (found == files_.end()) {
            return Errno::kStale;
        }
        *out = found->second ? &*found->second : nullptr;
        return *out == nullptr ? Errno::kIsDirectory : Errno::kOk;
    }
    Errno write(const Step& step) {
        std::string* text = nullptr;
        const Errno error = content(step.path, &text);
        if (error == Errno::kOk) {
            const std::string data = data_of(step);
            text->resize(std::max(text->size(), step.offset + data.size()), '\0');
            text->replace(step.offset, data.size(), data);
        }
        return error;
    }
    Errno truncate(const Step& step) {
        std::string* text = nullptr;
        const Errno error = content(step.path, &text);
        if (error == Errno::kOk) {
            text->resize(step.offset, '\0');
        }
        return error;
    }
    Errno unlink(const std::string& path) {
        if (const Errno error = directory(parent_of(path)); error != Errno::kOk) {
            return error;
        }
        const auto found = files_.find(path);
        if (found == files_.end()) {
            return Errno::kNotFound;
        }
        if (!found->second) {
            return Errno::kIsDirectory;
        }
        files_.erase(found);
        return Errno::kOk;
    }
    Errno rmdir(const std::string& path) {
        if (const Errno error = directory(parent_of(path)); error != Errno::kOk) {
            return error;
        }
        const auto found = files_.find(path);
        if (found == files_.end()) {
            return Errno::kNotFound;
        }
        if (found->second) {
            return Errno::kNotDirectory;
        }
        if (!empty(path)) {
            return Errno::kNotEmpty;
        }
        files_.erase(found);
        return Errno::kOk;
    }
    Errno rename(const std::string& from, const std::string& to) {
        for (const std::string& path : {from, to}) {
            if (const Errno error = directory(parent_of(path)); error != Errno::kOk) {
                return error;
            }
        }
        const auto source = files_.find(from);
        const auto target = files_.find(to);
        if (source == files_.end()) {
            return Errno::kNotFound;
        }
        if (parent_of(to) == from) {
            return Errno::kInvalid;
        }
        const File file = source->second;
        if (target != files_.end() && file.has_value() != target->second.has_value()) {
            return target->second ? Errno::kNotDirectory : Errno::kIsDirectory;
        }
        if (!file && (!empty(from) || (target != files_.end() && !empty(to)))) {
            return Errno::kNotEmpty;
        }
        files_.erase(source);
        files_[to] = file;
        return Errno::kOk;
    }

    std::map<std::string, File> files_;
};

rc::Gen<std::string> paths() {
    return rc::gen::map(
        rc::gen::resize(
            3, rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4)))),
        [](const std::vector<int>& names) {
            std::string path;
            for (const int name : names) {
                path += (path.empty() ? "" : "/") + std::string(1, static_cast<char>('a' + name));
            }
            return path;
        });
}

rc::Gen<Step> steps() {
    return rc::gen::build<Step>(
        rc::gen::set(&Step::kind, rc::gen::inRange(0, 7)), rc::gen::set(&Step::path, paths()),
        rc::gen::set(&Step::other, paths()),
        rc::gen::set(&Step::offset, rc::gen::inRange<std::uint32_t>(0, 40000)),
        rc::gen::set(&Step::size, rc::gen::inRange<std::uint32_t>(0, 20000)));
}

Errno perform(Replica& fs, const Step& step) {
    switch (step.kind) {
        case 0:
            return fs.create(step.path);
        case 1:
            return fs.mkdir(step.path);
        case 2:
            return fs.write(step.path, data_of(step), step.offset);
        case 3:
            return fs.truncate(step.path, step.offset);
        case 4:
            return fs.rename(step.path, step.other);
        case 5:
            return fs.unlink(step.path);
        default:
            return fs.rmdir(step.path);
    }
}

std::map<std::string, std::optional<std::string>> files_of(const cfs::TreeView& tree) {
    std::map<std::string, std::optional<std::string>> files;
    tree.visit_entries(cfs::kRootInode, [&](const cfs::EntryRef& entry) {
        const std::string path = tree.path_of(entry->inode).substr(1);
        files[path] = entry->is_directory() ? std::nullopt
                                            : std::optional(cfs::testing::text_of(entry->content));
        return true;
    });
    return files;
}

struct Kept {
    cfs::TreeView view;
    cfs::Summary summary;
    std::map<std::string, std::optional<std::string>> files;
};

RC_GTEST_PROP(TreeModel, AgreesWithTheTree, ()) {
    const auto walk = *rc::gen::scale(3.0, rc::gen::container<std::vector<Step>>(steps()));
    const auto every = *rc::gen::inRange<std::size_t>(1, 9);
    Model model;
    Replica fs;
    Replica twin;
    std::vector<Kept> kept;
    std::map<cfs::Inode, cfs::EntryRef> stored;  // what a store holds that is fed with batches
    for (std::size_t i = 0; i < walk.size(); ++i) {
        const Errno expected = model.expect(walk[i]);
        RC_ASSERT(perform(fs, walk[i]) == expected);
        RC_ASSERT(perform(twin, walk[i]) == expected);
        RC_ASSERT(fs.state.digest() == twin.state.digest());
        if (i % every == 0) {
            cfs::TreeView view = fs.state.snapshot();
            const cfs::Summary summary = view.summary();
            kept.push_back({std::move(view), summary, model.files()});
            for (const cfs::TreeChange& change : fs.state.take_batch().changes) {
                change.after ? void(stored[change.inode] = change.after)
                             : void(stored.erase(change.inode));
            }
        }
    }
    RC_ASSERT(files_of(fs.state.tree()) == model.files());
    for (const Kept& old : kept) {
        RC_ASSERT(files_of(old.view) == old.files);
        RC_ASSERT(old.view.summary() == old.summary);
    }
    cfs::Summary sum;
    fs.state.tree().visit_entries(cfs::kRootInode, [&sum](const cfs::EntryRef& entry) {
        sum.add(*entry);
        return true;
    });
    RC_ASSERT(sum == fs.state.tree().summary());
    if (walk.empty()) {
        return;
    }
    for (const cfs::TreeChange& change : fs.state.take_batch().changes) {
        change.after ? void(stored[change.inode] = change.after) : void(stored.erase(change.inode));
    }
    cfs::Image image = cfs::testing::image_of(fs.state);
    image.entries.clear();
    for (const auto& [inode, entry] : stored) {
        image.entries.push_back(entry);
    }
    if (image.entries.empty()) {
        return;  // nothing ever changed
    }
    const auto loaded = cfs::load(image);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->digest() == fs.state.digest());
}

RC_GTEST_PROP(TreeModel, EqualTreesHaveEqualDigestsOnly, ()) {
    const auto walk = *rc::gen::container<std::vector<Step>>(20, steps());
    Replica a;
    Replica b;
    for (const Step& step : walk) {
        perform(a, step);
        perform(b, step);
    }
    const bool changed = b.set_time("a", 12345) == Errno::kOk;
    RC_ASSERT((a.state.tree().summary() == b.state.tree().summary()) == !changed);
}

}  // namespace
