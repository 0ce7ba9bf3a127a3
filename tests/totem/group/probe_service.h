// A service that writes down all that happens to it and does as the test says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/totem/group/layer_bus.h"
#include "totem/group/service.h"

namespace group_test {

using totem::group::Outbox;
using totem::group::Service;
using totem::group::ServiceId;
using totem::group::SyncStep;

class ProbeService final : public Service {
  public:
    explicit ProbeService(std::uint8_t number, bool synchronises = true)
        : id_(ServiceId{number}), synchronises_(synchronises) {}

    std::vector<std::string> log;
    // What the service sends in its turn, and how often it waits before it is done.
    std::string sync_text;
    int waits = 0;
    totem::Duration wake_after{0};
    bool log_messages = true;

    [[nodiscard]] ServiceId id() const override { return id_; }
    [[nodiscard]] bool synchronises() const override { return synchronises_; }

    void on_configuration(const Configuration& change, Outbox& out) override {
        static_cast<void>(out);
        const bool regular = change.kind == Configuration::Kind::kRegular;
        log.push_back((regular ? "regular " : "transitional ") + list(change.members));
    }
    void sync_begin(const RingId& ring, std::span<const NodeId> transitional,
                    std::span<const NodeId> members, Outbox& out) override {
        static_cast<void>(ring);
        static_cast<void>(out);
        log.push_back("begin " + list(transitional) + " " + list(members));
    }
    SyncStep sync_step(Outbox& out) override {
        if (waits > 0) {
            --waits;
            log.emplace_back("wait");
            if (wake_after.count() != 0) {
                out.wake_at(id_, out.now() + wake_after);
            }
            return SyncStep::kWaiting;
        }
        log.emplace_back("step");
        if (!sync_text.empty()) {
            EXPECT_TRUE(send(out, sync_text));
        }
        return SyncStep::kDone;
    }
    void sync_activate(Outbox& out) override {
        static_cast<void>(out);
        log.emplace_back("activate");
    }
    void sync_abort(Outbox& out) override {
        static_cast<void>(out);
        log.emplace_back("abort");
    }
    void on_sync_complete(Outbox& out) override {
        static_cast<void>(out);
        log.emplace_back("complete");
    }
    void on_message(NodeId sender, std::uint16_t function, const FrameRef& message,
                    Outbox& out) override {
        static_cast<void>(function);
        static_cast<void>(out);
        const auto body = message.bytes().subspan(16);
        ++received;
        received_bytes += body.size();
        if (log_messages) {
            log.push_back(std::to_string(raw(sender)) + ":" + text_of(body));
        }
    }
    void on_wake(Outbox& out) override {
        static_cast<void>(out);
        log.emplace_back("wake");
    }
    [[nodiscard]] std::uint64_t state_hash() const override { return received; }

    bool send(Outbox& out, const std::string& text, Guarantee guarantee = Guarantee::kAgreed) {
        const std::array<std::span<const std::byte>, 1> parts = {bytes_of(text)};
        return out.multicast(id_, 3, parts, guarantee);
    }
    std::vector<std::string> take_log() { return std::exchange(log, {}); }

    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;

  private:
    static std::string list(std::span<const NodeId> nodes) {
        std::string text;
        for (const NodeId node : nodes) {
            text += (text.empty() ? "" : ",") + std::to_string(raw(node));
        }
        return text;
    }

    ServiceId id_;
    bool synchronises_;
};

// Its clients' requests are messages of a probe service.
class ProbeDoor final : public totem::group::Door {
  public:
    explicit ProbeDoor(ProbeService& service) : service_(&service) {}

    std::vector<std::string> log;
    std::uint32_t last_token = 0;
    Guarantee guarantee = Guarantee::kAgreed;

    [[nodiscard]] ServiceId id() const override { return service_->id(); }
    void on_open(totem::group::ConnectionId connection, std::uint32_t pid, Outbox& out) override {
        static_cast<void>(out);
        log.push_back("open " + std::to_string(static_cast<std::uint32_t>(connection)) + " " +
                      std::to_string(pid));
    }
    void on_close(totem::group::ConnectionId connection, Outbox& out) override {
        static_cast<void>(out);
        log.push_back("close " + std::to_string(static_cast<std::uint32_t>(connection)));
    }
    [[nodiscard]] bool on_request(totem::group::ConnectionId connection,
                                  std::span<const std::byte> request, Outbox& out) override {
        static_cast<void>(connection);
        const std::array<std::span<const std::byte>, 1> parts = {request};
        return out.multicast(service_->id(), 1, parts, guarantee);
    }
    void on_host_reply(std::uint32_t token, std::uint32_t error, Outbox& out) override {
        static_cast<void>(error);
        static_cast<void>(out);
        last_token = token;
    }

  private:
    ProbeService* service_;
};

}  // namespace group_test
