// A program that is a member of a closed process group, sends what the load says and tells the
// recorder everything that it hears.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sim/options.h"
#include "sim/program.h"
#include "sim/recorder.h"

namespace sim {

class GroupProgram final : public Program {
  public:
    GroupProgram(const Options& options, Recorder& recorder, std::string group)
        : options_(&options), recorder_(&recorder), group_(std::move(group)) {}

    void start(const GroupWhere& at) override;
    void crash(const GroupWhere& at) override;
    void step(const GroupWhere& at, const totem::client::Input& input, Doors& doors) override;
    [[nodiscard]] std::optional<Instant> deadline() const override { return effects_.wake_at; }
    [[nodiscard]] std::optional<totem::client::Send> compose(const GroupWhere& at) override;
    [[nodiscard]] const totem::client::GroupClient* client() const override {
        return client_.get();
    }
    [[nodiscard]] std::uint64_t open_sends() const override { return open_sends_; }

  private:
    void hear(const GroupWhere& at, const totem::client::News& news);

    const Options* options_;
    Recorder* recorder_;
    std::string group_;
    std::unique_ptr<totem::client::GroupClient> client_;
    totem::client::Effects effects_;  // of the last step
    totem::client::Bytes composed_;
    std::uint64_t numbers_ = 0;
    std::uint64_t open_sends_ = 0;
};

}  // namespace sim
