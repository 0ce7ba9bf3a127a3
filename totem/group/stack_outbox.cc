#include "totem/group/stack_outbox.h"

#include <algorithm>
#include <array>
#include <utility>

#include "totem/group/capabilities.h"
#include "totem/group/messages.h"

namespace totem::group {

void StackOutbox::begin_step(Instant now, StackEffects& effects) {
    now_ = now;
    effects_ = &effects;
}

void StackOutbox::multicast_sync(std::span<const std::byte> message) {
    packer_->push_reserved({message, {}});
}

void StackOutbox::announce_capabilities() {
    const auto body = encode_capabilities(kOwnFeatures);
    const auto head = encode_services_head({kCapabilitiesService, kCapabilitiesAnnounce,
                                            kServiceHeaderBytes + kCapabilitiesBodyBytes});
    const std::array<std::span<const std::byte>, 1> parts = {body};
    packer_->push_reserved({head, parts});
}

bool StackOutbox::multicast(ServiceId service, std::uint16_t function,
                            std::span<const std::span<const std::byte>> parts,
                            Guarantee guarantee) {
    const std::size_t bytes = Pieces{{}, parts}.bytes();
    if (bytes > kMessageBytesMax) {
        return false;
    }
    const auto head =
        encode_services_head({static_cast<std::uint8_t>(service), function,
                              static_cast<std::uint32_t>(kServiceHeaderBytes + bytes)});
    return packer_->push(lane_, guarantee, {head, parts});
}

bool StackOutbox::has_room(std::size_t bytes) const {
    return bytes <= kMessageBytesMax && packer_->has_room(lane_, kServicesHeadBytes + bytes);
}

void StackOutbox::send(ClientMessage message) { effects_->clients.push_back(std::move(message)); }

void StackOutbox::notice(Notice notice) { effects_->notices.push_back(std::move(notice)); }

void StackOutbox::request_host(HostRequest request) { effects_->host.push_back(request); }

void StackOutbox::wake_at(ServiceId service, Instant when) {
    const auto wake = std::ranges::find(wakes_, service, &ServiceWake::service);
    if (wake == wakes_.end()) {
        wakes_.push_back({service, when});
    } else {
        wake->when = when;
    }
}

std::optional<ServiceId> StackOutbox::take_due() {
    const auto first = std::ranges::min_element(
        wakes_, {}, [](const ServiceWake& wake) { return std::pair(wake.when, wake.service); });
    if (first == wakes_.end() || first->when > now_) {
        return std::nullopt;
    }
    const ServiceId service = first->service;
    wakes_.erase(first);
    return service;
}

std::optional<Instant> StackOutbox::next_wake() const {
    const auto first = std::ranges::min_element(wakes_, {}, &ServiceWake::when);
    return first == wakes_.end() ? std::nullopt : std::optional(first->when);
}

}  // namespace totem::group
