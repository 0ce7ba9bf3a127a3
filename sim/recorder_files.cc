// The lines of the trace about the replicated filesystem.
#include "sim/recorder.h"

namespace sim {

namespace {

std::uint64_t digits(const FilePlace& place) {
    return place.position.epoch << 40U ^ place.digest.words[0];
}

}  // namespace

Recorder::Line Recorder::line(const FilesStarted& e) {
    return {"cfs-start", e.where, {}, e.place.position.index, digits(e.place), e.promise};
}
Recorder::Line Recorder::line(const FilesFailed& e) {
    return {"cfs-fail",
            e.where,
            {},
            static_cast<std::uint64_t>(e.fate),
            e.durable.position.epoch,
            e.durable.position.index};
}
Recorder::Line Recorder::line(const FileAsked& e) {
    return {"ask", e.where, {}, e.ticket, e.bytes->size(), 0};
}
Recorder::Line Recorder::line(const FileAnswered& e) {
    return {"answer",
            e.where,
            {},
            e.ticket,
            static_cast<std::uint64_t>(e.refusal),
            static_cast<std::uint64_t>(e.outcome.error)};
}
Recorder::Line Recorder::line(const FileApplied& e) {
    return {"apply",
            e.where,
            {},
            e.record->position.epoch,
            e.record->position.index,
            e.record->time ^ e.record->state.words[0]};
}
Recorder::Line Recorder::line(const FileAdopted& e) {
    return {"adopt",
            e.where,
            {},
            e.before.position.index,
            e.after.position.epoch,
            e.after.position.index};
}
Recorder::Line Recorder::line(const FileStored& e) {
    return {"stored", e.where, {}, e.durable.position.epoch, e.durable.position.index, e.promise};
}
Recorder::Line Recorder::line(const FileStoreFailed& e) {
    return {"store-failed", e.where, {}, static_cast<std::uint64_t>(e.kind), 0, 0};
}
Recorder::Line Recorder::line(const FileStatus& e) {
    return {"cfs-status",
            e.where,
            {},
            static_cast<std::uint64_t>(e.status->obstacle),
            e.status->epoch,
            e.status->synced.size()};
}
Recorder::Line Recorder::line(const FileNotice& e) {
    return {"cfs-notice",       e.where, {}, static_cast<std::uint64_t>(e.kind),
            totem::raw(e.node), e.number};
}
Recorder::Line Recorder::line(const FileRead& e) {
    return {"read", e.where, {}, e.caller, e.place.position.epoch, e.place.position.index};
}
Recorder::Line Recorder::line(const FileVotes& e) {
    return {"votes", e.where, {}, e.expected, e.total, 0};
}
Recorder::Line Recorder::line(const FilesSettled& e) {
    return {"cfs-settled", e.where, {}, e.members, e.place.position.epoch, e.place.position.index};
}

}  // namespace sim
