// What a checker is: it reads the trace of a run and reports the first thing that must not be.
//
// Checkers are passive and never change what happens. Each has a planted-bug test. The numbers of
// properties (E4, R6, ...) are those of properties.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sim/file_record.h"
#include "sim/record.h"

namespace sim {

struct Violation {
    std::string checker;
    std::string property;
    std::string evidence;
    Where where;
};

// The first violation of a run; what comes after it is a consequence and is not kept.
class Findings {
  public:
    void report(Violation violation) {
        if (!first_) {
            first_ = std::move(violation);
        }
    }
    [[nodiscard]] const std::optional<Violation>& first() const noexcept { return first_; }

  private:
    std::optional<Violation> first_;
};

class Checker {
  public:
    Checker(std::string_view name, Findings& findings) : name_(name), findings_(&findings) {}
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;
    Checker(Checker&&) = delete;
    Checker& operator=(Checker&&) = delete;
    virtual ~Checker() = default;

    virtual void on(const Started& /*event*/) {}
    virtual void on(const Failed& /*event*/) {}
    virtual void on(const Originated& /*event*/) {}
    virtual void on(const Held& /*event*/) {}
    virtual void on(const Delivered& /*event*/) {}
    virtual void on(const Configured& /*event*/) {}
    virtual void on(const StateChanged& /*event*/) {}
    virtual void on(const Released& /*event*/) {}
    virtual void on(const TokenTaken& /*event*/) {}
    virtual void on(const TokenSent& /*event*/) {}
    virtual void on(const SafeLine& /*event*/) {}
    virtual void on(const Idle& /*event*/) {}
    virtual void on(const TokenWanted& /*event*/) {}
    virtual void on(const Spoke& /*event*/) {}
    virtual void on(const Durable& /*event*/) {}
    virtual void on(const Ignorable& /*event*/) {}
    virtual void on(const FrameOpened& /*event*/) {}
    virtual void on(const QuorumView& /*event*/) {}
    virtual void on(const SyncWaits& /*event*/) {}
    virtual void on(const Settled& /*event*/) {}
    virtual void on(const GroupStarted& /*event*/) {}
    virtual void on(const GroupFailed& /*event*/) {}
    virtual void on(const GroupExpelled& /*event*/) {}
    virtual void on(const GroupSaid& /*event*/) {}
    virtual void on(const GroupHeard& /*event*/) {}
    virtual void on(const GroupView& /*event*/) {}
    virtual void on(const GroupRing& /*event*/) {}
    virtual void on(const GroupTrouble& /*event*/) {}
    virtual void on(const FilesStarted& /*event*/) {}
    virtual void on(const FilesFailed& /*event*/) {}
    virtual void on(const FileAsked& /*event*/) {}
    virtual void on(const FileAnswered& /*event*/) {}
    virtual void on(const FileApplied& /*event*/) {}
    virtual void on(const FileAdopted& /*event*/) {}
    virtual void on(const FileStored& /*event*/) {}
    virtual void on(const FileStoreFailed& /*event*/) {}
    virtual void on(const FileStatus& /*event*/) {}
    virtual void on(const FileNotice& /*event*/) {}
    virtual void on(const FileRead& /*event*/) {}
    virtual void on(const FileVotes& /*event*/) {}
    virtual void on(const FilesSettled& /*event*/) {}

    [[nodiscard]] std::string_view name() const noexcept { return name_; }

  protected:
    void violate(const GroupWhere& at, std::string property, const std::string& evidence) {
        violate(at.where, std::move(property),
                "client " + std::to_string(at.client) + " pid " + std::to_string(at.pid) + ": " +
                    evidence);
    }
    void violate(const Where& where, std::string property, std::string evidence) {
        findings_->report({std::string(name_), std::move(property), std::move(evidence), where});
    }

  private:
    std::string_view name_;
    Findings* findings_;
};

// Texts for evidence.
[[nodiscard]] std::string text(const Where& where);
[[nodiscard]] std::string text(const RingId& ring);
[[nodiscard]] std::string text(Seq seq);
[[nodiscard]] std::string members_text(NodeMask members);

}  // namespace sim
