#include "cfs/core/state.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "cfs/core/operation_codec.h"
#include "totem/core/check.h"

namespace cfs {

namespace {

std::string joined(std::string directory, std::string_view name) {
    if (directory != "/") {
        directory += '/';
    }
    directory += name;
    return directory;
}

template <typename T>
concept ByInodeChange = requires(const T& change) {
    change.inode;
};

}  // namespace

const char* to_string(const ImageError& error) noexcept {
    switch (error.problem) {
        case ImageProblem::kTree:
            return to_string(error.tree);
        case ImageProblem::kHistory:
            return "the history is none";
        case ImageProblem::kParts:
            return "the parts of writes are none";
        case ImageProblem::kDigest:
            return "the content is not what its digest says";
    }
    return "unknown";
}

Digest digest_of(const Limits& limits) {
    Hasher hasher(Hashed::kLimits);
    hasher.number(limits.file_bytes_max).number(limits.total_bytes_max);
    return hasher.number(limits.inodes_max).number(limits.name_bytes_max).finish();
}

Digest State::digest() const {
    return tree().summary().digest + history_.digest() + parts_.digest() + limits_digest_;
}

Applied State::apply(std::uint64_t epoch, const Operation& operation) {
    switch (history_.known(operation.id)) {
        case History::Known::kRepeated: {
            const Record& record = history_.record(operation.id);
            return {record.outcome, record.position, Applied::Turn::kRepeated};
        }
        case History::Known::kForgotten:
            return {{Errno::kStale, {}, tree().version()}, {}, Applied::Turn::kForgotten};
        case History::Known::kNew:
            break;
    }
    Record record;
    record.position = {epoch, position().index + 1};
    record.id = operation.id;
    record.kind = static_cast<std::uint8_t>(operation.change.index() + 1);
    record.time = operation.time;
    record.subject = subject_of(operation);
    record.outcome = perform(operation);
    const Applied applied{record.outcome, record.position, Applied::Turn::kFirst};
    history_.add(std::move(record));
    history_.set_last_state(digest());
    return applied;
}

Outcome State::perform(const Operation& operation) {
    const Author author{operation.id.node, operation.time};
    return std::visit(
        [&](const auto& change) -> Outcome {
            using Kind = std::decay_t<decltype(change)>;
            if constexpr (std::is_same_v<Kind, Chunk>) {
                return perform(operation.id, change);
            } else if constexpr (std::is_same_v<Kind, CommitChunks>) {
                return commit_parts(operation.id, change, author);
            } else if constexpr (std::is_same_v<Kind, DiscardChunks>) {
                parts_.discard(change.node, change.kept);
                return {Errno::kOk, {}, tree().version()};
            } else {
                const Outcome outcome = tree_.apply(change, author);
                if constexpr (std::is_same_v<Kind, SetLimits>) {
                    limits_digest_ = digest_of(tree().limits());
                    limits_changed_ = true;
                }
                return outcome;
            }
        },
        operation.change);
}

Outcome State::perform(const OperationId& id, const Chunk& change) {
    const Errno error =
        parts_.add({id.node, id.life, change.write}, change.sequence, change.ranges);
    return {error, {}, tree().version()};
}

Outcome State::commit_parts(const OperationId& id, const CommitChunks& change, Author author) {
    const auto held = parts_.take({id.node, id.life, change.write}, change.count);
    if (held.empty()) {
        return {Errno::kInvalid, {}, tree().version()};
    }
    std::vector<Ranges> parts;
    for (const PartBytes& bytes : held) {
        auto ranges = decode_ranges(*bytes);
        TOTEM_CHECK(ranges.has_value());
        parts.push_back(std::move(*ranges));
    }
    return tree_.write_parts(change.inode, parts, author);
}

std::string State::subject_of(const Operation& operation) const {
    return std::visit(
        [&](const auto& change) -> std::string {
            using Kind = std::decay_t<decltype(change)>;
            if constexpr (std::is_same_v<Kind, Rename>) {
                return joined(tree().path_of(change.parent), change.name) + " -> " +
                       joined(tree().path_of(change.new_parent), change.new_name);
            } else if constexpr (ByInodeChange<Kind>) {
                return tree().path_of(change.inode);
            } else if constexpr (requires { change.parent; }) {
                return joined(tree().path_of(change.parent), change.name);
            } else {
                return {};
            }
        },
        operation.change);
}

Batch State::take_batch() {
    Batch batch;
    const auto& records = history_.records();
    if (records.empty() && !adopted_) {
        return batch;  // the root of a new tree is stored with its first operation
    }
    batch.adoption = std::exchange(adopted_, false);
    const std::uint64_t from = batch.adoption ? 0 : stored_;
    batch.oldest_index = records.empty() ? 1 : records.front().position.index;
    TOTEM_CHECK(batch.adoption || stored_ + 1 >= batch.oldest_index);
    const std::uint64_t fresh = position().index - std::max(from, batch.oldest_index - 1);
    batch.records.assign(records.end() - static_cast<std::ptrdiff_t>(fresh), records.end());
    stored_ = position().index;
    batch.changes = tree_.take_changes();
    batch.parts = parts_.take_changes();
    if (batch.adoption) {
        batch.parts = parts_.all();
    }
    if (std::exchange(limits_changed_, false) || batch.adoption) {
        batch.limits = tree().limits();
    }
    if (history_.take_floors_changed() || batch.adoption) {
        batch.floors = history_.floors();
    }
    return batch;
}

totem::Result<State, ImageError> State::adopt(const Image& image) {
    TOTEM_CHECK(stored_ == position().index && !adopted_);
    State next;
    next.tree_ = tree_.fork();
    const TreeProblem problem = next.tree_.replace(image.entries, image.gone, image.limits);
    if (problem != TreeProblem::kNone) {
        return totem::Unexpected{ImageError{ImageProblem::kTree, problem}};
    }
    if (!next.history_.assign(image.records, image.floors)) {
        return totem::Unexpected{ImageError{ImageProblem::kHistory}};
    }
    if (!next.parts_.assign(image.parts)) {
        return totem::Unexpected{ImageError{ImageProblem::kParts}};
    }
    next.limits_digest_ = digest_of(image.limits);
    next.adopted_ = true;
    if (next.digest() != (image.records.empty() ? State{}.digest() : image.records.back().state)) {
        return totem::Unexpected{ImageError{ImageProblem::kDigest}};
    }
    return next;
}

totem::Result<State, ImageError> load(const Image& image) {
    if (image.entries.empty()) {
        return State{};
    }
    auto loaded = State{}.adopt(image);
    if (loaded) {
        static_cast<void>(loaded->take_batch());
    }
    return loaded;
}

}  // namespace cfs
